"""What the commands of a script do, without those that only get there or shape the output.  Pure.

echo, printf, true, yes, cd ...      are left out where something else is told
... | head, wc -l, sort, xargs cat   are left out; `xargs sed -i` is not
one step that nobody knows           makes the whole script one unknown step
"""

import os
import re
from collections.abc import Sequence
from itertools import pairwise

import attrs

from codex.base.parsed_command._operands import has_connector, is_count
from codex.base.parsed_command._step import ListFiles, Other, ReadFile, Search, Step, file_read, step_of
from codex.base.quoting import command_line
from codex.base.shell_words import split_commands, split_words

_SHELLS = frozenset(("bash", "zsh", "sh"))
_SHAPERS = frozenset(("wc", "tr", "cut", "sort", "uniq", "tee", "column", "yes", "printf"))
_XARGS_VALUED = frozenset(("-E", "-e", "-I", "-L", "-n", "-P", "-s"))
_COUNT = re.compile(r"\+?[0-9]*")


def parse_command(argv: Sequence[str]) -> tuple[Step, ...]:
    """The steps of a command, or of the script that a shell is given; empty where it only goes to a folder."""
    shown = script_of(argv)
    steps = _steps_of_script(shown) if _is_shell(argv) else [step_of(argv)] if argv else []
    steps = [step for index, step in enumerate(steps) if index == 0 or steps[index - 1] != step]
    return (Other(shown),) if any(isinstance(step, Other) for step in steps) else tuple(steps)


def script_of(argv: Sequence[str]) -> str:
    """What a shell is told to do, or the command itself where there is no shell."""
    return argv[2] if _is_shell(argv) else command_line(argv)


def _is_shell(argv: Sequence[str]) -> bool:
    return len(argv) == 3 and argv[1] in ("-c", "-lc") and os.path.basename(argv[0]) in _SHELLS


def _steps_of_script(script: str) -> list[Step]:
    commands = split_commands(script, to_show=True) or []
    kept = [command for command in commands if not _only_shapes(command)]
    if not kept:
        return [Other(script)]
    steps: list[Step] = []
    folder = ""
    for command in kept:
        if command[0] == "cd":
            folder = os.path.join(folder, _cd_target(command[1:]))
            continue
        step = step_of(command)
        steps.append(attrs.evolve(step, path=os.path.join(folder, step.path)) if isinstance(step, ReadFile) else step)
    if len(steps) > 1:
        steps = _without_noise(steps)
    return [_whole(steps[0], script, several=len(commands) > 1)] if len(steps) == 1 else steps


def _without_noise(steps: list[Step]) -> list[Step]:
    """Without what says nothing: `true`, `nl` at the end of a pipe, `echo` in front of the rest."""
    steps = [step for step in steps if step != Other("true")]
    while len(steps) > 1:
        dull = next((index for index, step in enumerate(steps) if _is_noise(step, first=index == 0)), None)
        if dull is None:
            break
        del steps[dull]
    return steps


def _is_noise(step: Step, *, first: bool) -> bool:
    if not isinstance(step, Other):
        return False
    words = split_words(step.command) or [""]
    return (first and words[0] == "echo") or (words[0] == "nl" and all(word.startswith("-") for word in words[1:]))


def _whole(step: Step, script: str, *, several: bool) -> Step:
    """The only step, shown as the whole script where that says no more: `cat x | sed -n 1,5p`."""
    words = split_words(script) or [script]
    match step:
        case ReadFile() if several or has_connector(words):
            shows_lines = any(pair == ("sed", "-n") for pair in pairwise(words))
            return attrs.evolve(step, command=script) if "|" in words and shows_lines else step
        case ReadFile() | ListFiles() | Search() if not (several or has_connector(words)):
            return attrs.evolve(step, command=command_line(words))
        case _:
            return step


def _cd_target(words: Sequence[str]) -> str:
    if "--" in words:
        behind = words[words.index("--") + 1 :]
        return behind[0] if behind else ""
    return next((word for word in reversed(words) if not word.startswith("-")), "")


def _only_shapes(words: Sequence[str]) -> bool:
    """Whether a command only shapes what comes through a pipe."""
    name, rest = words[0], words[1:]
    match name:
        case "xargs":
            return not _xargs_changes(rest)
        case "awk" | "sed":
            return file_read(name, rest) is None
        case "head" | "tail" if len(rest) == 2 and rest[0] in ("-n", "-c"):
            return is_count(rest[1]) if name == "head" else _COUNT.fullmatch(rest[1]) is not None
        case "head" | "tail":
            return not rest or (len(rest) == 1 and rest[0].startswith("-"))
        case _:
            return name in _SHAPERS


def _xargs_changes(words: Sequence[str]) -> bool:
    """Whether `xargs` runs one of the well-known programs that change files in place."""
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] != "--":
        index += 2 if words[index] in _XARGS_VALUED else 1
    if index < len(words) and words[index] == "--":
        index += 1
    run = words[index:]
    match run[0] if run else "":
        case "perl" | "ruby" | "sed":
            return any(word.startswith(("-i", "-pi")) or (run[0] == "sed" and word == "--in-place") for word in run[1:])
        case "rg":
            return "--replace" in run[1:]
        case _:
            return False
