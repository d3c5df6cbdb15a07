"""A thread's events on their way to those who watch it: in order, to each at its own pace."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

import attrs
import trio

from codex.base.errors import CodexError
from codex.protocol.approval import ApplyPatchApprovalRequest, ExecApprovalRequest, Question
from codex.protocol.event import (
    AgentMessageDelta,
    ApprovalResolved,
    CommandOutputDelta,
    Event,
    EventMsg,
    ReasoningDelta,
    ShutdownComplete,
    TaskStarted,
    ends_turn,
)

_MERGE_ABOVE = 1_024
_BOUND = 65_536
_GREETING = 64


class WatcherTooSlow(CodexError):
    """A watcher left so many events unread that it was cut off; nothing it missed can be skipped."""

    def __init__(self) -> None:
        super().__init__(f"the events of this thread were not read: more than {_BOUND:,} are waiting; watch it again")


class Subscription:
    """One watcher's queue. Deltas of one item are merged once it lags; other events are never dropped.

    `answers`: the watcher answers the questions it sees.
    """

    def __init__(self, *, answers: bool = False) -> None:
        self.answers = answers
        self._events: deque[Event] = deque()
        self._ready = trio.Event()
        self._closed = False
        self._cut = False

    def put(self, event: Event) -> None:
        """Queue an event; never waits."""
        if self._closed or self._cut:
            return
        merged = _merge(self._events[-1], event) if len(self._events) > _MERGE_ABOVE else None
        if merged is not None:
            self._events[-1] = merged
        else:
            self._events.append(event)
        if len(self._events) > _BOUND:
            self._cut = True
            self._events.clear()  # nobody will read them
        self._ready.set()

    def close(self) -> None:
        """No more events come; those queued can still be read."""
        self._closed = True
        self._ready.set()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        """The next event. Cancel-safe: none is lost.

        Raises: WatcherTooSlow when the queue ran over.
        """
        while not self._events:
            if self._cut:
                raise WatcherTooSlow
            if self._closed:
                raise StopAsyncIteration
            self._ready = trio.Event()
            await self._ready.wait()
        return self._events.popleft()


class Outbox:
    """Numbers a thread's events and hands them to its watchers and listeners."""

    def __init__(self, thread_id: str) -> None:
        self._thread_id = thread_id
        self.open_turn: str | None = None
        self.last_turn: str | None = None
        """The turn that was started last, whether it runs or not."""
        self.open_questions: dict[str, Question] = {}
        self._seq = 0
        self._subscriptions: list[Subscription] = []
        self._listeners: list[Callable[[EventMsg], None]] = []
        self._greeting: list[Event] | None = []
        self._closed = False

    @property
    def configured(self) -> bool:
        """Whether the thread has introduced itself."""
        return self._seq > 0

    @property
    def has_answerer(self) -> bool:
        """Whether somebody who watches answers questions."""
        return any(subscription.answers for subscription in self._subscriptions)

    def withdraw_questions(self) -> None:
        """Tell that the questions still open here will not be waited for any more."""
        self.publish([ApprovalResolved(one.turn_id, one.id, one.call_id, None) for one in self.open_questions.values()])

    def publish(self, msgs: Sequence[EventMsg]) -> None:
        """Show events, in this order."""
        for msg in msgs:
            if isinstance(msg, ExecApprovalRequest | ApplyPatchApprovalRequest):
                self.open_questions[msg.id] = msg
            elif isinstance(msg, ApprovalResolved):
                self.open_questions.pop(msg.id, None)
            elif isinstance(msg, ShutdownComplete) and self.open_questions:
                self.withdraw_questions()
            event = Event(self._thread_id, self._seq, msg)
            self._seq += 1
            if isinstance(msg, TaskStarted):
                self.open_turn = self.last_turn = msg.turn_id
            elif ends_turn(msg):
                self.open_turn = None
            if self._greeting is not None and len(self._greeting) < _GREETING:
                self._greeting.append(event)
            for subscription in self._subscriptions:
                subscription.put(event)
            for listener in self._listeners:
                listener(msg)
            if isinstance(msg, ShutdownComplete):
                self.close()

    def listen(self, listener: Callable[[EventMsg], None]) -> None:
        """Call this with every event from now on; it must neither wait nor raise."""
        self._listeners.append(listener)

    def close(self) -> None:
        """The thread has ended: watchers read what is left and are done."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()

    def subscribe(self, *, answers: bool = False) -> Subscription:
        """A queue of all events from now on; the first watcher also gets what was told before it came."""
        subscription = Subscription(answers=answers)
        for event in self._greeting or ():
            subscription.put(event)
        self._greeting = None
        if self._closed:
            subscription.close()
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a watcher; once is enough, twice does no harm."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)


def _pieces(old: AgentMessageDelta | ReasoningDelta, new: AgentMessageDelta | ReasoningDelta) -> tuple[str, ...]:
    return (*(old.pieces or (old.delta,)), *(new.pieces or (new.delta,)))


def _merge(last: Event, event: Event) -> Event | None:
    """Both deltas as one, or None where they do not belong together."""
    match last.msg, event.msg:
        case (AgentMessageDelta(item_id=one) as old, AgentMessageDelta(item_id=two) as new) if one == two:
            return attrs.evolve(last, msg=attrs.evolve(old, delta=old.delta + new.delta, pieces=_pieces(old, new)))
        case (ReasoningDelta(item_id=one, raw=a) as old, ReasoningDelta(item_id=two, raw=b) as new) if (one, a) == (
            two,
            b,
        ):
            return attrs.evolve(last, msg=attrs.evolve(old, delta=old.delta + new.delta, pieces=_pieces(old, new)))
        case (CommandOutputDelta(item_id=one) as old, CommandOutputDelta(item_id=two) as new) if one == two:
            return attrs.evolve(last, msg=attrs.evolve(old, chunk=old.chunk + new.chunk))
        case _:
            return None
