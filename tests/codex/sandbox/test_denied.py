"""When a failure looks like the sandbox's doing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.sandbox import looks_denied

WORDS = [
    "Operation not permitted",
    "Permission denied",
    "Read-only file system",
    "seccomp",
    "sandbox",
    "landlock",
    "failed to write file",
]


@pytest.mark.parametrize("words", WORDS)
@given(code=st.integers(1, 255), before=st.text(), after=st.text())
def test_words_of_denial_count_for_every_failure(words: str, code: int, before: str, after: str) -> None:
    assert looks_denied(code, f"{before}{words.upper()}{after}")
    assert not looks_denied(0, f"{before}{words}{after}")


@given(st.integers(0, 255))
def test_without_words_only_a_death_by_the_filter_counts(code: int) -> None:
    assert looks_denied(code, "no such thing") == (code == 159)
