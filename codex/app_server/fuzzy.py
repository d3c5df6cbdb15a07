"""How well a path fits some typed letters.  Pure.

The letters must come in the path in their order; small letters stand for large ones too. A path counts more where the
letters are in its last name, begin words, and follow one another.
"""

import heapq
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

MAX_LETTERS = 256
_IN_NAME = 65_536
_LETTER, _WORD_START, _FOLLOWS, _FIRST, _GAP = 16, 8, 12, 8, 1
_CHECK_EVERY = 2_048


class Match(NamedTuple):
    """A path that fits, how well, and where its letters are."""

    score: int
    path: str
    indices: tuple[int, ...]


class Cancelled(Exception):
    """Nobody wants the result any more."""


def rank(query: str, paths: Iterable[str], *, limit: int, cancelled: Callable[[], bool] = lambda: False) -> list[Match]:
    """The paths that fit best, best first, shorter ones before longer ones that fit as well.

    Raises:
      Cancelled: asked now and then, `cancelled` said so.
    """
    letters = "".join(query.split())[:MAX_LETTERS]
    if not letters:
        return []
    flags = 0 if any(letter.isupper() for letter in letters) else re.IGNORECASE
    # Each letter is the first one of its kind, so a path is looked through once, whatever does not fit.
    pattern = re.compile("".join(f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in letters), flags)
    found: list[Match] = []
    for count, path in enumerate(paths):
        if count % _CHECK_EVERY == 0 and cancelled():
            raise Cancelled
        if pattern.match(path):
            found.append(_match(letters, pattern, path))
    return heapq.nsmallest(limit, found, key=lambda match: (-match.score, len(match.path), match.path))


def _match(letters: str, pattern: re.Pattern[str], path: str) -> Match:
    name_at = path.rfind("/") + 1
    in_name = pattern.match(path, name_at)
    hit = in_name or pattern.match(path)
    assert hit is not None
    indices = _tightest(letters, path, hit.end(), ignore_case=bool(pattern.flags & re.IGNORECASE))
    return Match(_score(path, indices) + (_IN_NAME if in_name else 0), path, indices)


def _tightest(letters: str, path: str, end: int, *, ignore_case: bool) -> tuple[int, ...]:
    """Where the letters are, looked for backwards from where the last one was found: so they stand close together."""
    text, wanted = (path.lower(), letters.lower()) if ignore_case else (path, letters)
    if len(text) != len(path):  # a letter that is two when small
        text, wanted = path, letters
    found: list[int] = []
    for letter in reversed(wanted):
        end = text.rfind(letter, 0, end)
        if end < 0:
            return ()
        found.append(end)
    return tuple(reversed(found))


def _score(path: str, indices: Sequence[int]) -> int:
    score, before = 0, -2
    for index in indices:
        score += _LETTER
        if index == before + 1:
            score += _FOLLOWS
        elif before >= 0:
            score -= min(index - before - 1, _LETTER) * _GAP
        if index == 0 or path[index - 1] in "/_-. " or (path[index].isupper() and path[index - 1].islower()):
            score += _WORD_START + (_FIRST if before < 0 else 0)
        before = index
    return max(score, 1)
