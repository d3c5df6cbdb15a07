"""A directory of a thread's own, whose changes are handed in."""

from typing import Never, Protocol

from actors import Mailbox


class Workplace(Protocol):
    """Where a thread works, when that is not where its parent works."""

    async def hand_in(self) -> None:
        """Bring what has changed to the parent, and tell it how that went. Cancelled, it is done all the same."""
        ...

    async def hold(self, mailbox: Mailbox[Never]) -> None:
        """Serve beside the thread's session, and close the directory when stopped, after it."""
        ...
