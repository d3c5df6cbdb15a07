"""Turns that wait in a thread for the running one to end.  Pure.

Law: what was added is taken once, or deleted; what is taken comes in the order shown.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

import attrs

from codex.base.errors import UserError

T = TypeVar("T")
MAX_WAITING = 1_000


class QueueRefused(UserError):
    """The queue cannot be changed so."""


@attrs.frozen
class Waiting(Generic[T]):
    """One turn that waits."""

    id: str
    what: T


class TurnQueue(Generic[T]):
    """The turns that wait, in their order."""

    def __init__(self, waiting: Sequence[Waiting[T]] = ()) -> None:
        self._waiting = list(waiting)

    @property
    def waiting(self) -> tuple[Waiting[T], ...]:
        """All that wait, the next one first."""
        return tuple(self._waiting)

    def add(self, one: Waiting[T]) -> None:
        """Let a turn wait behind the others.

        Raises:
          QueueRefused: too many wait, or its id is known.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise QueueRefused(f"{MAX_WAITING} turns wait already; delete one first")
        if self._find(one.id) is not None:
            raise QueueRefused(f"queued submission exists: {one.id}")
        self._waiting.append(one)

    def update(self, wanted: str, what: T) -> Waiting[T]:
        """Change one in its place.

        Raises:
          QueueRefused: there is none of this id.
        """
        place = self._place(wanted)
        self._waiting[place] = Waiting(wanted, what)
        return self._waiting[place]

    def delete(self, wanted: str) -> bool:
        """Let one wait no more; whether it was there."""
        place = self._find(wanted)
        if place is not None:
            del self._waiting[place]
        return place is not None

    def reorder(self, ids: Sequence[str]) -> None:
        """Give them another order.

        Raises:
          QueueRefused: not exactly those that wait are named, once each.
        """
        known = {one.id: one for one in self._waiting}
        if len(ids) != len(known) or set(ids) != known.keys():
            raise QueueRefused("queue reorder must include every queued submission exactly once")
        self._waiting = [known[wanted] for wanted in ids]

    def take(self, wanted: str | None = None) -> Waiting[T]:
        """The one of this id, or the next one; it waits no more.

        Raises:
          QueueRefused: there is none.
        """
        if not self._waiting and wanted is None:
            raise QueueRefused("queue is empty")
        return self._waiting.pop(0 if wanted is None else self._place(wanted))

    def put_back(self, one: Waiting[T]) -> None:
        """Its turn could not begin: it is the next one."""
        self._waiting.insert(0, one)

    def _find(self, wanted: str) -> int | None:
        return next((place for place, one in enumerate(self._waiting) if one.id == wanted), None)

    def _place(self, wanted: str) -> int:
        place = self._find(wanted)
        if place is None:
            raise QueueRefused(f"queued submission not found: {wanted}")
        return place
