"""`codex completion SHELL`: what there is to complete, taken from the commands' own tables of options."""

import sys
from collections.abc import Mapping
from importlib import import_module

from codex.cli._arguments import Option, Parser
from codex.cli._completion_words import Command, Value, Word
from codex.cli._help import print_help

SHELLS = ("bash", "zsh", "fish", "powershell", "elvish")
# Every module with options has a table PARSERS: the words of a command -> its parser.
MODULES = (
    "codex.cli.options",
    "codex.cli.agents",
    "codex.cli.app_server",
    "codex.cli.completion",
    "codex.cli.config_command",
    "codex.cli.demo_options",
    "codex.cli.execpolicy",
    "codex.cli.doctor",
    "codex.cli.features",
    "codex.cli.hooks",
    "codex.cli.login",
    "codex.cli.sandbox",
    "codex.cli.sessions",
    "codex.cli.stored",
)
completion_parser = Parser("codex completion", [Option("help", "Print this", short="h")])
PARSERS = {"completion": completion_parser}


def run_completion(arguments: list[str], offered: Mapping[str, str], aliases: Mapping[str, str]) -> int:
    """Print the script for a shell, bash where none is named.

    Raises:
      UsageError: the shell is none of those known.
    """
    from codex.cli._completion_scripts import SCRIPTS

    line = completion_parser.parse(arguments)
    if line.has("help"):
        about = [
            "Print a script that completes commands in your shell.",
            "",
            f"Usage: codex completion [{'|'.join(SHELLS)}]",
        ]
        return print_help([*about, "", "For bash: source <(codex completion bash)"], completion_parser)
    shell = line.positionals[0] if line.positionals else "bash"
    if shell not in SHELLS or len(line.positionals) > 1:
        raise completion_parser.fail(f"{' '.join(line.positionals)!r} is no shell known here: {', '.join(SHELLS)}")
    sys.stdout.write(SCRIPTS[shell](find_commands(offered, aliases)))
    return 0


def find_commands(offered: Mapping[str, str], aliases: Mapping[str, str]) -> list[Command]:
    """Every command that can be completed, the program itself first; `offered` are names and purposes."""
    parsers: dict[tuple[str, ...], Parser] = {}
    for module in MODULES:
        found: dict[str, Parser] = import_module(module).PARSERS
        parsers |= {tuple(words.split()): parser for words, parser in found.items()}
    for name in offered:
        parsers.setdefault((name,), Parser(f"codex {name}", []))
    return [_command(path, parsers, offered, aliases) for path in sorted(parsers)]


def _command(
    path: tuple[str, ...],
    parsers: Mapping[tuple[str, ...], Parser],
    offered: Mapping[str, str],
    aliases: Mapping[str, str],
) -> Command:
    options = [option for option in parsers[path].options if not option.refusal and not option.hidden]
    below = [Word(other[-1], offered.get(other[-1], "")) for other in sorted(parsers) if path and other[:-1] == path]
    if not path:
        below = [Word(name, about) for name, about in offered.items()]
    names = path[-1:] + tuple(alias for alias, name in aliases.items() if path == (name,))
    return Command(
        ("codex", *path),
        names,
        (*below, *(Word(text) for text in _words_behind(path))),
        tuple(Word(text, option.help) for option in options for text in _spellings(option)),
        tuple(_value(option) for option in options if option.metavar),
    )


def _words_behind(path: tuple[str, ...]) -> tuple[str, ...]:
    if path == ("completion",):
        return SHELLS
    return _features() if path in (("features", "enable"), ("features", "disable")) else ()


def _spellings(option: Option) -> tuple[str, ...]:
    return (*(f"--{name}" for name in option.names), *([f"-{option.short}"] if option.short else []))


def _value(option: Option) -> Value:
    words = _features() if option.metavar == "FEATURE" else option.choices
    kind = {"DIR": "directory", "FILE": "file"}.get(option.metavar, "text")
    return Value(_spellings(option), option.help, words, kind)


def _features() -> tuple[str, ...]:
    from codex.config.feature_list import feature_names

    return tuple(sorted(feature_names()))
