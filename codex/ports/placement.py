"""Where an agent runs: in this process, or at a worker, which is reached by frames of bytes.

A worker of ours is a process on this machine. Another kind, on a cluster say, implements `Workers` and nothing else:
the main process keeps the tree of agents, its accounts and its letters, and a worker has exactly one thread.
"""

from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, TypeAlias

from codex.base.errors import CodexError

Placement: TypeAlias = Literal["here", "worker"]


class WorkerLost(CodexError):
    """A worker has ended, was killed, or is not heard of any more; the text says which."""


class Link(Protocol):
    """The way to one worker. One task sends, one receives."""

    async def send(self, frame: bytes) -> None:
        """Bring a frame there, all of it. Cancelled: the link is of no more use. Raises: WorkerLost."""
        ...

    async def receive(self) -> bytes | None:
        """The next frame; None once the worker is gone. Cancel-safe: none is lost. Raises: WorkerLost."""
        ...

    def kill(self) -> None:
        """End the worker by force, with all that it has started; twice does no harm."""
        ...

    async def ended(self) -> str:
        """Wait until it is gone; how it ended, in words, and empty where it ended well. Cancel-safe."""
        ...


class Workers(Protocol):
    """Gives out workers."""

    def open(self) -> AbstractAsyncContextManager[Link]:
        """A new worker; leaving the block ends it by force where it is still there, and returns when it is gone.

        Raises: WorkerLost where none can be started.
        """
        ...
