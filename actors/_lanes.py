"""The two lanes of a mailbox: a bounded queue of messages, and a control lane that overtakes it.

    open   --end-----> ended    polite stop: reading ends at once, what is queued stays; writing goes on unless closed
    ended  --reopen--> open     the next incarnation of a kept place reads on
    any    --close---> closed   writing is refused

Laws: a message is in exactly one place: queued, waiting with its sender, read, or told as a dead letter. Waiting
senders come in turn. One task reads. Both sides visit the scheduler at least once every `PACE` messages of their
runtime, before the message is
touched: whoever is cancelled there has neither sent nor read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, Literal, Protocol, TypeAlias

import trio
from trio.lowlevel import current_task, reschedule, wait_task_rescheduled

from ._protection import protected
from ._reply import Reply

PACE: Final = 64
NOTHING: Final = object()
_UNOPENED: Final[deque[object]] = deque(maxlen=0)
"""The queue of all that were never sent a message: most of many idle actors, and a queue is an eighth of an actor."""

Overflow: TypeAlias = Literal["wait", "fail", "drop_oldest", "drop_newest"]

request: ContextVar[object | None] = ContextVar("actors.request", default=None)
"""What the current message was sent on behalf of (a trace parent): carried over every send and ask."""


class Pace:
    """How many messages may still pass before somebody visits the scheduler; one for a runtime."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = PACE


class Envelope:
    """A message with a question's reply or a request's context; plain messages travel without."""

    __slots__ = ("again", "context", "message", "reply")

    def __init__(self, message: object, reply: Reply[Any] | None, context: object | None) -> None:
        self.message = message
        self.reply = reply
        self.context = context
        self.again = False  # delivered a second time


class _Waiting:
    __slots__ = ("error", "item", "task")

    def __init__(self, item: object, task: trio.lowlevel.Task) -> None:
        self.item = item
        self.task = task
        self.error: Exception | None = None


class Keeper(Protocol):
    """Whose lanes they are."""

    def lost(self, item: object, why: str) -> None:
        """A message will never be read."""
        ...


