"""What of a command's words are its operands.  Pure."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

_CONNECTORS = frozenset(("|", "&&", "||", ";"))
_DULL = frozenset(("", "build", "dist", "node_modules", "src"))


def operands(words: Sequence[str], valued: Collection[str] = ()) -> list[str]:
    """The words that are no options, nor values of the options in `valued`; behind `--` all of them."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*found, *rest]
        if word in valued:
            next(rest, None)
        elif not word.startswith("-"):
            found.append(word)
    return found


def dashless(words: Sequence[str], valued: Collection[str] = ()) -> list[str]:
    """Like `operands`, without those that begin with a dash behind `--`."""
    return [word for word in operands(words, valued) if not word.startswith("-")]


def before_connector(words: Sequence[str]) -> Sequence[str]:
    """The words in front of one that looks like `|` or `&&`, quoted as it may have been."""
    for index, word in enumerate(words):
        if word in _CONNECTORS:
            return words[:index]
    return words


def has_connector(words: Sequence[str]) -> bool:
    """Whether a word looks like `|` or `&&`."""
    return not _CONNECTORS.isdisjoint(words)


def values_of(words: Sequence[str], *options: str) -> Iterator[str]:
    """The words behind these options."""
    for option, value in pairwise(words):
        if option in options:
            yield value


def short_path(path: str) -> str:
    """The last part of a path that says something: `webview` for `webview/src`."""
    whole = path.replace("\\", "/").rstrip("/")
    return next((part for part in reversed(whole.split("/")) if part not in _DULL), whole)


def is_count(text: str) -> bool:
    """Whether there is nothing but digits."""
    return not text.strip("0123456789")
