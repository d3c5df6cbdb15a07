"""Where lines are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.patch.seek import Haystack


def test_the_first_place_from_the_start_on_wins() -> None:
    haystack = Haystack(["a", "b", "a", "b"])
    assert haystack.find(["a", "b"], 0) == 0
    assert haystack.find(["a", "b"], 1) == 2
    assert haystack.find(["b", "a"], 2) is None


def test_a_stricter_pass_wins_over_an_earlier_place() -> None:
    assert Haystack(["  a", "a ", "a"]).find(["a"], 0) == 2
    assert Haystack(["  a", "a "]).find(["a"], 0) == 1
    assert Haystack(["\u2018a\u2019", " 'a'"]).find(["'a'"], 0) == 1


def test_one_pass_holds_for_all_lines() -> None:
    assert Haystack(["a ", "\u2014"]).find(["a", "-"], 0) == 0
    assert Haystack([" a", "b"]).find(["a", "b"], 0) == 0


def test_at_the_end_only_the_last_place_counts() -> None:
    haystack = Haystack(["a", "b", "a"])
    assert haystack.find(["a"], 0, at_end=True) == 2
    assert haystack.find(["b"], 0, at_end=True) is None
    assert haystack.find(["a"], 3, at_end=True) is None


def test_nothing_wanted_is_found_at_the_start() -> None:
    assert Haystack(["a", "b"]).find([], 1) == 1
    assert Haystack(["a", "b"]).find([], 1, at_end=True) == 1


@pytest.mark.parametrize("dash", "\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
def test_dashes_are_alike(dash: str) -> None:
    assert Haystack([f"a{dash}b"]).find(["a-b"], 0) == 0
    assert Haystack(["a-b"]).find([f"a{dash}b"], 0) == 0


@pytest.mark.parametrize("space", "\xa0\u2002\u2003\u2007\u200a\u202f\u205f\u3000")
def test_odd_spaces_are_alike(space: str) -> None:
    assert Haystack([f"a{space}b"]).find(["a b"], 0) == 0


@pytest.mark.parametrize(
    ("one", "other"), [("\u200b", " "), ("\u1680", " "), ("\u2001", " "), ("\u2026", "..."), ("\xb4", "'")]
)
def test_other_characters_are_not(one: str, other: str) -> None:
    assert Haystack([f"a{one}b"]).find([f"a{other}b"], 0) is None


def test_separators_that_unicode_does_not_call_white_are_no_blanks() -> None:
    assert Haystack(["a\x1c"]).find(["a"], 0) is None
    assert Haystack(["a\x0b\x0c\x85\u2028"]).find(["a"], 0) == 0


LINES = st.lists(st.sampled_from(["a", "b", "", " a", "a ", "a-b", "a\u2013b"]), max_size=8)


@given(LINES, LINES, st.integers(0, 8), st.booleans())
def test_the_search_agrees_with_trying_every_place(
    lines: list[str], wanted: list[str], start: int, at_end: bool
) -> None:
    def plain(line: str) -> str:
        return line.strip().replace("\u2013", "-")

    first = max(start, len(lines) - len(wanted)) if at_end and wanted else start
    expected = first if not wanted else None
    for simplify in (str, str.rstrip, str.strip, plain):
        for place in range(first, len(lines) - len(wanted) + 1):
            if expected is None and [*map(simplify, lines[place : place + len(wanted)])] == [*map(simplify, wanted)]:
                expected = place
    assert Haystack(lines).find(wanted, start, at_end=at_end) == expected
