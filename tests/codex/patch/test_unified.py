"""The smallest difference, and how it is shown."""

from hypothesis import given
from hypothesis import strategies as st

from codex.patch.unified import line_changes, slide_down, split_lines, unified_diff

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=12)


def test_equal_texts_have_no_hunks() -> None:
    assert unified_diff("a\nb\n", "a\nb\n", context=3) == ""
    assert unified_diff("", "", context=3) == ""


def test_ranges_are_written_as_diff_writes_them() -> None:
    assert unified_diff("", "a\n", context=3) == "@@ -0,0 +1 @@\n+a\n"
    assert unified_diff("a\nb\n", "", context=3) == "@@ -1,2 +0,0 @@\n-a\n-b\n"
    assert unified_diff("a\nb\n", "a\nc\n", context=0) == "@@ -2 +2 @@\n-b\n+c\n"


def test_changes_near_one_another_share_a_hunk() -> None:
    old = "".join(f"{number}\n" for number in range(12))
    new = old.replace("3\n", "three\n").replace("6\n", "six\n").replace("\n11\n", "\neleven\n")
    assert unified_diff(old, new, context=0).count("@@ -") == 3
    assert unified_diff(old, new, context=1).count("@@ -") == 2
    assert unified_diff(old, new, context=2).count("@@ -") == 1


def test_a_missing_line_end_is_told() -> None:
    assert unified_diff("a", "a\n", context=3) == "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"


def test_only_line_feeds_end_a_line() -> None:
    assert split_lines("a\rb\u2028c\n\x0bd") == ["a\rb\u2028c\n", "\x0bd"]


def test_a_rewritten_file_is_still_shown_in_time() -> None:
    old = [f"{number % 700}\n" for number in range(30_000)]
    new = [f"{number * 7919 % 701}\n" for number in range(30_000)]
    assert rebuilt(old, new, line_changes(old, new)) == new


def rebuilt(old: list[str], new: list[str], changes: list[tuple[int, int, int, int]]) -> list[str]:
    result: list[str] = []
    at = 0
    for a, i, b, j in changes:
        result += old[at:a]
        assert len(result) == b
        result += new[b:j]
        at = i
    return result + old[at:]


def longest_common(old: list[str], new: list[str]) -> int:
    row = [0] * (len(new) + 1)
    for line in old:
        diagonal = 0
        for j, other in enumerate(new):
            diagonal, row[j + 1] = row[j + 1], diagonal + 1 if line == other else max(row[j + 1], row[j])
    return row[-1]


@given(LINES, LINES)
def test_no_smaller_difference_exists(old: list[str], new: list[str]) -> None:
    changes = line_changes(old, new)
    assert sum(i - a for a, i, _, _ in changes) == len(old) - longest_common(old, new)
    assert rebuilt(old, new, changes) == new


@given(LINES, LINES)
def test_sliding_changes_nothing_but_the_place(old: list[str], new: list[str]) -> None:
    assert rebuilt(old, new, slide_down(line_changes(old, new), old, new)) == new
