"""Stdin and stdout, one message a line: how SDKs and editors start us."""

import os
import stat
from collections.abc import Sequence

import trio

from codex.app_server.transports.transport import MessageTooLarge

MAX_MESSAGE_BYTES = 64 * 1_048_576
_CHUNK = 65_536
_CLOSE_WITHIN = 1.0


class StdioTransport:
    """Two descriptors, which are ours from now on and closed by `aclose`. Implements `Transport`.

    Args:
      unread: what was read from the first one already.
    """

    def __init__(self, reading: int, writing: int, *, max_bytes: int = MAX_MESSAGE_BYTES, unread: bytes = b"") -> None:
        self._reading = _open(reading)
        self._writing = _open(writing)
        self._max_bytes = max_bytes
        self._buffer = bytearray(unread)
        self._searched = 0
        self._skipping = False
        self._ended = False

    async def receive(self) -> bytes | None:
        """The next line that is not empty; what comes behind the last line end counts too.

        Cancel-safe: nothing is lost.

        Raises:
          MessageTooLarge: a line was over the bound, and is skipped.
        """
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._searched = 0
                if self._skipping:
                    self._skipping = False
                elif line := line.strip():
                    return line
                continue
            if self._ended:
                rest, self._skipping = bytes(self._buffer).strip() if not self._skipping else b"", False
                self._buffer.clear()
                return rest or None
            self._searched = len(self._buffer)
            if self._searched > self._max_bytes:
                self._buffer.clear()
                self._searched, was_skipping, self._skipping = 0, self._skipping, True
                if not was_skipping:
                    raise MessageTooLarge(self._max_bytes)
            await self._read()

    async def _read(self) -> None:
        try:
            chunk = await self._reading.receive_some(_CHUNK)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            chunk = b""
        self._ended = not chunk
        self._buffer += chunk

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write each message as a line, all in one write. Cancelled, a part of them may be written."""
        await self._writing.send_all(b"\n".join((*messages, b"")))

    async def aclose(self, *, cut_off: str = "") -> None:
        """Close both; nothing can be told. Bounded; twice does no harm."""
        del cut_off
        with trio.move_on_after(_CLOSE_WITHIN, shield=True):
            await self._reading.aclose()
            await self._writing.aclose()


class _FileStream:
    """A regular file, which no event loop can wait for: its reads and writes return at once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._is_open = True

    async def receive_some(self, max_bytes: int) -> bytes:
        """The next bytes; none at its end."""
        await trio.lowlevel.checkpoint()
        if not self._is_open:
            raise trio.ClosedResourceError
        return os.read(self._fd, max_bytes)

    async def send_all(self, data: bytes) -> None:
        """Write everything."""
        await trio.lowlevel.checkpoint()
        if not self._is_open:
            raise trio.ClosedResourceError
        while data:
            data = data[os.write(self._fd, data) :]

    async def aclose(self) -> None:
        """Close it."""
        if self._is_open:
            self._is_open = False
            os.close(self._fd)
        await trio.lowlevel.checkpoint()


def _open(fd: int) -> "trio.lowlevel.FdStream | _FileStream":
    return _FileStream(fd) if stat.S_ISREG(os.fstat(fd).st_mode) else trio.lowlevel.FdStream(fd)
