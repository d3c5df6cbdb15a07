"""Turns that wait: each is taken once, in the order shown."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.threads.turn_queue import QueueRefused, TurnQueue, Waiting

ids = st.sampled_from("abcd")


class Queues(RuleBasedStateMachine):
    """Against a list."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.model = TurnQueue[int](), list[tuple[str, int]]()

    def known(self, wanted: str) -> bool:
        return wanted in dict(self.model)

    @rule(name=ids, what=st.integers())
    def add(self, name: str, what: int) -> None:
        if self.known(name):
            with pytest.raises(QueueRefused):
                self.queue.add(Waiting(name, what))
        else:
            self.queue.add(Waiting(name, what))
            self.model.append((name, what))

    @rule(name=ids, what=st.integers())
    def update(self, name: str, what: int) -> None:
        if self.known(name):
            self.queue.update(name, what)
            self.model = [(one, what if one == name else old) for one, old in self.model]
        else:
            with pytest.raises(QueueRefused, match="queued submission not found"):
                self.queue.update(name, what)

    @rule(name=ids)
    def delete(self, name: str) -> None:
        assert self.queue.delete(name) == self.known(name)
        self.model = [one for one in self.model if one[0] != name]

    @rule(order=st.permutations("abcd"), data=st.data())
    def reorder(self, order: list[str], data: Any) -> None:
        wanted = [name for name in order if self.known(name)]
        self.queue.reorder(wanted)
        values = dict(self.model)
        self.model = [(name, values[name]) for name in wanted]
        with pytest.raises(QueueRefused, match="exactly once"):
            self.queue.reorder([*wanted, "a"])

    @rule(name=st.none() | ids, back=st.booleans())
    def take(self, name: str | None, back: bool) -> None:
        if not self.model or (name is not None and not self.known(name)):
            with pytest.raises(QueueRefused):
                self.queue.take(name)
            return
        place = 0 if name is None else [one[0] for one in self.model].index(name)
        expected = self.model.pop(place)
        taken = self.queue.take(name)
        assert (taken.id, taken.what) == expected
        if back:
            self.queue.put_back(taken)
            self.model.insert(0, expected)

    @invariant()
    def shows_what_waits(self) -> None:
        assert [(one.id, one.what) for one in self.queue.waiting] == self.model


TestQueues = Queues.TestCase
