"""The moment of the next change of any agent's state, for all that wait for one."""

import trio


class Changes:
    """An event that is renewed: whoever looked before a change is woken by it."""

    def __init__(self) -> None:
        self.next = trio.Event()

    def tell(self) -> None:
        """Something has changed."""
        told, self.next = self.next, trio.Event()
        told.set()

    async def wait(self) -> None:
        """Wait for the next change. Cancel-safe."""
        await self.next.wait()
