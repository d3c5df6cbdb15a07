"""One actor's place, as the machinery sees it: its record, its lanes, who waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Protocol

import trio

from ._clock import Timer
from ._errors import ActorGone, ActorRestarted, AskCycle, MailboxFull
from ._exit import Exit
from ._lanes import Envelope, Lanes, Overflow, Pace
from ._protection import protected
from ._reply import Reply
from ._stopping import Record


class Host(Protocol):
    """What a cell needs of the machinery that runs it."""

    pace: Pace
    ask_timeout: float

    def opened(self, cell: Cell, reply: Reply[Any]) -> None:
        """A question was asked; its time runs."""
        ...

    def closed(self, reply: Reply[Any]) -> None:
        """A question has its answer, or nobody waits any more."""
        ...

    def dead_letter(self, cell: Cell, message: object, why: str) -> None:
        """Nobody will read this."""
        ...

    async def stop(self, cell: Cell, within: float | None, reason: str) -> Exit:
        """Stop it and what it owns."""
        ...

    def stop_nowait(self, cell: Cell, reason: str) -> None:
        """Begin to."""
        ...

    async def wait(self, cell: Cell) -> Exit:
        """Until its place has ended."""
        ...


@protected
class Cell(Record):
    """A place, and the record of it: it outlives incarnations when it is kept, and its messages with it."""

    __slots__ = (
        "__weakref__",
        "born",
        "broken",
        "exit",
        "forced",
        "host",
        "incarnation",
        "lanes",
        "last",
        "links",
        "mailbox",
        "name",
        "on_gone",
        "on_vacant",
        "over",
        "owner",
        "place",
        "questions",
        "quiet",
        "reason",
        "run",
        "scope",
        "shutdown",
        "task",
        "timer",
        "timers",
        "vacated",
        "waits_for",
        "watchers",
        "watching",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        capacity: int,
        host: Host | None,
        owner: Cell | None,
        *,
        keep: bool = False,
        brutal: bool = False,
    ) -> None:
        super().__init__(owner, keep=keep, brutal=brutal)
        self.name = name
        self.host = host
        self.owner = owner
        # Any: the actor's function and its mailbox; whoever opens a place gives both in one type.
        self.run: Callable[[Any], Awaitable[None]] | None = None
        self.mailbox: Any = None
        self.place: Any = None  # Any: the Place, which is made of this cell
        self.scope: trio.CancelScope | None = None
        self.task: trio.lowlevel.Task | None = None
        self.shutdown = 5.0
        self.exit: Exit | None = None  # known when the place has ended
        self.last: Exit | None = None  # of the last incarnation
        self.incarnation = 0
        self.quiet = False  # the owner sees the end of this incarnation without being told
        self.born = 0.0
        self.reason = ""
        self.broken: Exception | None = None  # a link that broke, and ends it
        self.timer: Timer | None = None  # of the shutdown seconds
        self.forced = False
        self.questions: dict[Reply[Any], None] | None = None
        self.waits_for: Cell | None = None
        self.watchers: dict[Cell, object | None] | None = None
        self.watching: dict[Cell, None] | None = None
        self.links: dict[Cell, None] | None = None
        self.timers: dict[Timer, None] | None = None
        self.over: trio.Event | None = None
        self.vacated: trio.Event | None = None
        self.on_gone: dict[object, Callable[[], None]] | None = None
        self.on_vacant: Callable[[], None] | None = None
        self.lanes = Lanes(capacity, Pace() if host is None else host.pace, keeper=self)

    def set_overflow(self, overflow: Overflow, key: Callable[[Any], object] | None) -> None:
        """What happens at the bound."""
        self.lanes.overflow = overflow
        self.lanes.key = key

    @property
    def path(self) -> str:
        """Names from the runtime down; for people, not unique."""
        names: list[str] = []
        cell: Cell | None = self
        while cell is not None:
            names.append(cell.name)
            cell = cell.owner
        return "/".join(reversed(names))

    @property
    def alive(self) -> bool:
        """Whether a message sent now may still be read."""
        return self.lanes.room >= 0

    def refusal(self) -> ActorGone | MailboxFull:
        """Why a message was not queued."""
        return MailboxFull(self.path, self.lanes.capacity) if self.alive else ActorGone(self.path)

    def lost(self, item: object, why: str) -> None:
        """A message will never be read: its asker is told, else it is a dead letter."""
        message = item
        if type(item) is Envelope:
            message = item.message
            if item.reply is not None:
                if item.reply.is_set:
                    return
                item.reply.close(MailboxFull(self.path, self.lanes.capacity) if self.alive else ActorGone(self.path))
        if self.host is not None:
            self.host.dead_letter(self, message, why)

    def late(self, answer: object) -> None:
        """An answer came after its asker had given up."""
        if self.host is not None:
            self.host.dead_letter(self, answer, "late answer")

    def open_question(self, reply: Reply[Any]) -> None:
        """Remember that an answer is owed. Raises at once when nobody could give it."""
        if self.lanes.room < 0:
            raise ActorGone(self.path)
        if self.state == "vacant":
            raise ActorRestarted(self.path)
        if self.questions is None:
            self.questions = {}
        self.questions[reply] = None
        reply.expect(self)
        if self.host is not None:
            self.host.opened(self, reply)

    def close_question(self, reply: Reply[Any]) -> None:
        """Nobody waits for it any more."""
        if self.questions is not None:
            self.questions.pop(reply, None)
        if self.host is not None:
            self.host.closed(reply)

    def close_alone(self) -> None:
        """End a place that no machinery runs."""
        self.state = "gone"
        self.lanes.close(lambda: ActorGone(self.path))
        self.fail_questions(lambda: ActorGone(self.path))
        self.lanes.end()
        self.tell_gone()

    def tell_gone(self) -> None:
        """Call, once, whoever keeps books about it."""
        hooks, self.on_gone = self.on_gone, None
        for hook in (hooks or {}).values():
            hook()

    def fail_questions(self, error: Callable[[], Exception]) -> None:
        """Whoever waits for an answer of this incarnation is told that none will come."""
        if self.questions:
            for reply in list(self.questions):
                reply.close(error())
            self.lanes.drop_questions()

    def refuse_cycle(self, asker: Cell) -> None:
        """Raise AskCycle when whoever `self` waits for waits, in the end, for `asker`.

        One that can read is not stuck.
        """
        line = [asker]
        cell: Cell | None = self
        while cell is not None and cell.lanes.reader is None:
            line.append(cell)
            if cell is asker:
                raise AskCycle([one.path for one in line])
            cell = cell.waits_for


current: ContextVar[Cell | None] = ContextVar("actors.current", default=None)
"""The actor whose code runs here."""
