"""A kept place: what a supervisor is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import trio

from ._cell import Cell, current
from ._exit import Exit
from ._host import Machinery
from ._lanes import Overflow
from ._protection import protected
from ._ref import Ref

M = TypeVar("M")


@protected
class Place(Generic[M]):
    """One child's place, kept over its incarnations by the actor that opened it.

    Messages in the mailbox outlive an incarnation; questions do not. When one ends by itself after it had started,
    its owner gets `Vacated`. Opened with `Mailbox.open_place`.
    """

    __slots__ = ("_cell", "_machinery", "_started", "_waiting", "_when_started", "tag")

    def __init__(self, cell: Cell, machinery: Machinery) -> None:
        self._cell = cell
        self._machinery = machinery
        self._started = False
        self._when_started: Callable[[], None] | None = None
        self._waiting: trio.lowlevel.Task | None = None
        self.tag: Any = None  # Any: whatever the owner wants to find here

    @property
    def ref(self) -> Ref[M]:
        """Its address, the same over all incarnations."""
        return Ref(self._cell)

    @property
    def incarnation(self) -> int:
        """The number of the one that runs or ran last; the first is 1."""
        return self._cell.incarnation

    @property
    def running(self) -> bool:
        """Whether an incarnation runs."""
        return self._cell.state not in ("vacant", "gone")

    @property
    def started(self) -> bool:
        """Whether the incarnation that runs, or ran last, has started."""
        return self._started

    @property
    def born(self) -> float:
        """When the last incarnation began."""
        return self._cell.born

    def start_nowait(self, when_started: Callable[[], None] | None = None) -> None:
        """Begin an incarnation; `when_started` is called once it has started.

        Raises ActorGone when the owner is being stopped.
        """
        self._started = False
        self._when_started = when_started
        self._cell.on_vacant = self._tell
        self._cell.quiet = True
        self._machinery.start(self._cell, self._tell_started)

    async def wait_started(self) -> Exit | None:
        """None once it said that it has started, or looked into its mailbox; its Exit if it ended before that.

        Cancelled: it runs on.
        """
        cell = self._cell
        if not self._started and self.running:
            owner = current.get()
            if owner is not None:
                owner.waits_for = cell
            self._waiting = trio.lowlevel.current_task()
            try:
                await trio.lowlevel.wait_task_rescheduled(self._give_up)
            finally:
                if owner is not None:
                    owner.waits_for = None
        return None if self._started else cell.last

    def announce(self) -> None:
        """Send the owner `Vacated` of an incarnation that ended, in good order, before it had started."""
        self._machinery.announce(self._cell)

    def abandon(self) -> None:
        """End by force a start that takes too long; `wait_started` returns when nothing of it is left."""
        if not self._started and self.running:
            self._machinery.force(self._cell)

    async def vacate(self) -> Exit:
        """Stop the incarnation, and what it owns, as its shutdown seconds say; the place stays.

        Cancelled: the stop goes on.
        """
        cell = self._cell
        cell.quiet = True
        owner = current.get()
        if owner is not None:
            owner.waits_for = cell
        try:
            return await self._machinery.stop(cell, None, "")
        finally:
            if owner is not None:
                owner.waits_for = None

    def change(
        self,
        run: Callable[[Any], Awaitable[None]],
        *,
        capacity: int,
        shutdown: float,
        overflow: Overflow,
        key: Callable[[M], object] | None,
        redeliver: bool,
    ) -> None:
        """Take another function from the next incarnation on, and the rest, as of `Mailbox.open_place`, at once.

        Among what its owner owns the place is the last started now.
        """
        cell = self._cell
        cell.run, cell.shutdown, cell.brutal = run, shutdown, shutdown == 0
        cell.set_overflow(overflow, key)
        cell.lanes.redeliver = redeliver
        cell.lanes.resize(capacity)
        cell.move_last()

    def remove(self) -> None:
        """Give the vacant place up: its messages become dead letters, its watchers get Down."""
        self._machinery.remove(self._cell)

    def _tell_started(self) -> None:
        self._started = True
        self._cell.on_vacant = None
        self._cell.quiet = False
        told, self._when_started = self._when_started, None
        if told is not None:
            told()
        self._tell()

    def _tell(self) -> None:
        task, self._waiting = self._waiting, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    def _give_up(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._waiting = None
        return trio.lowlevel.Abort.SUCCEEDED
