"""The answer to a question, and the wait for it."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar, cast

import trio

from ._errors import AlreadyAnswered
from ._protection import protected

T = TypeVar("T")

_OPEN, _SET, _FAILED, _GIVEN_UP, _CLOSED = range(5)


class Late(Protocol):
    """Who is told of answers that come too late."""

    def late(self, answer: object) -> None:
        """Nobody waits for this any more."""
        ...


@protected
class Reply(Generic[T]):
    """Carried by a question as its last field; whoever handles the question answers it once.

    A late answer, to somebody who no longer waits, is a dead letter and not an error.
    """

    __slots__ = ("__weakref__", "_late", "_state", "_task", "_value")

    def __init__(self) -> None:
        self._state = _OPEN
        self._value: Any = None  # Any: the answer or the error, told apart by _state
        self._task: trio.lowlevel.Task | None = None
        self._late: Late | None = None

    def __repr__(self) -> str:
        return f"<Reply {('open', 'set', 'failed', 'given up', 'closed')[self._state]}>"

    @property
    def is_set(self) -> bool:
        """Whether an answer would come too late: it was given, or nobody waits any more."""
        return self._state != _OPEN

    def set(self, value: T) -> None:
        """Give the answer. Raises AlreadyAnswered on the second one."""
        if self._state == _OPEN:
            self._settle(_SET, value)
        else:
            self._refuse(value)

    def fail(self, error: Exception) -> None:
        """Let the ask raise `error`. Raises AlreadyAnswered on the second answer."""
        if self._state == _OPEN:
            self._settle(_FAILED, error)
        else:
            self._refuse(error)

    def _refuse(self, value: object) -> None:
        if self._state in (_SET, _FAILED):
            raise AlreadyAnswered
        if self._late is not None:
            self._late.late(value)

    def expect(self, late: Late) -> None:
        """A question was sent with it: `late` is told of answers nobody waits for."""
        self._late = late

    def _settle(self, state: int, value: object) -> None:
        self._state = state
        self._value = value
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    def close(self, error: Exception) -> None:
        """Fail it from outside (the actor ended, the time is over); an answer that comes later is a dead letter."""
        if self._state == _OPEN:
            self._settle(_CLOSED, error)

    async def wait(self) -> T:
        """The answer. Cancelled:

        gives the question up; one not yet taken is withdrawn. Checkpoint: unless answered already.
        """
        if self._state == _OPEN:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._give_up)
        if self._state == _SET:
            return cast("T", self._value)
        error, self._value = self._value, None
        try:
            raise error
        finally:
            del error

    def _give_up(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        self._state = _GIVEN_UP
        return trio.lowlevel.Abort.SUCCEEDED
