"""Following one turn through a thread client."""

import gc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from codex.cli.follow import ABORT_WAIT, Outcome, follow_turn
from codex.cli.signals import StopSignals
from codex.protocol.event import (
    ErrorNotice,
    Event,
    EventMsg,
    ItemCompleted,
    SessionConfigured,
    TaskComplete,
    TaskStarted,
    TurnAborted,
    TurnFailed,
)
from codex.protocol.item import AgentMessage, UserMessage
from codex.protocol.op import Interrupt, Op, TurnInput
from codex.protocol.permission import SandboxPolicy
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import TextInput

CONFIGURED = SessionConfigured("th", "m", "p", "/repo", "never", SandboxPolicy(), None)
STARTED = TaskStarted("t")
SAID = ItemCompleted("t", AgentMessage("m", "hi"))
DONE = TaskComplete("t", "hi", TokenUsage(), 1)
ABORTED = TurnAborted("t", "interrupted", TokenUsage())
TURN = TurnInput((TextInput("go"),))


class FakeThread:
    """A thread that answers a turn with these messages, and an interrupt with those."""

    def __init__(self, turn: Sequence[EventMsg], at_interrupt: Sequence[EventMsg] = (), *, dies: bool = False) -> None:
        self.submitted: list[Op] = []
        self._answers = {TurnInput: turn, Interrupt: at_interrupt}
        self._dies = dies
        self._send, self._receive = trio.open_memory_channel[Event](1000)

    @property
    def thread_id(self) -> str:
        return "th"

    async def submit(self, op: Op) -> str:
        self.submitted.append(op)
        for msg in self._answers[type(op)]:
            self._send.send_nowait(Event("th", 0, msg))
        if self._dies:
            self._send.close()
        await trio.lowlevel.checkpoint()
        return "1"

    @asynccontextmanager
    async def open_events(self) -> AsyncIterator[AsyncIterator[Event]]:
        self._send.send_nowait(Event("th", 0, CONFIGURED))
        yield self._receive


class Watcher:
    """A view that remembers, and calls back at a message."""

    def __init__(self) -> None:
        self.seen: list[EventMsg] = []
        self.ends: list[str] = []
        self.ticks: list[float] = []
        self.gone_at: EventMsg | None = None

    def show(self, msg: EventMsg) -> None:
        if msg is self.gone_at:
            raise BrokenPipeError
        self.seen.append(msg)

    def tick(self, seconds: float) -> None:
        self.ticks.append(seconds)

    def cut_off(self, message: str) -> None:
        self.ends.append(message)

    def answer(self, text: str | None) -> None:
        raise AssertionError(text)


class StopAtOnce(StopSignals):
    """A stop that has come when the loop arms it, without any signal."""

    def __init__(self) -> None:
        self.received = None

    def arm(self, notify: object, last_words: object) -> None:
        assert callable(notify)
        notify()

    def finish(self) -> None:
        pass


@pytest.fixture
def stop() -> Iterator[StopSignals]:
    signals = StopSignals()
    yield signals
    signals.finish()


async def test_a_turn_is_shown_from_its_session_to_its_end(stop: StopSignals) -> None:
    thread, view = FakeThread([STARTED, SAID, DONE]), Watcher()
    assert await follow_turn(thread, TURN, view, stop) == Outcome(ok=True, last_message="hi")
    assert view.seen == [CONFIGURED, STARTED, SAID, DONE]
    assert (thread.submitted, view.ends) == ([TURN], [])


async def test_a_failed_turn_is_not_ok(stop: StopSignals) -> None:
    thread = FakeThread([STARTED, TurnFailed("t", "no", "x", TokenUsage())])
    assert await follow_turn(thread, TURN, Watcher(), stop) == Outcome(ok=False)


async def test_an_error_on_the_way_makes_a_completed_turn_not_ok(stop: StopSignals) -> None:
    thread = FakeThread([STARTED, ErrorNotice("t", "no"), DONE])
    assert await follow_turn(thread, TURN, Watcher(), stop) == Outcome(ok=False, last_message="hi")


async def test_a_thread_that_dies_ends_the_turn_on_the_screen(stop: StopSignals) -> None:
    thread, view = FakeThread([STARTED], dies=True), Watcher()
    assert await follow_turn(thread, TURN, view, stop) == Outcome(ok=False)
    assert view.ends == ["the thread ended before its turn did"]


async def test_a_signal_interrupts_and_the_end_of_the_turn_is_shown(autojump_clock: trio.testing.MockClock) -> None:
    thread, view = FakeThread([STARTED], at_interrupt=[ABORTED]), Watcher()
    assert await follow_turn(thread, TURN, view, StopAtOnce()) == Outcome(ok=False)
    assert thread.submitted[-1] == Interrupt()
    assert view.seen[-1] == ABORTED
    assert (view.ends, trio.current_time() < ABORT_WAIT) == ([], True)


async def test_an_end_that_does_not_come_is_waited_for_a_quarter_second(autojump_clock: trio.testing.MockClock) -> None:
    view, before = Watcher(), trio.current_time()
    assert await follow_turn(FakeThread([STARTED]), TURN, view, StopAtOnce()) == Outcome(ok=False)
    assert view.ends == ["the turn was interrupted"]
    assert trio.current_time() - before == pytest.approx(ABORT_WAIT)


async def test_a_reader_that_has_gone_ends_it(stop: StopSignals) -> None:
    view = Watcher()
    view.gone_at = SAID
    with pytest.raises(BaseExceptionGroup) as error:
        await follow_turn(FakeThread([STARTED, SAID]), TURN, view, stop)
    assert error.group_contains(BrokenPipeError)


async def test_the_view_hears_every_second_of_silence(
    autojump_clock: trio.testing.MockClock, stop: StopSignals
) -> None:
    view = Watcher()
    with trio.move_on_after(3.5):
        await follow_turn(FakeThread([STARTED]), TURN, view, stop)
    assert view.ticks == pytest.approx([0, 1, 2])  # the first second had events


async def test_the_collector_wakes_when_the_model_answers(stop: StopSignals) -> None:
    awake: list[bool] = []

    class Looking(Watcher):
        def show(self, msg: EventMsg) -> None:
            awake.append(gc.isenabled())

    user = ItemCompleted("t", UserMessage("u", ()))
    gc.disable()
    try:
        await follow_turn(FakeThread([STARTED, user, SAID, DONE]), TURN, Looking(), stop)
    finally:
        gc.enable()
        gc.unfreeze()
    assert awake == [False, False, False, True, True]
