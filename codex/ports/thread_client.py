"""A thread, as a front-end sees it: operations go in, events come out.

The engine offers it in this process; a client of a server elsewhere can offer the same.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from codex.protocol.event import Event
from codex.protocol.op import Op


class ThreadClient(Protocol):
    """One thread."""

    @property
    def thread_id(self) -> str:
        """The thread's UUID."""
        ...

    async def submit(self, op: Op) -> str:
        """Hand an operation to the thread; its id comes back when the thread has taken it.

        Cancel-safe: cancelled, the operation was not taken.
        """
        ...

    def open_events(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """All events from now on, none lost, in the thread's order; ends after `ShutdownComplete`."""
        ...
