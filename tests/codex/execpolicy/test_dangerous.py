"""A forced removal is recognised wherever the shell would run it; what only looks like one is left alone."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.execpolicy import is_dangerous


@pytest.mark.parametrize(
    "script",
    [
        "rm -f x",
        "rm -rf x",
        "rm -r --force x",
        "/bin/rm -fr x",
        "ls && rm -rf x",
        "bash -c 'rm -f x'",
        'sh -ec "rm -f x"',
        "echo $(rm -f x)",
        'echo "$(rm -f x)"',
        "echo `rm -f x`",
        "for i in 1; do rm -f $i; done",
        "git rm -f x; sudo rm -f y",
        "sudo -u me rm -f y",
        "env A=1 rm -f y",
        "A=1 rm -f y",
        "trap 'rm -f x' EXIT",
        "if true; then rm -f x; fi",
        "(rm -f x)",
        "{ rm -f x; }",
        "true\nrm -f x",
        "r\\m -f x",
        "'rm' -f x",
        "eval 'rm -f x'",
    ],
)
def test_a_forced_removal_is_dangerous(script: str) -> None:
    assert is_dangerous(["/bin/bash", "-lc", script])


@pytest.mark.parametrize(
    "script",
    [
        "rm x",
        "rm -- -f",
        "git rm -f x",
        "echo rm -f x",
        "find . -name x | xargs rm -f",
        "grep 'rm -f' Makefile",
        "echo 'rm -f x' > script",
        "ls # rm -f x",
        "",
        "'",
        "bash -c",
    ],
)
def test_what_only_mentions_one_is_not(script: str) -> None:
    assert not is_dangerous(["/bin/bash", "-c", script])


def test_endless_nesting_counts_as_dangerous() -> None:
    argv = ["true"]
    for _ in range(12):
        argv = ["sudo", *argv]
    assert is_dangerous(argv)


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=200))
def test_any_command_gets_an_answer(argv: list[str], script: str) -> None:
    assert is_dangerous(argv) in (True, False)
    assert is_dangerous(["bash", "-c", script]) in (True, False)
