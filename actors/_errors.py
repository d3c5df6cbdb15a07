"""What can go wrong between actors.

    ActorsError
    ├─ ActorGone          the actor has ended, or was asked to: nobody will read this
    ├─ ActorRestarted     the question was in the hands of an incarnation that ended; ask again if that is safe
    ├─ AskTimeout         no answer within the runtime's limit
    ├─ AskCycle           waiting for this answer would close a circle of waiting actors
    ├─ MailboxFull        no room, and the caller or the mailbox does not wait
    ├─ AlreadyAnswered    one question, two answers
    ├─ LinkBroken         an actor it is linked to ended
    ├─ StopsItself        an actor waits for its own end
    └─ NameTaken          a registry holds a living actor under this name

`Shutdown` stands beside them: it is raised by an actor to end itself as if it had been asked to.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._exit import Exit


class ActorsError(Exception):
    """Root of the errors of `actors`."""


class ActorGone(ActorsError):
    """The actor has ended, or has been asked to; the message was not delivered or will not be answered."""

    def __init__(self, path: str) -> None:
        super().__init__(f"actor {path!r} has ended or is stopping; watch its ref to learn of its end in time")
        self.path = path


class ActorRestarted(ActorsError):
    """The incarnation that was to answer has ended; its place lives on. The question may have been half handled."""

    def __init__(self, path: str) -> None:
        super().__init__(f"actor {path!r} is between two incarnations; ask again if asking twice is safe")
        self.path = path


class AskTimeout(ActorsError):
    """No answer came within the runtime's limit. A late answer becomes a dead letter."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__(
            f"actor {path!r} gave no answer within {seconds:g} s; see Runtime.picture() for who waits for whom"
        )
        self.path, self.seconds = path, seconds


class AskCycle(ActorsError):
    """The ask was refused: everyone on `paths` waits for the next, and the last for the first."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(
            f"this ask would wait for ever: {' -> '.join(paths)}; send instead, or ask from a task beside the loop"
        )
        self.paths = tuple(paths)


class MailboxFull(ActorsError):
    """The mailbox has no room and the message was not delivered."""

    def __init__(self, path: str, capacity: int) -> None:
        super().__init__(f"the mailbox of {path!r} is full ({capacity} messages); await send() waits for room")
        self.path, self.capacity = path, capacity


class AlreadyAnswered(ActorsError):
    """A reply was set or failed twice."""

    def __init__(self) -> None:
        super().__init__("this question was answered before; each Reply takes one answer")


class LinkBroken(ActorsError):
    """The actor was ended because one it is linked to ended; `exit` says how."""

    def __init__(self, path: str, exit: Exit) -> None:
        super().__init__(f"the linked actor {path!r} ended: {exit.kind}")
        self.path, self.exit = path, exit


class StopsItself(ActorsError):
    """An actor waited for its own end, or for the end of an owner of its own."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path!r} waits for its own end; return from run(), or call stop_nowait()")
        self.path = path


class NameTaken(ActorsError):
    """The registry holds another living actor under this name."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(f"the name {name!r} belongs to {path!r}, which is alive; unregister it first")
        self.name, self.path = name, path


class Shutdown(Exception):
    """Raise it in an actor to end it as `shutdown` instead of `normal`, with a reason."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
