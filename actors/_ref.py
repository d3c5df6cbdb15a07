"""How one reaches an actor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs
import trio

from ._cell import Cell, Host, current
from ._errors import AskTimeout, MailboxFull
from ._exit import Exit
from ._lanes import PACE, Envelope, request
from ._protection import protected
from ._reply import Reply

M_contra = TypeVar("M_contra", contravariant=True)
T = TypeVar("T")


@protected
class Ref(Generic[M_contra]):
    """The address of an actor's place: it holds over restarts, and after the end it says so.

    Two refs are equal when they address the same place.

        await ref.send(Store("a", 1))
        value = await ref.ask(partial(Lookup, "a"))
    """

    __slots__ = ("__weakref__", "_cell")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def __repr__(self) -> str:
        return f"<Ref {self.path}{'' if self.alive else ' (ended)'}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self._cell is other._cell

    def __hash__(self) -> int:
        return hash(self._cell)

    @property
    def name(self) -> str:
        """The name it was spawned with; not unique."""
        return self._cell.name

    @property
    def path(self) -> str:
        """Its owners' names and its own, for people."""
        return self._cell.path

    @property
    def alive(self) -> bool:
        """Whether a message sent now may still be read."""
        return self._cell.alive

    async def send(self, message: M_contra) -> None:
        """Queue a message, waiting for room.

        Order: messages of one sender to one actor are read in the order sent. Cancelled: the message was not queued.
        Checkpoint: when the mailbox is full, and at least every 64 messages of the runtime; not at every call.

        Raises:
          ActorGone: it has ended, or was asked to.
          MailboxFull: there is no room and its mailbox's policy is to fail.
        """
        cell = self._cell
        lanes = cell.lanes
        pace = lanes.pace
        pace.left -= 1
        if pace.left < 0:
            await trio.lowlevel.checkpoint()
            pace.left = PACE
        context = request.get()
        item = message if context is None else Envelope(message, None, context)
        if not lanes.put_nowait(item):
            if lanes.room < 0 or lanes.overflow == "fail":
                raise cell.refusal()
            await lanes.wait_room(item)

    def send_nowait(self, message: M_contra, *, control: bool = False) -> None:
        """Queue a message now, or raise MailboxFull or ActorGone. A control message overtakes all others."""
        cell = self._cell
        lanes = cell.lanes
        context = request.get()
        item = message if context is None else Envelope(message, None, context)
        if control:
            if lanes.room < 0:
                raise cell.refusal()
            if lanes.control is not None and len(lanes.control) >= lanes.capacity:
                raise MailboxFull(cell.path, lanes.capacity)
            lanes.put_control(item)
        elif not lanes.put_nowait(item):
            raise cell.refusal()

    async def ask(self, question: Callable[[Reply[T]], M_contra]) -> T:
        """Send a question and wait for its answer: `question` is called with a new Reply.

        Always comes back. Cancelled: the question is withdrawn if it was not read yet. Checkpoint: always.

        Raises:
          ActorGone: it has ended, was asked to, or did before it answered.
          ActorRestarted: the incarnation that was to answer is gone, or none runs now.
          AskTimeout: the runtime's limit is over; shorten it with a cancel scope of your own.
          AskCycle: it waits, directly or not, for the actor that asks.
          Exception: whatever the actor answered with `reply.fail`.
        """
        cell = self._cell
        lanes = cell.lanes
        reply: Reply[T] = Reply()
        item = Envelope(question(reply), reply, request.get())
        asker = current.get()
        if asker is not None:
            if asker.task is not trio.lowlevel.current_task():
                asker = None  # a task beside its reader: the actor itself goes on reading
            else:
                cell.refuse_cycle(asker)
        cell.open_question(reply)
        if asker is not None:
            asker.waits_for = cell
        try:
            if not lanes.put_nowait(item):
                await self._put_question(item)
            return await reply.wait()
        finally:
            cell.close_question(reply)
            if asker is not None:
                asker.waits_for = None

    async def _put_question(self, item: Envelope) -> None:
        cell = self._cell
        if cell.lanes.room < 0 or cell.lanes.overflow == "fail":
            raise cell.refusal()
        limit = cell.host.ask_timeout if cell.host is not None else float("inf")
        with trio.move_on_after(limit):
            await cell.lanes.wait_room(item)
            return
        raise AskTimeout(cell.path, limit)

    async def stop(self, *, within: float | None = None, reason: str = "") -> Exit:
        """Stop it and everything it owns, children first; return when nothing of them is left.

        Each is asked politely and cancelled after its own shutdown seconds; `within` seconds from now, all that is
        left is cancelled at once. An actor that has ended: its Exit, at once. Cancelled: the stop goes on.
        """
        return await _host(self._cell).stop(self._cell, within, reason)

    def stop_nowait(self, *, reason: str = "") -> None:
        """Begin to stop it, without waiting; an actor may stop itself or its owner this way."""
        _host(self._cell).stop_nowait(self._cell, reason)

    async def wait(self) -> Exit:
        """How its place ended, once it and everything it owned are gone. Cancelled: changes nothing."""
        return await _host(self._cell).wait(self._cell)


def _host(cell: Cell) -> Host:
    if cell.host is None:
        raise RuntimeError(f"mailbox {cell.name!r} stands alone: no runtime runs an actor behind it")
    return cell.host


@attrs.frozen
class Down:
    """Comes once to a watcher when a place has ended, also when it had ended before."""

    ref: Ref[Any]
    exit: Exit


@attrs.frozen
class Vacated:
    """Comes to the owner of a kept place when an incarnation has ended by itself; the owner starts another or
    closes the place."""

    ref: Ref[Any]
    exit: Exit
    incarnation: int
