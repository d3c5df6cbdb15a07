"""Commands that destroy without asking: an `rm` with a force flag, wherever the shell would run one.  Pure.

The script is read as far as needed to see which words stand where a command stands: behind separators and keywords, in
substitutions, behind `sudo` and `env`, in the script of a nested shell or a trap. It is a net, not a proof: what hides
better (an alias, `xargs rm -f`) passes, as in Codex; the sandbox is what protects.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

# Whether a command of this name with these arguments is what is looked for.
Wanted: TypeAlias = Callable[[str, Sequence[str]], bool]

_MAX_DEPTH = 8
_SHELLS = ("bash", "sh", "zsh", "dash", "ksh")
_BEFORE_COMMANDS = ("do", "then", "else", "elif", "if", "while", "until", "!", "{", "time", "exec", "command", "nohup")
_TOKEN = re.compile(
    r"""(?P<space>[ \t]+|\\\n|\#(?<=[\s;]\#)[^\n]*)
      | (?P<separator>\n|;|&&?|\|\|?|\(|\)|`)
      | (?P<single>'[^']*')
      | (?P<double>"(?:\\.|[^"\\])*")
      | (?P<substitution>\$\(|<\(|>\()
      | (?P<escape>\\.)
      | (?P<plain>[^\s;&|()`'"\\$<>]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def is_dangerous(argv: Sequence[str], depth: int = 0) -> bool:
    """Whether running `argv` would force a removal; what is nested deeper than eight times counts as such."""
    return runs(argv, _forces_removal, depth)


def runs(argv: Sequence[str], wanted: Wanted, depth: int = 0) -> bool:
    """Whether running `argv` would run a command that is `wanted`; what is nested too deep counts as such."""
    if depth > _MAX_DEPTH:
        return True
    words = list(argv)
    while words and (_ASSIGNMENT.match(words[0]) or words[0] in _BEFORE_COMMANDS):
        words.pop(0)
    if not words:
        return False
    name, rest = os.path.basename(words[0]), words[1:]
    if wanted(name, rest):
        return True
    if name in ("sudo", "env", "doas"):
        return runs(_behind_options(rest), wanted, depth + 1)
    if name == "trap":
        return bool(rest) and _script(rest[0], wanted, depth + 1)
    if name == "eval":
        return _script(" ".join(rest), wanted, depth + 1)
    if name in _SHELLS:
        flags = [index for index, word in enumerate(rest) if re.fullmatch(r"-\w*c\w*", word)]
        return bool(flags) and flags[0] + 1 < len(rest) and _script(rest[flags[0] + 1], wanted, depth + 1)
    return False


def _forces_removal(name: str, rest: Sequence[str]) -> bool:
    return name == "rm" and any(_forces(word) for word in _options(rest))


def _script(text: str, wanted: Wanted, depth: int) -> bool:
    return depth > _MAX_DEPTH or any(runs(command, wanted, depth + 1) for command in _commands(text, depth))


def _options(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if word == "--":
            return
        yield word


def _forces(word: str) -> bool:
    return word == "--force" or bool(re.fullmatch(r"-[a-zA-Z]*f[a-zA-Z]*", word))


def _behind_options(words: Sequence[str]) -> list[str]:
    index = 0
    while index < len(words) and (words[index].startswith("-") or _ASSIGNMENT.match(words[index])):
        index += 2 if words[index] in ("-u", "-g", "-C", "--user", "--group", "--chdir") else 1
    return list(words[index:])


def _commands(text: str, depth: int) -> Iterator[list[str]]:
    """The simple commands of a script, word by word, those of substitutions too."""
    words: list[str] = []
    word: str | None = None
    for token in _TOKEN.finditer(text):
        kind, value = token.lastgroup, token.group()
        if kind in ("space", "separator", "substitution") and word is not None:
            words.append(word)
            word = None
        if kind in ("separator", "substitution"):
            yield words
            words = []
        elif kind == "single":
            word = (word or "") + value[1:-1]
        elif kind == "double":
            yield from _inside_quotes(value[1:-1], depth)
            word = (word or "") + re.sub(r'\\(["\\$`])', r"\1", value[1:-1])
        elif kind == "escape":
            word = (word or "") + value[1:]
        elif kind == "plain":
            word = (word or "") + value
    if word is not None:
        words.append(word)
    yield words


def _inside_quotes(text: str, depth: int) -> Iterator[list[str]]:
    """The commands of substitutions inside double quotes."""
    if depth > _MAX_DEPTH:
        yield ["rm", "-f"]
    elif "$(" in text or "`" in text:
        start = min(place for place in (text.find("$("), text.find("`")) if place >= 0)
        yield from _commands(text[start:], depth + 1)
