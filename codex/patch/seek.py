"""Where in a file a run of lines stands: first exactly, then ever more forgivingly.

    pass 1  the same text
    pass 2  without blanks at the end of each line
    pass 3  without blanks at both ends
    pass 4  also with Unicode dashes, quotes and odd spaces read as their ASCII cousins
Law: a stricter pass wins over an earlier place; within a pass the first place wins.
"""

from bisect import bisect_left
from collections.abc import Sequence

from codex.patch.text import BLANK

_ASCII_COUSINS = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys("\xa0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
)


def _without_trailing_blanks(line: str) -> str:
    return line.rstrip(BLANK)


def _without_leading_blanks(line: str) -> str:
    return line.lstrip(BLANK)


def _in_ascii(line: str) -> str:
    return line if line.isascii() else line.translate(_ASCII_COUSINS)


# Each is done to the lines of the pass before.
_STEPS = (_without_trailing_blanks, _without_leading_blanks, _in_ascii)


class Haystack:
    """The lines of one file, searched many times; what a pass needs is made once, on its first use."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._passes = [_Pass(list(lines))]
        self._size = len(lines)

    def find(self, wanted: Sequence[str], start: int, *, at_end: bool = False) -> int | None:
        """The index of the first place at or after `start` where `wanted` stands, or None.

        Nothing wanted is found at `start`. `at_end` allows only the place that reaches to the last line.
        """
        if not wanted:
            return start
        if at_end:
            start = max(start, self._size - len(wanted))
        if start + len(wanted) > self._size:
            return None
        simple = list(wanted)
        place = self._passes[0].find(simple, start)
        for number, step in enumerate(_STEPS, 1):
            if place is not None:
                break
            simple = [step(line) for line in simple]
            if number == len(self._passes):
                self._passes.append(_Pass([step(line) for line in self._passes[-1].lines]))
            place = self._passes[number].find(simple, start)
        return place


class _Pass:
    """The lines as one pass sees them, and where each of them stands."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._places: dict[str, list[int]] = {}
        for place, line in enumerate(lines):
            self._places.setdefault(line, []).append(place)

    def find(self, wanted: list[str], start: int) -> int | None:
        # The rarest line has the fewest places to try.
        rare_at, places = 0, self._places.get(wanted[0], [])
        for at, line in enumerate(wanted):
            if len(found := self._places.get(line, [])) < len(places):
                rare_at, places = at, found
        for place in places[bisect_left(places, start + rare_at) :]:
            first = place - rare_at
            if self.lines[first : first + len(wanted)] == wanted:
                return first
        return None
