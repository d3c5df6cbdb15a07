"""Cutting the middle out of long texts."""

from hypothesis import given
from hypothesis import strategies as st

from codex.base.truncate import clip_bytes, count_lines, truncate_bytes, truncate_output, truncate_tokens

TEXTS = st.text(alphabet=st.sampled_from("aé€😀\n"), max_size=400)


def test_a_text_within_the_budget_stays_as_it_is() -> None:
    assert truncate_tokens("x" * 40, 10) == "x" * 40
    assert truncate_output("x" * 40, 10) == "x" * 40


def test_one_byte_too_many_is_cut_as_codex_cuts_it() -> None:
    head = "Warning: truncated output (original token count: 10001)\nTotal output lines: 1\n\n"
    expected = head + "x" * 20_000 + "…1 tokens truncated…" + "x" * 20_000
    assert truncate_output("x" * 40_001, 10_000) == expected


def test_lines_of_two_byte_characters_are_cut_as_codex_cuts_them() -> None:
    text = "".join(f"é{n}ü\n" for n in range(1, 5001))
    head, _, tail = truncate_output(text, 10_000).partition("…974 tokens truncated…")
    heading = "Warning: truncated output (original token count: 10974)\nTotal output lines: 5000\n\n"
    assert len(head.removeprefix(heading).encode()) == 20_000
    assert len(tail.encode()) == 19_999
    assert tail.startswith("\né2779ü")


def test_bytes_that_a_buffer_dropped_count_for_the_original_size() -> None:
    text = "x" * 40 + "y" * 40
    cut = truncate_output(text, 10, omitted_bytes=4_000)
    assert cut == (
        "Warning: truncated output (original token count: 1020)\n... 4000 bytes omitted ...\n\n"
        + ("x" * 20 + "…10 tokens truncated…" + "y" * 20)
    )


@given(TEXTS, st.integers(0, 60))
def test_head_and_tail_are_whole_characters_of_the_text(text: str, budget: int) -> None:
    cut = truncate_tokens(text, budget)
    if len(text.encode()) <= budget * 4:
        assert cut == text
        return
    head, _, rest = cut.partition("…")
    tail = rest.partition("…")[2]
    assert text.startswith(head)
    assert text.endswith(tail)
    size = len(head.encode()) + len(tail.encode())
    assert budget * 4 - 6 <= size <= budget * 4


@given(TEXTS, st.integers(0, 100))
def test_a_budget_in_bytes_counts_what_it_removed_in_characters(text: str, budget: int) -> None:
    cut = truncate_bytes(text, budget)
    if len(text.encode()) <= budget:
        assert cut == text
        return
    head, mark, tail = cut.split("…")
    assert len(head) + int(mark.split(" ")[0]) + len(tail) == len(text)
    assert len(head.encode()) + len(tail.encode()) <= budget


@given(TEXTS, st.integers(0, 100))
def test_a_clipped_text_is_the_longest_head_that_fits(text: str, budget: int) -> None:
    clipped = clip_bytes(text, budget)
    assert text.startswith(clipped)
    assert len(clipped.encode()) <= budget
    following = text[len(clipped) : len(clipped) + 1]
    assert not following or len((clipped + following).encode()) > budget


def test_lone_surrogates_are_no_reason_to_fail() -> None:
    assert truncate_tokens("\ud800" * 40, 10).count("\ud800") == 12


def test_lines_are_counted_with_or_without_a_last_newline() -> None:
    assert [count_lines(text) for text in ("", "a", "a\n", "a\nb", "\n")] == [0, 1, 1, 2, 1]
