"""Places for agents at work: taken at once, or waited for in the order of asking."""

import trio

from codex.agents.queue import PlaceQueue, Waiter
from codex.agents.registry import Registry


class Admission:
    """Takes places of the registry, and hands out what becomes free."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._queue = PlaceQueue()

    async def reserve(self, parent_id: str, *, queue: bool) -> None:
        """Take a place below a parent, or wait for one. Cancel-safe: none is taken then.

        Raises: AgentFailure where there is none, or never will be one.
        """
        if not queue:
            self._registry.reserve(parent_id)
            return
        if not self._queue and self._registry.reserve_if_free(parent_id):
            return
        ready = trio.Event()
        waiter = Waiter(parent_id, ready.set)
        self._queue.join(waiter, self._registry.working)
        try:
            await ready.wait()
        except trio.Cancelled:
            self._queue.leave(waiter)
            if waiter.granted:
                self.release(parent_id)
            raise
        if waiter.failure is not None:
            raise waiter.failure

    def release(self, parent_id: str) -> None:
        """Give a reserved place back."""
        self._registry.release(parent_id)
        self.hand_out()

    def hand_out(self) -> None:
        """Places may have become free: give them to those that wait."""
        self._queue.grant(self._registry.reserve_if_free)
