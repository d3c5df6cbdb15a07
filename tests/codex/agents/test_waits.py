"""Waits between agents: one that nothing could end is refused with its circle, and no other."""

from collections.abc import Sequence

import hypothesis.strategies as st
from hypothesis import given, settings

from codex.agents.waits import Wait, Waits

AGENTS = "abcde"


def all_end(waits: Sequence[tuple[str, tuple[str, ...]]]) -> set[str]:
    """Those that come to their end when everybody goes on as soon as all of their waits are over."""
    ended: set[str] = set()
    while True:
        now = {
            agent
            for agent in AGENTS
            if all(any(target in ended for target in targets) for waiter, targets in waits if waiter == agent)
        }
        if now == ended:
            return ended
        ended = now


asked = st.tuples(st.sampled_from(AGENTS), st.lists(st.sampled_from(AGENTS), min_size=1, max_size=3).map(tuple))


@settings(deadline=None)
@given(st.lists(st.one_of(asked, st.integers(0, 5)), max_size=14))
def test_exactly_the_waits_are_refused_after_which_somebody_would_never_end(
    steps: list[tuple[str, tuple[str, ...]] | int],
) -> None:
    waits, entered = Waits(), list[Wait]()
    for step in steps:
        if isinstance(step, int):
            if step < len(entered):
                waits.leave(entered.pop(step))
            continue
        waiter, targets = step
        before = [(wait.waiter, wait.targets) for wait in entered]
        answer = waits.enter(waiter, targets)
        if isinstance(answer, Wait):
            entered.append(answer)
            assert all_end([*before, step]) == set(AGENTS)
        else:
            assert all_end([*before, step]) != set(AGENTS)
            assert answer[0] == answer[-1] == waiter


def test_the_circle_is_told_from_the_one_that_asked_back_to_it() -> None:
    waits = Waits()
    assert isinstance(waits.enter("b", ["c"]), Wait)
    assert isinstance(waits.enter("c", ["a"]), Wait)
    assert waits.enter("a", ["b"]) == ("a", "b", "c", "a")


def test_a_wait_that_another_agent_can_end_is_no_circle() -> None:
    waits = Waits()
    assert isinstance(waits.enter("b", ["a", "c"]), Wait)
    assert isinstance(waits.enter("a", ["b"]), Wait)


def test_nobody_waits_for_itself() -> None:
    assert Waits().enter("a", ["a"]) == ("a", "a")
