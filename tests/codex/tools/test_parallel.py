"""Calls that may run together do; one that must be alone is; nobody overtakes."""

import hypothesis.strategies as st
from hypothesis import given

from codex.tools import Gate


@given(st.lists(st.booleans(), max_size=12), st.randoms())
def test_calls_start_in_order_and_exclusive_ones_alone(kinds: list[bool], random: object) -> None:
    gate = Gate()
    running: dict[str, bool] = {}
    order: list[str] = []

    def take(started: list[str]) -> None:
        for call_id in started:
            running[call_id] = kinds[int(call_id)]
            order.append(call_id)
            assert len(running) == 1 or all(running.values())

    for index, parallel in enumerate(kinds):
        take(gate.add(str(index), parallel=parallel))
    while running:
        call_id = random.choice(sorted(running))
        del running[call_id]
        take(gate.done(call_id))
    assert order == [str(index) for index in range(len(kinds))]
    assert gate.open_calls == ()


def test_a_call_that_is_withdrawn_before_it_ran_lets_the_next_one_go() -> None:
    gate = Gate()
    assert gate.add("a", parallel=True) == ["a"]
    assert gate.add("b", parallel=False) == []
    assert gate.add("c", parallel=True) == []
    assert gate.done("b") == ["c"]
