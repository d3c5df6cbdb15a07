"""What a connection needs of the wire below it."""

from collections.abc import Sequence
from typing import Protocol


class Transport(Protocol):
    """One client's wire. A message is the text of one JSON value, without line end; the wire frames it.

    One task receives and one task sends; `aclose` may come from a third and ends both.
    """

    async def receive(self) -> bytes | str | None:
        """The next message; None once the client is gone. Cancel-safe.

        Raises:
          MessageTooLarge: the next message is over the bound; it was skipped, the ones behind it can be read.
        """
        ...

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write messages, each framed for itself; they may go out in one write. Cancelled: a part may be written.

        Raises:
          trio.BrokenResourceError, trio.ClosedResourceError: the client is gone.
        """
        ...

    async def aclose(self, *, cut_off: str = "") -> None:
        """End the connection. Bounded and shielded; twice does no harm.

        Args:
          cut_off: why the client is given up; told to it where the wire has a way to.
        """
        ...


class MessageTooLarge(Exception):
    """A message is larger than the wire takes; nothing of it was kept."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"a message may have at most {max_bytes:,} bytes")
        self.max_bytes = max_bytes
