"""A command shown as one line."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.quoting import command_line


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4))
def test_a_shell_would_read_the_same_words_back(words: list[str]) -> None:
    assert shlex.split(command_line(words)) == words


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("echo hi; echo err >&2; exit 3", "'echo hi; echo err >&2; exit 3'"),
        ("echo got $x", "'echo got $x'"),
        ("it's", '"it\'s"'),
        ("", "''"),
        ("/bin/bash", "/bin/bash"),
        ("a=b", "'a=b'"),
        ("l'$x'", "\"l'\"'$x'\"'\""),
        ("back\\slash", '"back\\\\slash"'),
        ("^a", "'^a'"),
        ("é", "'é'"),
    ],
)
def test_single_quotes_are_liked_best_then_double_ones_then_pieces(word: str, shown: str) -> None:
    assert command_line([word]) == shown


def test_words_with_a_nul_are_only_joined() -> None:
    assert command_line(["a b", "c\0d"]) == "a b c\0d"
