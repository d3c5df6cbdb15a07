"""Waiting for a place among the agents: in order, once, and never for ever."""

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.agents.queue import PlaceQueue, Waiter
from codex.ports.agents import AgentFailure


class Places:
    """As many as there are, and for some parents none at all."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.forbidden: set[str] = set()
        self.too_deep: set[str] = set()

    def reserve(self, parent_id: str) -> bool:
        if parent_id in self.too_deep:
            raise AgentFailure("too deep")
        if not self.free or parent_id in self.forbidden:
            return False
        self.free -= 1
        return True


def joined(queue: PlaceQueue, woken: list[str], *parents: str) -> list[Waiter]:
    waiters = [Waiter(parent, lambda parent=parent: woken.append(parent)) for parent in parents]
    for waiter in waiters:
        queue.join(waiter, ["somebody else"])
    return waiters


def test_places_are_given_in_the_order_of_coming() -> None:
    queue, woken, places = PlaceQueue(), list[str](), Places(2)
    joined(queue, woken, "a", "b", "c")
    queue.grant(places.reserve)
    assert woken == ["a", "b"]
    places.free = 5
    queue.grant(places.reserve)
    assert (woken, places.free, bool(queue)) == (["a", "b", "c"], 4, False)


def test_one_whose_own_budget_is_full_does_not_hold_up_those_behind_it() -> None:
    queue, woken, places = PlaceQueue(), list[str](), Places(1)
    joined(queue, woken, "full", "b")
    places.forbidden = {"full"}
    queue.grant(places.reserve)
    assert woken == ["b"]


def test_one_that_will_never_get_a_place_is_told_why() -> None:
    queue, woken, places = PlaceQueue(), list[str](), Places(0)
    [deep] = joined(queue, woken, "deep")
    places.too_deep = {"deep"}
    queue.grant(places.reserve)
    assert (woken, deep.granted, str(deep.failure)) == (["deep"], False, "too deep")


def test_a_wait_that_nobody_could_end_is_refused() -> None:
    queue = PlaceQueue()
    queue.join(Waiter("a", lambda: None), ["a", "b"])
    with pytest.raises(AgentFailure, match="every agent that holds a place would wait"):
        queue.join(Waiter("b", lambda: None), ["a", "b"])


class Waiting(RuleBasedStateMachine):
    """Every waiter gets one place or none, and free places never meet somebody who could have one."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.places = PlaceQueue(), Places(0)
        self.waiting: list[Waiter] = []
        self.woken: Counter[int] = Counter()
        self.asked = 0

    @rule(parent=st.sampled_from("abc"))
    def join(self, parent: str) -> None:
        self.asked += 1
        waiter = Waiter(parent, lambda number=self.asked: self.woken.update([number]))
        self.queue.join(waiter, ["worker"])
        self.waiting.append(waiter)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        waiter = data.draw(st.sampled_from(self.waiting))
        self.queue.leave(waiter)
        self.waiting.remove(waiter)

    @rule(free=st.integers(0, 3), forbidden=st.sets(st.sampled_from("abc")))
    def places_change(self, free: int, forbidden: set[str]) -> None:
        self.places.free, self.places.forbidden = free, forbidden
        self.queue.grant(self.places.reserve)
        granted = [waiter for waiter in self.waiting if waiter.granted]
        assert len(granted) == free - self.places.free
        passed_over = self.waiting[: self.waiting.index(granted[-1])] if granted else []
        assert all(waiter.granted or waiter.parent_id in forbidden for waiter in passed_over)
        self.waiting = [waiter for waiter in self.waiting if not waiter.granted]
        assert not self.places.free or all(waiter.parent_id in forbidden for waiter in self.waiting)

    @invariant()
    def nobody_is_woken_twice(self) -> None:
        assert all(count == 1 for count in self.woken.values())
        assert bool(self.queue) == bool(self.waiting)


TestWaiting = Waiting.TestCase
