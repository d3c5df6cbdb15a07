"""The moments in which agents change their state, for those that wait for one of these agents."""

from collections.abc import Collection

import trio


class Changes:
    """Wakes who waits for an agent, and nobody else: a thousand waits cost as much as there are changes."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[trio.Event]] = {}

    def tell(self, agent_id: str) -> None:
        """The agent's state has changed."""
        for event in self._waiting.pop(agent_id, ()):
            event.set()

    async def wait(self, agent_ids: Collection[str]) -> None:
        """Wait for the next change of one of these. Cancel-safe."""
        event = trio.Event()
        for agent_id in agent_ids:
            self._waiting.setdefault(agent_id, set()).add(event)
        try:
            await event.wait()
        finally:
            for agent_id in agent_ids:
                waiting = self._waiting.get(agent_id, set())
                waiting.discard(event)
                if not waiting:
                    self._waiting.pop(agent_id, None)
