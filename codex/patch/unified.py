"""Which lines differ between two texts, and how to show it: the unified format, as `diff -u` and git print it.

Law: applying the hunks to the old lines gives the new ones. The difference is the smallest there is, unless
finding it would take too long: then a stretch is shown as wholly replaced.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

_MAX_STEPS = 400_000  # of the search for the smallest difference; about a third of a second

Change: TypeAlias = tuple[int, int, int, int]
"""Old lines from, to; new lines from, to: the second stretch stands where the first stood."""
_Box: TypeAlias = tuple[int, int, int, int]


def split_lines(text: str) -> list[str]:
    """The lines with their line feeds; other line ends are text, as they are for git."""
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def unified_diff(old: str, new: str, *, context: int) -> str:
    """The hunks that lead from one text to the other, empty when they are equal."""
    old_lines, new_lines = split_lines(old), split_lines(new)
    changes = line_changes(old_lines, new_lines)
    return format_hunks(old_lines, new_lines, slide_down(changes, old_lines, new_lines), context=context)


def line_changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """The stretches that differ, from top to bottom."""
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in old]
    b = [numbers.setdefault(line, len(numbers)) for line in new]
    in_both = set(a).intersection(b)
    gone, come = [line not in in_both for line in a], [line not in in_both for line in b]
    # A line that only one side has cannot be kept; without those the search is short.
    _mark(a, b, [i for i, out in enumerate(gone) if not out], [j for j, out in enumerate(come) if not out], gone, come)
    return list(_stretches(gone, come))


def _mark(a: list[int], b: list[int], keep_a: list[int], keep_b: list[int], gone: list[bool], come: list[bool]) -> None:
    a, b = [a[i] for i in keep_a], [b[j] for j in keep_b]
    steps = _MAX_STEPS
    boxes: list[_Box] = [(0, len(a), 0, len(b))]
    while boxes:
        a0, a1, b0, b1 = _without_equal_ends(a, b, boxes.pop())
        middle: tuple[int, int] | None = None
        if a0 < a1 and b0 < b1 and steps > 0:
            middle, used = _middle(a, b, (a0, a1, b0, b1), steps)
            steps -= used
        if middle in (None, (a0, b0), (a1, b1)):
            for i in keep_a[a0:a1]:
                gone[i] = True
            for j in keep_b[b0:b1]:
                come[j] = True
        elif middle is not None:
            x, y = middle
            boxes += ((a0, x, b0, y), (x, a1, y, b1))


def _without_equal_ends(a: list[int], b: list[int], box: _Box) -> _Box:
    a0, a1, b0, b1 = box
    while a0 < a1 and b0 < b1 and a[a0] == b[b0]:
        a0, b0 = a0 + 1, b0 + 1
    while a0 < a1 and b0 < b1 and a[a1 - 1] == b[b1 - 1]:
        a1, b1 = a1 - 1, b1 - 1
    return a0, a1, b0, b1


def _middle(a: list[int], b: list[int], box: _Box, steps: int) -> tuple[tuple[int, int] | None, int]:
    """A point on a shortest way through the box (Myers 1986, searched from both ends), and the steps it took."""
    a0, a1, b0, b1 = box
    n, m = a1 - a0, b1 - b0
    half = (n + m + 1) // 2
    zero = half + 1
    ahead, behind = [-1] * (2 * zero + 1), [-1] * (2 * zero + 1)
    ahead[zero + 1] = behind[zero + 1] = 0
    delta, used = n - m, 0
    for d in range(half + 1):
        diagonals = range(-d + 2 * max(0, d - m), d - 2 * max(0, d - n) + 1, 2)
        used += 2 * len(diagonals)
        if used > steps:
            break
        for k in diagonals:
            low, high = ahead[zero + k - 1], ahead[zero + k + 1]
            x = high if k == -d or (k != d and low < high) else low + 1
            while x < n and x - k < m and a[a0 + x] == b[b0 + x - k]:
                x += 1
            ahead[zero + k] = x
            other = delta - k
            if delta % 2 and -d < other < d and x + behind[zero + other] >= n:
                return (a0 + x, b0 + x - k), used
        for k in diagonals:
            low, high = behind[zero + k - 1], behind[zero + k + 1]
            x = high if k == -d or (k != d and low < high) else low + 1
            while x < n and x - k < m and a[a1 - 1 - x] == b[b1 - 1 - x + k]:
                x += 1
            behind[zero + k] = x
            other = delta - k
            if not delta % 2 and -d <= other <= d and x + ahead[zero + other] >= n:
                return (a1 - x, b1 - x + k), used
    return None, used


def _stretches(gone: list[bool], come: list[bool]) -> Iterator[Change]:
    i = j = 0
    while i < len(gone) or j < len(come):
        a, b = i, j
        while i < len(gone) and gone[i]:
            i += 1
        while j < len(come) and come[j]:
            j += 1
        if (a, b) == (i, j):
            i, j = i + 1, j + 1
        else:
            yield a, i, b, j


def slide_down(changes: Sequence[Change], old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Move lines that only came, or only went, as far down as equal lines allow: where readers expect them."""
    result: list[Change] = []  # from the bottom up
    for change in reversed(changes):
        a, i, b, j = change
        next_a = result[-1][0] if result else len(old)
        lines, first, end = (new, b, j) if a == i else (old, a, i)
        shift = 0
        if a == i or b == j:
            while i + shift < next_a and lines[first + shift] == lines[end + shift]:
                shift += 1
        a, i, b, j = a + shift, i + shift, b + shift, j + shift
        if result and i == next_a:
            _, i, _, j = result.pop()
        result.append((a, i, b, j))
    return result[::-1]


def format_hunks(old: Sequence[str], new: Sequence[str], changes: Sequence[Change], *, context: int) -> str:
    """The text of the hunks, each with so many lines around it."""
    out: list[str] = []
    for group in _near_ones(changes, context):
        a, _, b, _ = group[0]
        _, i, _, j = group[-1]
        before, after = min(context, a), min(context, len(old) - i)
        out.append(f"@@ -{_range(a - before, i + after)} +{_range(b - before, j + after)} @@\n")
        at = a - before
        for first, end, new_first, new_end in group:
            out += _shown(" ", old[at:first])
            out += _shown("-", old[first:end])
            out += _shown("+", new[new_first:new_end])
            at = end
        out += _shown(" ", old[at : i + after])
    return "".join(out)


def _near_ones(changes: Sequence[Change], context: int) -> Iterator[list[Change]]:
    group: list[Change] = []
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * context:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _range(first: int, end: int) -> str:
    size = end - first
    if size == 1:
        return f"{first + 1}"
    return f"{first + 1 if size else first},{size}"


def _shown(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