@protected
class Lanes:
    """See the module. `room` is the capacity while writing is allowed (0 before the first message), else -1."""

    __slots__ = (
        "capacity", "carrying", "control", "dropped", "ended", "hand", "keeper", "key", "messages", "on_first_read",
        "overflow", "pace", "reader", "redeliver", "room", "senders", "stashed", "urgent",
    )  # fmt: skip

    def __init__(
        self,
        capacity: int,
        pace: Pace,
        *,
        overflow: Overflow = "wait",
        key: Callable[[Any], object] | None = None,
        keeper: Keeper,
    ) -> None:
        self.capacity = capacity
        self.room = 0
        self.pace = pace
        self.overflow: Overflow = overflow
        self.key = key
        self.keeper = keeper
        self.messages: deque[object] = _UNOPENED
        self.control: deque[object] | None = None
        self.senders: deque[_Waiting] | None = None
        self.reader: trio.lowlevel.Task | None = None
        self.ended = False
        self.urgent = False
        self.carrying = False
        self.dropped = 0
        self.hand: object = NOTHING  # as it was queued: what the actor read last
        self.stashed: deque[object] | None = None
        self.redeliver = False
        self.on_first_read: Callable[[], None] | None = None

    # -- writing -----------------------------------------------------------------------------------------------------

    def put_nowait(self, item: object) -> bool:
        """Queue it, or deal with the bound as the policy says. False: the caller has to wait or to fail."""
        messages = self.messages
        if len(messages) >= self.room:
            return self.room >= 0 and self._make_room(item)
        messages.append(item)
        if self.reader is not None:
            self.wake()
        return True

    def _make_room(self, item: object) -> bool:
        if self.messages is _UNOPENED:
            self.messages = deque()
            self.room = self.capacity
            return self.put_nowait(item)
        if self.key is not None and self._replace(item):
            return True
        if self.overflow == "drop_newest":
            self._drop(item)
            return True
        if self.overflow == "drop_oldest":
            self._drop(self.messages.popleft())
            self.messages.append(item)
            return True
        return False

    def _replace(self, item: object) -> bool:
        assert self.key is not None
        key = self.key(message_of(item))
        for index, older in enumerate(self.messages):
            if self.key(message_of(older)) == key:
                self.messages[index] = item
                self._drop(older)
                return True
        return False

    def _drop(self, item: object) -> None:
        self.dropped += 1
        self.keeper.lost(item, "overflow")

    def put_control(self, item: object) -> None:
        """Into the lane that overtakes. The caller minds the bound."""
        if self.control is None:
            self.control = deque()
        self.control.append(item)
        self.urgent = True
        self.wake()

    async def wait_room(self, item: object) -> None:
        """Queue it when its turn comes. Cancelled: it is not queued. Raises what `close` was given."""
        if self.senders is None:
            self.senders = deque()
        waiting = _Waiting(item, current_task())
        self.senders.append(waiting)

        def give_up(_raise_cancel: object) -> trio.lowlevel.Abort:
            assert self.senders is not None
            self.senders.remove(waiting)
            return trio.lowlevel.Abort.SUCCEEDED

        await wait_task_rescheduled(give_up)
        if waiting.error is not None:
            raise waiting.error

    def _admit(self) -> None:
        """Let waiting senders in, in turn, while there is room."""
        senders, messages = self.senders, self.messages
        while senders and len(messages) < self.room:
            waiting = senders.popleft()
            messages.append(waiting.item)
            reschedule(waiting.task)

    def wake(self) -> None:
        """Let the reader look."""
        task, self.reader = self.reader, None
        if task is not None:
            reschedule(task)

    # -- reading -----------------------------------------------------------------------------------------------------

    def take(self) -> object:
        """The next message, or NOTHING. Raises trio.EndOfChannel when reading has ended."""
        while True:
            if self.urgent:
                if self.on_first_read is not None:
                    told, self.on_first_read = self.on_first_read, None
                    told()
                if self.control:
                    item = self.control.popleft()
                    self.hand = NOTHING
                    return self._open(item if type(item) is Envelope else Envelope(item, None, None))
                if self.ended:
                    raise trio.EndOfChannel
                self.urgent = False
            if not self.messages:
                self.hand = NOTHING
                return NOTHING
            item = self.hand = self.messages.popleft()
            if self.senders:
                self._admit()
            if type(item) is Envelope:
                if item.reply is not None and item.reply.is_set:
                    continue  # withdrawn: nobody waits for the answer
                return self._open(item)
            if self.carrying:
                self.carrying = False
                request.set(None)
            return item

    def _open(self, item: Envelope) -> object:
        if item.context is not None:
            self.carrying = True
            request.set(item.context)
        elif self.carrying:
            self.carrying = False
            request.set(None)
        return item.message

    def begin_reading(self) -> Callable[[object], trio.lowlevel.Abort]:
        """This task waits until there may be something to take: pass the result to `wait_task_rescheduled`."""
        if self.reader is not None:
            raise trio.BusyResourceError("another task reads this mailbox; an actor has one reader")
        self.reader = current_task()
        self.pace.left = PACE
        return self.abandon_reading

    def abandon_reading(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        """The reader was cancelled."""
        self.reader = None
        return trio.lowlevel.Abort.SUCCEEDED

    # -- ending ------------------------------------------------------------------------------------------------------

    def begin(self, on_first_read: Callable[[], None] | None) -> None:
        """A new incarnation reads; `on_first_read` is told once when it does."""
        self.ended = False
        self.carrying = False
        self.on_first_read = on_first_read
        self.urgent = on_first_read is not None or bool(self.control)

    def end(self) -> None:
        """Reading ends before the next message."""
        self.ended = self.urgent = True
        self.wake()

    def resize(self, capacity: int) -> None:
        """Another capacity. What is queued beyond it stays."""
        if self.room > 0:
            self.room = capacity
        self.capacity = capacity
        self._admit()

    def close(self, error: Callable[[], Exception]) -> None:
        """Refuse writing from now on; senders that wait get the error."""
        self.room = -1
        while self.senders:
            waiting = self.senders.popleft()
            waiting.error = error()
            reschedule(waiting.task)

    def stash(self, message: object) -> bool:
        """Put aside what was read; False when there is no more room."""
        if self.stashed is None:
            self.stashed = deque()
        if len(self.stashed) >= self.capacity:
            return False
        hand = self.hand
        self.stashed.append(hand if message_of(hand) is message else message)
        return True

    def unstash(self, count: int | None) -> None:
        """Put what was put aside before everything queued, in its old order; the bound does not count here."""
        stashed = self.stashed
        if stashed:
            some = [stashed.popleft() for _ in range(len(stashed) if count is None else min(count, len(stashed)))]
            self.messages.extendleft(reversed(some))
            if self.reader is not None:
                self.wake()

    def incarnation_ended(self, *, crashed: bool) -> None:
        """What was put aside, and once what was in hand at a crash if that is wanted, goes back to the front."""
        hand, self.hand = self.hand, NOTHING
        if self.stashed:
            self.unstash(None)
        if crashed and self.redeliver and hand is not NOTHING:
            envelope = hand if type(hand) is Envelope else Envelope(hand, None, None)
            if envelope.reply is None and not envelope.again:
                envelope.again = True
                self.messages.appendleft(envelope)

    def drop_questions(self) -> None:
        """Take every question out of the queue; its reply has been closed."""
        self.messages = deque(item for item in self.messages if type(item) is not Envelope or item.reply is None)
        self._admit()

    def forget(self, unwanted: Callable[[object], bool]) -> None:
        """Take out of the control lane what is unwanted by now."""
        if self.control:
            self.control = deque(item for item in self.control if not unwanted(item))

    def take_questions(self) -> list[Envelope]:
        """Take every question out of the queue, to be told that nobody will read it."""
        questions = [item for item in self.messages if type(item) is Envelope and item.reply is not None]
        if questions:
            self.drop_questions()
        return questions

    def drain(self) -> list[object]:
        """Take out everything that was queued and not read."""
        rest = [message_of(item) for item in self.messages if not _withdrawn(item)]
        self.messages.clear()
        return rest


def message_of(item: object) -> object:
    """The message without its envelope."""
    return item.message if type(item) is Envelope else item


def _withdrawn(item: object) -> bool:
    return type(item) is Envelope and item.reply is not None and item.reply.is_set
