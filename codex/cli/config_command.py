"""`codex config`: what is in force and why, and edits of config.toml that keep its comments."""

import os
import sys
from typing import TYPE_CHECKING

from codex.base.errors import UserError
from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.failure import say
from codex.cli.options import ConfigFlags, config_options

if TYPE_CHECKING:
    from codex.config.load import Resolution
    from codex.config.origins import Origin

_HELP = Option("help", "Print this", short="h")
_CD = Option("cd", "Look at what holds in this directory", short="C", metavar="DIR")
_JSON = Option("json", "Print JSON")
_PROJECT = Option("project", "Change .codex/config.toml of the project")

show_parser = Parser(
    "codex config show",
    [
        *config_options,
        _CD,
        Option("origins", "Tell which layer each value comes from, and what it replaces"),
        _JSON,
        _HELP,
    ],
)
get_parser = Parser("codex config get", [*config_options, _CD, _JSON, _HELP])
set_parser = Parser("codex config set", [*config_options, _CD, _PROJECT, _HELP])
unset_parser = Parser("codex config unset", [*config_options, _CD, _PROJECT, _HELP])
_COMMANDS = {"show": show_parser, "get": get_parser, "set": set_parser, "unset": unset_parser}
PARSERS = {f"config {name}": parser for name, parser in _COMMANDS.items()}

_USAGE = [
    "What is in force, where it comes from, and how to change it.",
    "",
    "Usage: codex config show [--origins] [--json]",
    "       codex config get KEY [--json]",
    "       codex config set KEY VALUE [-p PROFILE | --project]",
    "       codex config unset KEY [-p PROFILE | --project]",
    "",
    "VALUE is TOML, or text. A profile's file is changed with -p.",
]


def run_config(arguments: list[str], before: Parsed) -> int:
    """The command; returns the exit code: 1 where a key has no value.

    Raises:
      UserError: the configuration is wrong, or cannot be changed.
    """
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    parser = _COMMANDS.get(name)
    if name in ("help", "--help", "-h"):
        return print_help(_USAGE, show_parser)
    if parser is None:
        from codex.base.suggest import did_you_mean

        there_is = f"{did_you_mean(name, _COMMANDS)}; there are: {', '.join(_COMMANDS)}"
        raise show_parser.fail(f"unrecognized command 'config {name}'{there_is}")
    line = parser.parse(rest)
    if line.has("help"):
        return print_help(_USAGE, parser)
    wanted = {"show": 0, "set": 2}.get(name, 1)
    if len(line.positionals) != wanted:
        shape = " ".join(["codex config", name, *["KEY", "VALUE"][:wanted]])
        raise parser.fail(f"expected '{shape}'; got {len(line.positionals)} arguments")
    match name:
        case "show":
            return _show(line, before)
        case "get":
            return _get(line, before)
        case _:
            return _change(line, before, line.positionals)


def _resolve(line: Parsed, before: Parsed) -> "Resolution":
    from codex.config.load import resolve_config

    flags = ConfigFlags(before, line)
    return resolve_config(
        cwd=_directory(line, before),
        overrides=flags.overrides,
        flags={"enable": flags.enable, "disable": flags.disable},
        profile=flags.profile,
        environ=os.environ,
    )


def _directory(line: Parsed, before: Parsed) -> str:
    return os.path.abspath(line.one("cd") or before.one("cd") or os.getcwd())


def _show(line: Parsed, before: Parsed) -> int:
    from codex.config.origins import find_origins

    resolution = _resolve(line, before)
    _tell_warnings(resolution)
    found = find_origins(resolution)
    if line.has("json"):
        _print_json({origin.key: _as_json(origin) if line.has("origins") else origin.value for origin in found})
        return 0
    for origin in found:
        _print(f"{origin.key} = {_toml(origin.value)}{'  # has no effect here yet' if origin.ignored else ''}")
        if line.has("origins"):
            _print(f"    {_place(origin.layer, origin.where)}")
            for below in origin.overridden:
                _print(f"    instead of {_toml(below.value)} from {_place(below.layer, below.where)}")
    return 0


def _get(line: Parsed, before: Parsed) -> int:
    from codex.config.edit import key_path
    from codex.config.origins import as_tree, find_origins

    resolution = _resolve(line, before)
    value = as_tree(find_origins(resolution))
    for part in key_path(line.positionals[0]):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        say(f"{line.positionals[0]}: has no value")
        return 1
    if line.has("json") or not isinstance(value, str):
        _print_json(value)
    else:
        _print(value)
    return 0


def _change(line: Parsed, before: Parsed, words: list[str]) -> int:
    from codex.config import find_codex_home
    from codex.config.edit import Edit, edit_config, key_path, parse_value
    from codex.config.origins import find_origins

    profile = ConfigFlags(before, line).profile
    key = key_path(words[0])
    value = parse_value(words[1]) if len(words) == 2 else None
    if line.has("project"):
        path = _project_file(line, before, key)
    else:
        path = os.path.join(find_codex_home(os.environ), f"{profile}.config.toml" if profile else "config.toml")
    written = edit_config(path, [Edit(key, value)], home=os.path.expanduser("~"))
    say(f"{'Changed' if written.changed else 'Nothing to change in'} {path}")
    if value is not None:
        for origin in find_origins(_resolve(line, before)):
            if origin.key == words[0] and not origin.where.startswith(path):
                say(f"note: {words[0]} = {_toml(origin.value)} is in force, from {_place(origin.layer, origin.where)}")
    return 0


def _project_file(line: Parsed, before: Parsed, key: tuple[str, ...]) -> str:
    from codex.config.edit import project_may_set

    if not project_may_set(key):
        raise UserError(f"{key[0]}: a project may not set it; leave --project out")
    return os.path.join(_resolve(line, before).project.root, ".codex", "config.toml")


def _tell_warnings(resolution: "Resolution") -> None:
    for warning in resolution.config.warnings:
        say(f"warning: {warning}")


def _as_json(origin: "Origin") -> dict[str, object]:
    overridden = [{"layer": below.layer, "where": below.where, "value": below.value} for below in origin.overridden]
    return {
        "value": origin.value,
        "layer": origin.layer,
        "where": origin.where,
        "overridden": overridden,
        "ignored": origin.ignored,
    }


def _place(layer: str, where: str) -> str:
    return f"{where} ({layer})" if where else f"({layer})"


def _toml(value: object) -> str:
    from codex.base.jsontext import encode

    if isinstance(value, dict):
        inner = ", ".join(f"{encode(name)} = {_toml(item)}" for name, item in value.items())  # pyright: ignore
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"  # pyright: ignore
    return encode(value)


def _print_json(value: object) -> None:
    import json

    _print(json.dumps(value, indent=2, ensure_ascii=False))


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
