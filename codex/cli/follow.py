"""Runs one turn through a `ThreadClient` and shows it to a view, until the turn ends or a signal ends it."""

import gc
from contextlib import suppress
from functools import partial

import attrs
import trio

from codex.cli.signals import StopSignals
from codex.cli.views import View
from codex.ports.thread_client import ThreadClient
from codex.protocol.event import (
    AgentMessageDelta,
    CommandOutputDelta,
    ErrorNotice,
    Event,
    EventMsg,
    ItemCompleted,
    ItemStarted,
    ReasoningDelta,
    TaskComplete,
    TaskStarted,
    Warning,
    ends_turn,
)
from codex.protocol.item import UserMessage
from codex.protocol.op import Interrupt, TurnInput

ABORT_WAIT = 0.25  # seconds that the end of an interrupted turn is waited for
INTERRUPTED = "the turn was interrupted"
_DELTAS = frozenset((AgentMessageDelta, ReasoningDelta, CommandOutputDelta))
_LOST = "the thread ended before its turn did"


@attrs.frozen
class Outcome:
    """How a turn went: whether it completed without an error, and the agent's last message."""

    ok: bool
    last_message: str | None = None


async def follow_turn(
    thread: ThreadClient, turn: TurnInput, view: View, stop: StopSignals, *, abort_wait: float = ABORT_WAIT
) -> Outcome:
    """Submit the turn and show its events to its end; after a signal that end is waited for `abort_wait` seconds.

    Cancelled, the turn goes on; closing the thread ends it.
    """
    follower = _Follower(view)
    interrupted = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def notify() -> None:
        with suppress(trio.RunFinishedError):  # then there is nothing left to interrupt
            token.run_sync_soon(interrupted.set)

    stop.arm(notify, partial(view.cut_off, INTERRUPTED))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_interrupt, thread, interrupted, nursery.cancel_scope, abort_wait)
        nursery.start_soon(follower.tick)
        async with thread.open_events() as events:
            await thread.submit(turn)
            async for event in events:
                if follower.take(event):
                    break
        nursery.cancel_scope.cancel()
    if not follower.ended:
        view.cut_off(INTERRUPTED if interrupted.is_set() else _LOST)
    return follower.outcome()


async def _interrupt(thread: ThreadClient, interrupted: trio.Event, turn: trio.CancelScope, abort_wait: float) -> None:
    await interrupted.wait()
    with trio.move_on_after(abort_wait):
        await thread.submit(Interrupt())
        await trio.sleep_forever()
    turn.cancel()


class _Follower:
    def __init__(self, view: View) -> None:
        self._view = view
        self._taken = 0
        self._collector_sleeps = not gc.isenabled()
        self._in_turn = False
        self._failed = False
        self._complete: TaskComplete | None = None
        self.ended = False

    def take(self, event: Event) -> bool:
        """Show an event; true when it ended the turn."""
        msg = event.msg
        self._taken += 1
        if self._collector_sleeps:
            self._wake_collector(msg)
        self._view.show(msg)
        if type(msg) in _DELTAS:  # thousands in a turn
            return False
        if isinstance(msg, ErrorNotice):
            self._failed = True
        elif ends_turn(msg):
            self.ended = True
            if isinstance(msg, TaskComplete):
                self._complete = msg
        return self.ended

    def outcome(self) -> Outcome:
        """How it went so far."""
        if self._complete is None:
            return Outcome(ok=False)
        return Outcome(ok=not self._failed, last_message=self._complete.last_agent_message)

    async def tick(self) -> None:
        """Tell the view every second how long nothing has happened."""
        taken, since = self._taken, trio.current_time()
        while True:
            await trio.sleep(1)
            if taken != self._taken:
                taken, since = self._taken, trio.current_time()
            self._view.tick(trio.current_time() - since)

    def _wake_collector(self, msg: EventMsg) -> None:
        # The collector sleeps during start-up. Once the model answers, the request is out: what was loaded until then
        # stays for good, so it is put out of the collector's sight.
        if isinstance(msg, TaskStarted):
            self._in_turn = True
        elif self._in_turn and not isinstance(msg, Warning) and not _is_users(msg):
            self._collector_sleeps = False
            gc.freeze()
            gc.enable()


def _is_users(msg: EventMsg) -> bool:
    return isinstance(msg, ItemStarted | ItemCompleted) and isinstance(msg.item, UserMessage)
