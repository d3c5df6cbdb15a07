"""The mailbox against a simpler model."""

from __future__ import annotations

from collections import deque

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors import ActorGone, Mailbox, MailboxFull


class Lanes(RuleBasedStateMachine):
    """Two queues, a bound and a policy."""

    @initialize(
        capacity=st.integers(1, 4),
        overflow=st.sampled_from(["wait", "fail", "drop_oldest", "drop_newest"]),
        keyed=st.booleans(),
    )
    def begin(self, capacity: int, overflow: str, keyed: bool) -> None:
        key = (lambda message: message % 3) if keyed else None
        self.mailbox = Mailbox[int]("box", capacity=capacity, overflow=overflow, key=key)  # pyright: ignore[reportArgumentType]
        self.capacity, self.overflow, self.keyed = capacity, overflow, keyed
        self.messages: deque[int] = deque()
        self.control: deque[int] = deque()
        self.closed = False

    @rule(message=st.integers(0, 99))
    def send(self, message: int) -> None:
        if self.closed:
            with pytest.raises(ActorGone):
                self.mailbox.ref.send_nowait(message)
            return
        if len(self.messages) < self.capacity:
            self.messages.append(message)
        else:
            same = [index for index, older in enumerate(self.messages) if older % 3 == message % 3]
            if self.keyed and same:
                self.messages[same[0]] = message
            elif self.overflow == "drop_oldest":
                self.messages.popleft()
                self.messages.append(message)
            elif self.overflow != "drop_newest":
                with pytest.raises(MailboxFull):
                    self.mailbox.ref.send_nowait(message)
                return
        self.mailbox.ref.send_nowait(message)

    @rule(message=st.integers(100, 199))
    def send_control(self, message: int) -> None:
        if self.closed:
            with pytest.raises(ActorGone):
                self.mailbox.ref.send_nowait(message, control=True)
        elif len(self.control) >= self.capacity:
            with pytest.raises(MailboxFull):
                self.mailbox.ref.send_nowait(message, control=True)
        else:
            self.control.append(message)
            self.mailbox.ref.send_nowait(message, control=True)

    @rule()
    def receive(self) -> None:
        if self.control:
            assert self.mailbox.receive_nowait() == self.control.popleft()
        elif self.closed:
            with pytest.raises(trio.EndOfChannel):
                self.mailbox.receive_nowait()
        elif self.messages:
            assert self.mailbox.receive_nowait() == self.messages.popleft()
        else:
            with pytest.raises(trio.WouldBlock):
                self.mailbox.receive_nowait()

    @rule()
    def drain(self) -> None:
        assert self.mailbox.drain() == list(self.messages)
        self.messages.clear()

    @rule()
    def close(self) -> None:
        self.mailbox.close()
        self.closed = True

    @invariant()
    def depth_is_within_the_bound(self) -> None:
        if hasattr(self, "mailbox"):
            assert self.mailbox.depth == len(self.messages) <= self.capacity


TestLanes = Lanes.TestCase
TestLanes.settings = settings(max_examples=150, deadline=None)


@settings(max_examples=60, deadline=None)
@given(
    capacity=st.integers(1, 3),
    senders=st.lists(st.lists(st.floats(0, 3), min_size=1, max_size=6), min_size=1, max_size=4),
    patience=st.floats(0, 8),
    pauses=st.lists(st.floats(0, 2), max_size=12),
)
def test_no_message_is_lost_or_doubled_whoever_is_cancelled_when(
    capacity: int, senders: list[list[float]], patience: float, pauses: list[float]
) -> None:
    mailbox = Mailbox[tuple[int, int]]("box", capacity=capacity)
    sent: list[tuple[int, int]] = []
    read: list[tuple[int, int]] = []

    async def send(number: int, delays: list[float]) -> None:
        for index, delay in enumerate(delays):
            await trio.sleep(delay)
            await mailbox.ref.send((number, index))
            sent.append((number, index))

    async def read_some() -> None:
        for pause in pauses:
            with trio.move_on_after(pause):
                read.append(await mailbox.receive())
            await trio.sleep(pause / 2)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_some)
            with trio.move_on_after(patience):
                async with trio.open_nursery() as sending:
                    for number, delays in enumerate(senders):
                        sending.start_soon(send, number, delays)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    got = read + mailbox.drain()
    assert sorted(got) == sorted(sent)
    for number in range(len(senders)):
        mine = [index for sender, index in got if sender == number]
        assert mine == sorted(mine)
