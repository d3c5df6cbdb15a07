"""Splits the script of a shell into its commands, when that is certain.  Pure.

    script  = command (separator command)* [";" | newline]          separator: && || ; | newline
    command = word+              the first word is no keyword of the shell and no assignment
    word    = pieces of plain text, 'text' and "text" without expansion, glued together

Law: what is returned are the commands the shell would run, with exactly these words, in this order. What could mean
anything else to bash, zsh or sh (an expansion, a glob, a redirection, a comment, a backslash, a subshell, control flow)
leaves the whole script unsplit.
"""

import functools
import os
import re
from collections.abc import Sequence

_SHELLS = ("bash", "zsh", "sh")
_FLAGS = ("-lc", "-c")
_MAX_CHARACTERS = 65_536
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_HIDES_NAME = re.compile("['\"!]")
_KEYWORDS = frozenset(
    "if then else elif fi case esac for select while until do done in function time coproc repeat foreach end"
    " nocorrect".split()
)


@functools.cache
def _scanner(*, to_show: bool) -> re.Pattern[str]:
    # Beyond ASCII only inside quotes: some shells take single bytes of such letters for blanks.
    bare = "!\x80-\U0010ffff" if to_show else ""
    # A backslash in front of other letters than these stays where it is.
    escape = r"""| \\[^"$`\\\0-\x1f\x7f]""" if to_show else ""
    return re.compile(
        rf"""[ \t]+
          | && | \|\| | ; | \|(?!&) | \n
          | (?: [A-Za-z0-9_./:@%+,={bare}-]+
              | '[^'\0-\x08\x0b-\x1f\x7f]*'
              | "(?: [^"$`\\\0-\x08\x0b-\x1f\x7f] {escape} )*" )+""",
        re.VERBOSE,
    )


def split_script(argv: Sequence[str]) -> list[tuple[str, ...]] | None:
    """The commands of `bash|zsh|sh -c|-lc SCRIPT`, or None: another command, or not certain what would run."""
    if len(argv) != 3 or argv[1] not in _FLAGS or os.path.basename(argv[0]) not in _SHELLS:
        return None
    return split_commands(argv[2])


def split_commands(script: str, *, to_show: bool = False) -> list[tuple[str, ...]] | None:
    """The commands of a script, or None when it is not certain what a shell would run.

    Args:
      to_show: nothing is allowed by it, so what most shells would run is enough; but a quoted name of a command,
        which tells nothing, leaves the script unsplit.
    """
    if len(script) > _MAX_CHARACTERS:
        return None
    tokens: list[str] = _scanner(to_show=to_show).findall(script)
    if sum(map(len, tokens)) != len(script):  # something in it is no token
        return None
    commands: list[tuple[str, ...]] = []
    words: list[str] = []
    before = ""  # the separator in front of the next command
    for token in tokens:
        start = token[0]
        if start in " \t":
            continue
        if start not in "&|;\n":
            if not _is_plain(token, first=not words) or (to_show and not words and _HIDES_NAME.search(token)):
                return None
            words.append(_unquoted(token))
        elif words:
            commands.append(tuple(words))
            words, before = [], token
        elif token != "\n":  # only a newline may stand where a command is awaited
            return None
    if words:
        commands.append(tuple(words))
    elif before not in (";", "\n"):
        return None
    return commands


def _is_plain(word: str, *, first: bool) -> bool:
    """Whether the word stands for itself: zsh expands `=name`; in front, `a=b` assigns and `%1` is a job."""
    if first and ("=" in word or word in _KEYWORDS or word[0] == "%"):
        return False
    return "=" not in word or not word.lstrip("'\"").startswith("=")


def _unquoted(word: str) -> str:
    if "'" not in word and '"' not in word:
        return word
    return _QUOTED.sub(lambda match: match[1] if match[1] is not None else match[2], word)


_PIECE = re.compile(
    r"""'(?P<single>[^']*)'
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | \\(?P<escaped>.)
      | (?P<plain>[^'"\\ \t\n]+)
      | (?P<blank>[ \t\n]+)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"#[^\n]*")
_ESCAPED_IN_QUOTES = re.compile(r"\\(\n|[$`\"\\])")


def split_words(text: str) -> list[str] | None:
    """The words of one command written as text, expanding nothing; None if a quote or a backslash is left open."""
    words: list[str] = []
    starts, position = True, 0
    while position < len(text):
        comment = _COMMENT.match(text, position) if starts else None
        if comment:
            position = comment.end()
            continue
        piece = _PIECE.match(text, position)
        if piece is None:
            return None
        position = piece.end()
        kind, value = piece.lastgroup, piece[piece.lastgroup or 0]
        if kind == "blank":
            starts = True
            continue
        if kind == "escaped" and value == "\n":
            continue
        if kind == "double":
            value = _ESCAPED_IN_QUOTES.sub(lambda escape: escape[1].strip("\n"), value)
        if starts:
            words.append("")
        words[-1] += value
        starts = False
    return words
