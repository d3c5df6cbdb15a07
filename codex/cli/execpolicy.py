"""`codex execpolicy check`: what rules files say about a command, as Codex's JSON."""

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.options import config_options

if TYPE_CHECKING:
    from codex.execpolicy import PrefixMatch

_USAGE = "Usage: codex execpolicy check --rules FILE [--rules FILE]... -- COMMAND..."
_parser = Parser("codex execpolicy", [*config_options, Option("help", "Print this", short="h")])
_check_parser = Parser(
    "codex execpolicy check",
    [
        *config_options,
        Option("rules", "A rules file; may be given again", short="r", metavar="FILE", many=True),
        Option("pretty", "Print the JSON over several lines"),
        Option(
            "resolve-host-executables",
            "Match the path of a program by its name too, where no host_executable() forbids it; agents do",
        ),
        Option("help", "Print this", short="h"),
    ],
)
PARSERS = {"execpolicy": _parser, "execpolicy check": _check_parser}


def run_execpolicy(arguments: list[str], before: Parsed) -> int:
    """Do `codex execpolicy ...`; returns 0 whatever the rules say.

    Raises:
      UsageError: the line cannot be understood.
      RulesError: a rules file cannot be used.
    """
    line = _parser.parse(arguments, stop_at_positional=True)
    words = [*line.rest, *line.positionals]
    if line.has("help") or words[:1] == ["help"]:
        about = [
            "Tools for rules files.",
            "",
            "Usage: codex execpolicy check --rules FILE [--rules FILE]... -- COMMAND...",
        ]
        return print_help(about, _check_parser)
    if not words:
        raise _parser.fail("a command is required; there is 'codex execpolicy check'")
    if words[0] != "check":
        raise _parser.fail(f"unrecognized subcommand {words[0]!r}; there is 'codex execpolicy check'")
    return _check(words[1:])


def _check(arguments: list[str]) -> int:
    line = _check_parser.parse(arguments, stop_at_positional=True)
    if line.has("help"):
        about = ["Say what rules files decide about a command.", ""]
        return print_help(
            [*about, "Usage: codex execpolicy check --rules FILE [--rules FILE]... -- COMMAND..."], _check_parser
        )
    command = [*line.positionals, *line.rest]
    if not line.has("rules"):
        raise _check_parser.fail("'--rules <FILE>' is required; it names the rules file to ask")
    if not command:
        raise _check_parser.fail("a command is required; write it behind '--'")
    if any("\udc80" <= letter <= "\udcff" for word in command for letter in word):
        raise _check_parser.fail("a word of the command is not UTF-8, so no rule can be about it")
    from codex.execpolicy import load_files

    rules = load_files(line.all("rules"))
    resolve = line.has("resolve-host-executables")
    found = rules.matches(command, resolve_host_executables=resolve, cwd=os.getcwd() if resolve else None)
    sys.stdout.write(_shown(found, pretty=line.has("pretty")) + "\n")
    sys.stdout.flush()
    return 0


def _shown(matches: "Sequence[PrefixMatch]", *, pretty: bool) -> str:
    from codex.execpolicy import strictest

    result: dict[str, object] = {"matchedRules": [{"prefixRuleMatch": _match(match)} for match in matches]}
    decision = strictest([match.decision for match in matches])
    if decision is not None:
        result["decision"] = decision
    if pretty:
        return json.dumps(result, ensure_ascii=False, indent=2)
    return json.dumps(result, ensure_ascii=False, separators=(",", ":"))


def _match(match: "PrefixMatch") -> dict[str, object]:
    shown: dict[str, object] = {"matchedPrefix": match.prefix, "decision": match.decision}
    if match.program is not None:
        shown["resolvedProgram"] = match.program
    if match.justification is not None:
        shown["justification"] = match.justification
    return shown
