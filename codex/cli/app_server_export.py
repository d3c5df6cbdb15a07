"""`codex app-server generate-json-schema` and `generate-ts`: the protocol for other languages."""

import sys
from pathlib import Path

from codex.base.errors import UserError
from codex.cli._arguments import Option, Parser
from codex.cli._help import print_help

_OPTIONS = [
    Option("out", "The directory to write to; it is made where it is missing", short="o", metavar="DIR"),
    Option("experimental", "With the methods and fields that a client must opt in to"),
    Option("help", "Print this", short="h"),
]
COMMANDS = {name: Parser(f"codex app-server {name}", _OPTIONS) for name in ("generate-json-schema", "generate-ts")}
PARSERS = {f"app-server {name}": parser for name, parser in COMMANDS.items()}


def run_export(name: str, arguments: list[str]) -> int:
    """Write the files; returns the exit code.

    Raises:
      UserError: there is no directory named, or it cannot be written to.
    """
    parser = COMMANDS[name]
    line = parser.parse(arguments)
    if line.has("help"):
        what = "JSON Schema" if name == "generate-json-schema" else "TypeScript"
        return print_help([f"Write the protocol as {what}.", "", f"Usage: codex app-server {name} --out DIR"], parser)
    folder = line.one("out")
    if line.positionals or not folder:
        raise parser.fail("name the directory to write to, with --out DIR, and nothing else")
    from codex.app_server.export import json_schema_files, typescript_files, write_files

    make = json_schema_files if name == "generate-json-schema" else typescript_files
    files = make(experimental=line.has("experimental"))
    try:
        write_files(Path(folder), files)
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    sys.stdout.write(f"Wrote {len(files)} files to {folder}\n")
    return 0
