"""What becomes of a file's content."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.patch.parse import Chunk
from codex.patch.plan import ContextNotFound, LinesNotFound, plan_update
from codex.patch.text import split_file


def chunk(*lines: str, context: str | None = None, at_end: bool = False) -> Chunk:
    return Chunk(context, lines, at_end)


def after(content: str, *chunks: Chunk) -> str:
    return plan_update(content, chunks, "f").content


def test_lines_are_replaced_where_they_stand() -> None:
    assert after("a\nb\nc\n", chunk("-a", "+x"), chunk(" b", "-c", "+z")) == "x\nb\nz\n"


def test_a_chunk_is_looked_for_below_the_one_before() -> None:
    assert after("a\nb\na\n", chunk(" b"), chunk("-a", "+x")) == "a\nb\nx\n"
    with pytest.raises(LinesNotFound, match=r"^Failed to find expected lines in f:\na$"):
        after("a\nb\n", chunk("-b"), chunk("-a"))


def test_a_context_moves_the_search_behind_its_line() -> None:
    assert after("a\nx\na\n", chunk("-a", context="x")) == "a\nx\n"
    with pytest.raises(LinesNotFound):
        after("a\nx\n", chunk("-a", context="a"))
    with pytest.raises(ContextNotFound, match=r"^Failed to find context 'q' in f$"):
        after("a\n", chunk("+x", context="q"))


def test_a_chunk_without_old_lines_is_appended_wherever_its_context_stands() -> None:
    assert after("a\nb\n", chunk("+x", context="a")) == "a\nb\nx\n"
    assert after("", chunk("+x")) == "x\n"
    assert after("a\n\n", chunk("+x")) == "a\n\nx\n"


def test_appended_lines_come_in_the_order_of_the_chunks() -> None:
    assert after("a\nb\n", chunk("+x"), chunk(" b", "+y")) == "a\nb\nx\ny\n"
    assert after("a\nb\n", chunk(" b", "+y"), chunk("+x")) == "a\nb\ny\nx\n"


def test_an_empty_last_line_that_is_not_there_is_forgiven() -> None:
    assert after("b\n", chunk("-b", "+x", " ")) == "x\n"
    assert after("b\n", chunk("-b", "-", "+x", "+")) == "x\n"
    assert after("b\n", chunk("-b", " ", "+x")) == "\nx\n"
    assert after("b\n", chunk("-", "+q")) == "q\nb\n"
    with pytest.raises(LinesNotFound):
        after("b\n", chunk("-b", " ", " "))


def test_at_the_end_of_the_file_means_the_last_lines() -> None:
    assert after("b\na\nb\n", chunk("-b", "+x", at_end=True)) == "b\na\nx\n"
    with pytest.raises(LinesNotFound):
        after("a\nb\n", chunk("-a", at_end=True))


def test_chunks_at_the_end_never_overlap() -> None:
    with pytest.raises(LinesNotFound):
        after("a\nb\nc\n", chunk("-c", "+x"), chunk("-b", "-c", at_end=True))


def test_lines_that_stay_keep_the_text_of_the_file() -> None:
    assert after("a  \n\tb\nc\u2014d\n", chunk(" a", " b", "-c-d", "+e")) == "a  \n\tb\ne\n"


def test_lines_that_go_and_come_back_take_the_text_of_the_patch() -> None:
    assert after("a  \nb  \n", chunk("-a", "-b", "+a", "+c")) == "a\nc\n"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("a\r\nb\nc\r", "a\r\nx\r\nc\r"),
        ("a\nb\r\nc", "a\nx\nc\n"),
        ("a\rb\nc\n", "a\rx\rc\n"),
        ("a\r\nb\r\nc", "a\r\nx\r\nc\r\n"),
    ],
)
def test_new_lines_take_the_first_line_end_and_old_ones_keep_theirs(before: str, expected: str) -> None:
    assert after(before, chunk("-b", "+x")) == expected


def test_the_last_line_gets_an_end_even_where_nothing_changes() -> None:
    assert after("a\nb", chunk(" a")) == "a\nb\n"
    assert after("a", chunk("-a")) == ""


def test_the_diff_shows_only_what_differs() -> None:
    plan = plan_update("1\n2\n3\n4\n5\n6\n", [chunk(" 2", "-3", "+3", "-4", "+four")], "f")
    assert plan.unified_diff() == "@@ -3,3 +3,3 @@\n 3\n-4\n+four\n 5\n"
    assert plan_update("a\n", [chunk(" a")], "f").unified_diff() == ""


def test_the_diff_tells_of_a_missing_line_end() -> None:
    plan = plan_update("a\nb", [chunk("-a", "+A")], "f")
    assert plan.unified_diff() == "@@ -1,2 +1,2 @@\n-a\n-b\n\\ No newline at end of file\n+A\n+b\n"
    only_the_end = plan_update("a\nb", [chunk(" a")], "f")
    assert only_the_end.unified_diff() == "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"


def test_added_lines_are_shown_as_low_as_equal_lines_allow() -> None:
    assert plan_update("a\nb\nb\nc\n", [chunk(" a", "+b", " b")], "f").unified_diff() == "@@ -3,2 +3,3 @@\n b\n+b\n c\n"


def test_lines_that_slide_down_to_the_next_change_join_it() -> None:
    plan = plan_update("a\nb\nx\n", [chunk("+a", "+b", " a", " b", "-x", "+y")], "f")
    assert plan.unified_diff() == "@@ -2,2 +2,4 @@\n b\n-x\n+a\n+b\n+y\n"


def test_a_carriage_return_alone_ends_no_line_of_a_diff() -> None:
    plan = plan_update("a\rb\nc\n", [chunk("-b", "+x")], "f")
    assert plan.content == "a\rx\rc\n"
    assert plan.unified_diff() == "@@ -1,2 +1 @@\n-a\rb\n-c\n+a\rx\rc\n"


def test_two_hundred_chunks_of_a_large_file_take_well_under_a_second() -> None:
    lines = [f"line {number % 977}" for number in range(100_000)]
    chunks = [
        chunk(f" {lines[at - 1]}", f"-{lines[at]}", "+new", f" {lines[at + 1]}", context=lines[at - 2] + " ")
        for at in range(300, 100_000, 499)
    ]
    began = time.process_time()
    plan = plan_update("\n".join(lines) + "\n", chunks, "f")
    assert plan.unified_diff()
    assert time.process_time() - began < 3.0
    assert plan.content.count("new\n") == len(chunks)


CONTENTS = st.lists(st.sampled_from(["a", "b", "c", "", " a", "\n"]).map(str), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\u2028"])


@given(
    st.lists(st.text("ab \x0b\u2028\u2029\x85", max_size=3), max_size=9),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_splitting_takes_no_character_away(lines: list[str], end: str, ended: bool) -> None:
    content = end.join(lines) + (end if ended and lines else "")
    found, ends = split_file(content)
    assert "".join(map(str.__add__, found, ends)) == content
    assert all(found_end in ("\n", "\r\n", "\r", "") for found_end in ends)


@given(st.text("a\r\n", max_size=12))
def test_any_mixture_of_line_ends_is_split(content: str) -> None:
    lines, ends = split_file(content)
    assert list(map(str.__add__, lines, ends)) == content.splitlines(keepends=True)


@given(st.data(), st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_a_patch_made_from_an_edit_gives_the_edited_text(data: st.DataObject, lines: list[str]) -> None:
    marked: list[str] = []
    for number, line in enumerate(lines):
        choice = data.draw(st.sampled_from(["stays", "stays", "goes", "changes", "grows"]), label=f"line {number}")
        marked += {
            "stays": [f" {line}"],
            "goes": [f"-{line}"],
            "changes": [f"-{line}", "+new"],
            "grows": [f" {line}", "+new", "+"],
        }[choice]
    expected = "".join(f"{line[1:]}\n" for line in marked if line[0] != "-")
    whole = plan_update("".join(f"{line}\n" for line in lines), [Chunk(None, tuple(marked))], "f")
    assert whole.content == expected


@given(st.lists(st.integers(0, 60), unique=True, max_size=8).map(sorted))
def test_many_small_chunks_give_the_edited_text(places: list[int]) -> None:
    lines = [f"line {number}" for number in range(62)]
    chunks = [chunk(f"-{lines[at]}", f"+new {at}") for at in places]
    expected = "".join(f"new {number}\n" if number in places else f"{line}\n" for number, line in enumerate(lines))
    assert after("".join(f"{line}\n" for line in lines), *chunks) == expected
