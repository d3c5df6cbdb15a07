"""HTTP/1.1 as the scripted server needs it: requests in, bytes out, and the ways to break off.

Written by hand on the socket, because a script asks for what libraries hide: how many events go into one write, and a
connection reset at a given byte.
"""

import fcntl
import os
import socket
import struct
import termios
import time
import zlib

import attrs
import trio

_MAX_HEAD = 256 * 1024
_MAX_BODY = 256 * 1024 * 1024
_READ_SIZE = 256 * 1024
_SENDS_PER_CHECKPOINT = 32
_RESET_LINGER = struct.pack("ii", 1, 0)
_TAKEN_IN_SECONDS = 1.0

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class BadHttp(Exception):
    """The client's bytes are no request that this server takes; the connection is closed after the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class ClientGone(Exception):
    """The client closed or reset the connection."""


@attrs.frozen
class HttpRequest:
    """A whole request; names of headers in lower case; `arrived` by the monotonic clock, when its first byte came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    arrived: float
    keep_alive: bool

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


def response_head(status: int, headers: dict[str, str]) -> bytes:
    """The status line and the headers."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def chunk(data: bytes) -> bytes:
    """The data as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Connection:
    """One client's connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._fd = stream.socket.fileno()
        self._buffer = b""
        self._sends = 0
        self._arrived = 0.0
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def next_request(self) -> HttpRequest | None:
        """The next request; None when the client closed between two.

        Cancel-safe only in that the connection is then to be closed.

        Raises:
          BadHttp: this is no request, or too large.
          ClientGone: the client closed in the middle of one.
        """
        self._arrived = time.monotonic() if self._buffer else 0.0
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise BadHttp(413, f"the request's head is larger than {_MAX_HEAD} bytes")
            if not await self._read():
                if self._buffer:
                    raise ClientGone
                return None
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        method, target, version, headers = _parse_head(head)
        body = await self._body(headers)
        keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return HttpRequest(method, target, headers, _decoded(body, headers), self._arrived, keep_alive)

    async def _read(self) -> bool:
        try:
            data = await self._stream.receive_some(_READ_SIZE)
        except trio.BrokenResourceError:
            raise ClientGone from None
        if not self._buffer and not self._arrived:
            self._arrived = time.monotonic()
        self._buffer += data
        return bool(data)

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "100-continue" in headers.get("expect", "").lower():
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return await self._chunked_body()
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            raise BadHttp(400, f"content-length {headers['content-length']!r} is no number") from None
        return await self._take(length)

    async def _chunked_body(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while True:
            line = await self._line()
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError:
                raise BadHttp(400, f"a chunk's size is no number: {line[:20]!r}") from None
            if size == 0:
                while await self._line():
                    pass
                return b"".join(parts)
            total += size
            if total > _MAX_BODY:
                raise BadHttp(413, f"the request's body is larger than {_MAX_BODY} bytes")
            parts.append((await self._take(size + 2))[:-2])

    async def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise BadHttp(400, "a line without an end")
            if not await self._read():
                raise ClientGone
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    async def _take(self, count: int) -> bytes:
        if not 0 <= count <= _MAX_BODY:
            raise BadHttp(413, f"the request's body of {count} bytes is larger than {_MAX_BODY} bytes")
        parts, got = [self._buffer], len(self._buffer)
        while got < count:
            # Joined once at the end: a body of 100 MB is not copied for every piece of it.
            self._buffer = b""
            if not await self._read():
                raise ClientGone
            parts.append(self._buffer)
            got += len(self._buffer)
        data = b"".join(parts)
        self._buffer = data[count:]
        return data[:count]

    async def send(self, data: bytes) -> None:
        """Send all of the data in one write where the kernel takes it.

        Checkpoint: when the kernel takes no more, and now and then. Cancelling may leave a part sent.

        Raises:
          ClientGone: nobody listens any more.
        """
        self._sends += 1
        if self._sends % _SENDS_PER_CHECKPOINT == 0:
            await trio.lowlevel.checkpoint()
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._fd)
            except OSError as err:
                raise ClientGone from err

    async def pause(self, seconds: float) -> None:
        """Wait; a client that leaves meanwhile ends it.

        Checkpoint: always. Cancel-safe.

        Raises:
          ClientGone: the client closed the connection.
        """
        deadline = trio.current_time() + seconds
        with trio.move_on_at(deadline):
            try:
                data = await self._stream.socket.recv(1, socket.MSG_PEEK)
            except OSError as err:
                raise ClientGone from err
            if not data:
                raise ClientGone
        # Bytes came (a request sent ahead): they wait for their turn.
        await trio.sleep_until(deadline)

    async def reset(self) -> None:
        """Reset the connection, after what was sent has reached the client's kernel.

        Cancel-safe: the connection is then closed in the ordinary way by its owner.
        """
        with trio.move_on_after(_TAKEN_IN_SECONDS):
            while _unsent(self._fd):  # noqa: ASYNC110  the kernel tells nobody when its queue is empty
                await trio.sleep(0.001)
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_LINGER)
        self._stream.socket.close()


def _unsent(fd: int) -> int:
    """Bytes that the peer's kernel has not acknowledged yet."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"))[0])


def _parse_head(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadHttp(400, f"this server speaks HTTP/1.1; got {first[:60]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadHttp(400, f"a header without a colon: {line[:60]!r}")
        name = name.strip().lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return words[0], words[1], words[2], headers


def _decoded(body: bytes, headers: dict[str, str]) -> bytes:
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding in ("identity", ""):
        return body
    if encoding in ("gzip", "deflate"):
        try:
            decompressor = zlib.decompressobj(wbits=47 if encoding == "gzip" else 15)
            plain = decompressor.decompress(body, _MAX_BODY)
        except zlib.error as err:
            raise BadHttp(400, f"the body is not {encoding}: {err}") from err
        if decompressor.unconsumed_tail:
            raise BadHttp(413, f"the request's body is larger than {_MAX_BODY} bytes")
        return plain
    raise BadHttp(415, f"content-encoding {encoding!r} is not understood; send the body as it is")
