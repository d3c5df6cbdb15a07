"""What one command does, by its name and its operands.  Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import attrs

from codex.base.parsed_command._operands import before_connector, dashless, is_count, operands, short_path, values_of
from codex.base.quoting import command_line


@attrs.frozen
class ReadFile:
    """It shows a file. `name` is short; `path` is as the command has it, below the folders it went to before."""

    command: str
    name: str
    path: str


@attrs.frozen
class ListFiles:
    """It shows what files there are; without a path, here."""

    command: str
    path: str | None


@attrs.frozen
class Search:
    """It searches in files, or for files."""

    command: str
    query: str | None
    path: str | None


@attrs.frozen
class Other:
    """It does anything else."""

    command: str


Step: TypeAlias = ReadFile | ListFiles | Search | Other

# The options of programs that take the next word for their value.
_LISTERS: Mapping[str, Collection[str]] = {
    "ls": ("-I", "-w", "--block-size", "--format", "--time-style", "--color", "--quoting-style"),
    "eza": ("-I", "--ignore-glob", "--color", "--sort", "--time-style", "--time"),
    "exa": ("-I", "--ignore-glob", "--color", "--sort", "--time-style", "--time"),
    "tree": ("-L", "-P", "-I", "--charset", "--filelimit", "--sort"),
    "du": ("-d", "--max-depth", "-B", "--block-size", "--exclude", "--time-style"),
    "git ls-files": ("--exclude", "--exclude-from", "--pathspec-from-file"),
}
_BAT = ("--theme", "--language", "--style", "--terminal-width", "--tabs", "--line-range", "--map-syntax")
_LESS = ("-p", "-P", "-x", "-y", "-z", "-j", "--pattern", "--prompt", "--tabs", "--shift", "--jump-target")
_READERS: Mapping[str, Collection[str]] = {
    "cat": (),
    "more": (),
    "bat": _BAT,
    "batcat": _BAT,
    "less": _LESS,
    "Get-Content": (),
}
_RIPGREP = (
    *("-g", "--glob", "--iglob", "-t", "--type", "--type-add", "--type-not", "-m", "--max-count"),
    *("-A", "-B", "-C", "--context", "--max-depth"),
)
_AG = ("-G", "-g", "--file-search-regex", "--ignore-dir", "--ignore-file", "--path-to-ignore")
_SEARCHERS: Mapping[str, Collection[str]] = {
    "rg": _RIPGREP,
    "rga": _RIPGREP,
    "ripgrep-all": _RIPGREP,
    "ag": _AG,
    "ack": _AG,
    "pt": _AG,
}
_GREPS = frozenset(("grep", "egrep", "fgrep", "git grep"))
_GREP_PATTERNS = ("-e", "--regexp", "-f", "--file")
_GREP = (
    *("-m", "--max-count", "-C", "--context", "-A", "--after-context", "-B", "--before-context"),
    *_GREP_PATTERNS,
)
_FD = ("-t", "--type", "-e", "--extension", "-E", "--exclude", "--search-path")
_FIND_PATTERNS = ("-name", "-iname", "-path", "-regex")
_FIND_SIGNS = frozenset(("!", "(", ")"))
_NL = ("-s", "-w", "-v", "-i", "-b")
_AWK = ("-F", "-v", "-f", "--field-separator", "--assign", "--file")
_SED_SCRIPTS = ("-e", "--expression")
_SED = (*_SED_SCRIPTS, "-f", "--file")
_PYTHONS = ("python2.", "python3.")
_WALKS = ("os.walk", "os.listdir", "os.scandir", "glob.glob", "glob.iglob", "pathlib.Path", ".rglob(")


def step_of(words: Sequence[str]) -> Step:
    """What a command does."""
    line = command_line(words)
    name, rest = words[0], words[1:]
    if name == "git" and rest:
        name, rest = f"git {rest[0]}", rest[1:]
    if name in _LISTERS:
        return ListFiles(line, _short(operands(rest, _LISTERS[name]), 0))
    if name in _SEARCHERS:
        return _ripgrep(line, name, before_connector(rest))
    if name in _GREPS:
        return _grep(line, before_connector(rest))
    if name == "find":
        return _find(line, before_connector(rest))
    if name == "fd":
        return _fd(line, before_connector(rest))
    if name.startswith(_PYTHONS) or name in ("python", "python2", "python3"):
        script = next(values_of(before_connector(rest), "-c"), "")
        return ListFiles(line, None) if any(walk in script for walk in _WALKS) else Other(line)
    path = file_read(name, rest)
    return Other(line) if path is None else ReadFile(line, short_path(path), path)


def file_read(name: str, rest: Sequence[str]) -> str | None:
    """The file that a program shows; None for other programs, or where it shows its input."""
    if name in _READERS:
        found = operands(rest, _READERS[name])
        return found[0] if len(found) == 1 else None
    match name:
        case "head" | "tail":
            return _end_read(rest, is_tail=name == "tail")
        case "nl":
            return next(iter(dashless(rest, _NL)), None)
        case "sed":
            return _sed(before_connector(rest))
        case "awk":
            words = before_connector(rest)
            found = dashless(words, _AWK)[0 if {"-f", "--file"} & {*words} else 1 :]
            return found[0] if found else None
        case _:
            return None


def _short(paths: Sequence[str], index: int) -> str | None:
    return short_path(paths[index]) if len(paths) > index else None


def _ripgrep(line: str, name: str, words: Sequence[str]) -> Step:
    found = dashless(words, _SEARCHERS[name])
    if _SEARCHERS[name] is _RIPGREP and "--files" in words:
        return ListFiles(line, _short(found, 0))
    return Search(line, found[0] if found else None, _short(found, 1))


def _grep(line: str, words: Sequence[str]) -> Step:
    found = operands(words, _GREP)
    options = words[: words.index("--")] if "--" in words else words
    patterns = list(values_of(options, *_GREP_PATTERNS))
    if patterns:
        return Search(line, patterns[0], _short(found, 0))
    return Search(line, found[0] if found else None, _short(found, 1))


def _find(line: str, words: Sequence[str]) -> Step:
    paths = [word for word in words if not word.startswith("-") and word not in _FIND_SIGNS]
    query = next(values_of(words, *_FIND_PATTERNS), None)
    return ListFiles(line, _short(paths, 0)) if query is None else Search(line, query, _short(paths, 0))


def _fd(line: str, words: Sequence[str]) -> Step:
    found = dashless(words, _FD)
    if not found or (len(found) == 1 and ("/" in found[0] or "\\" in found[0] or found[0] in (".", ".."))):
        return ListFiles(line, _short(found, 0))
    return Search(line, found[0], _short(found, 1))


def _end_read(words: Sequence[str], *, is_tail: bool) -> str | None:
    """`head -n 5 FILE`, `head -n5 FILE`, `head FILE`; with another option nobody knows what is a value."""
    if not words:
        return None
    apart = words[0] == "-n"
    if apart and len(words) == 1:
        return None
    if words[0].startswith("-n"):
        count = words[1] if apart else words[0][2:]
        if is_tail:
            count = count.removeprefix("+") or "none"
        if is_count(count):
            return next((word for word in words[1 + apart :] if not word.startswith("-")), None)
    return words[0] if len(words) == 1 and not words[0].startswith("-") else None


def _sed(words: Sequence[str]) -> str | None:
    """`sed -n 1,5p FILE`: lines of a file."""
    if "-n" not in words:
        return None
    scripts = [*values_of(words, *_SED_SCRIPTS), *(word for word in words if not word.startswith("-"))]
    if not any(map(_is_range, scripts)):
        return None
    found = dashless(words, _SED)
    if found and _is_range(found[0]):
        found = found[1:]
    return found[0] if found else None


def _is_range(script: str) -> bool:
    numbers = script.removesuffix("p").split(",")
    return script.endswith("p") and len(numbers) <= 2 and all(number and is_count(number) for number in numbers)
