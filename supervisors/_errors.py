"""What a supervisor refuses, and why.

SupervisorError
├─ BadSpec            a field of a spec cannot work; nothing was started
├─ StartFailed        a child ended before it had started
├─ ChildNotFound      no child has this id
├─ ChildRunning       it runs: terminate it first
├─ ChildRestarting    it waits for its next start
├─ AlreadyStarted     a running child has this id; `ref` is its address
└─ AlreadyPresent     a stopped child has this id: restart or delete it
"""

from __future__ import annotations

from typing import Any

from actors import Exit, Ref


class SupervisorError(Exception):
    """Root of the errors of `supervisors`."""


class Ignore(Exception):
    """A child raises it before it has started to say that it is not needed now:

    its spec stays (a temporary one's goes).
    """


class BadSpec(SupervisorError):
    """A field of a spec cannot work."""

    def __init__(self, path: str, field: str, value: object, expected: str) -> None:
        super().__init__(f"{path}: {field} is {value!r}; expected {expected}")
        self.path, self.field, self.value, self.expected = path, field, value, expected


class StartFailed(SupervisorError):
    """A child ended, or was silent too long, before it had started. `__cause__` is what it raised."""

    def __init__(self, id: str, exit: Exit | None) -> None:
        how = "did not say it had started in time" if exit is None else f"ended before it had started: {exit.kind}"
        super().__init__(f"child {id!r} {how}{'' if exit is None or exit.error is None else f' ({exit.error!r})'}")
        self.id, self.exit = id, exit
        if exit is not None:
            self.__cause__ = exit.error


class ChildNotFound(SupervisorError):
    """The supervisor has no such child."""

    def __init__(self, id: str) -> None:
        super().__init__(f"no child {id!r}; which_children() lists them")
        self.id = id


class ChildRunning(SupervisorError):
    """The child runs."""

    def __init__(self, id: str) -> None:
        super().__init__(f"child {id!r} is running; terminate it first")
        self.id = id


class ChildRestarting(SupervisorError):
    """The child waits for its next start."""

    def __init__(self, id: str) -> None:
        super().__init__(f"child {id!r} is about to be restarted; terminate it first")
        self.id = id


class AlreadyStarted(SupervisorError):
    """A running child has this id."""

    def __init__(self, id: str, ref: Ref[Any]) -> None:
        super().__init__(f"child {id!r} is already started")
        self.id, self.ref = id, ref


class AlreadyPresent(SupervisorError):
    """A stopped child has this id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"child {id!r} is present and stopped; restart or delete it")
        self.id = id
