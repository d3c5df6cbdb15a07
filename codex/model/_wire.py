"""HTTP/1.1 to one server: pooled connections on Trio, h11 for the grammar, nothing else.

Small because it must be there before the first byte leaves: httpx2 and httpcore2 would take 40 ms to import. Requests
are whole bodies, answers are read as they come. Proxies are left to httpx2 (`_httpx`).

Invariant: a connection is idle in the pool, or in the hands of one answer, or closed.
"""

import ssl
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import h11
import trio

CONNECT_SECONDS = 15.0
KEEP_ALIVE_SECONDS = 90.0
MAX_IDLE_CONNECTIONS = 64

_READ_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 100 * 1024


class WireError(Exception):
    """No whole answer came; the cause tells why."""


class Body(Protocol):
    """The bytes of an answer as they come. Closing it early closes the connection."""

    def __aiter__(self) -> "Body": ...

    async def __anext__(self) -> bytes:
        """More bytes, never none. Cancel-safe: close it then, as always.

        Raises:
          WireError: the connection broke, or what came is no HTTP.
        """
        ...

    async def aclose(self) -> None:
        """Nobody reads on. Cancelling does not keep it from closing."""
        ...


class Answer:
    """Status and headers of an answer, its body still to come. Header names are in lower case.

    `is_decoded`: the body was unpacked already, whatever the headers say.
    """

    def __init__(
        self, status: int, reason: str, headers: Mapping[str, str], body: Body, *, is_decoded: bool = False
    ) -> None:
        self.is_decoded = is_decoded
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body


class Pool:
    """Connections to the server of one URL.

    Args:
      tls: gives the context for `https`; called at the first connection.
    """

    def __init__(self, url: str, tls: Callable[[], ssl.SSLContext] | None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = tls if parts.scheme == "https" else None
        self._host_header = parts.netloc.rpartition("@")[2]
        self._target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        self._idle: list[_Connection] = []

    async def post(self, headers: Mapping[str, str], content: bytes) -> Answer:
        """Send one request and wait for the head of its answer. Cancelling closes the connection.

        Args:
          headers: names in lower case, values in printable ASCII.

        Raises:
          WireError: nothing answered.
        """
        sent = {"host": self._host_header, "connection": "keep-alive", **headers, "content-length": str(len(content))}
        connection = await self._take()
        try:
            return await connection.exchange("POST", self._target, list(sent.items()), content)
        except BaseException:
            with trio.move_on_after(1, shield=True):
                await connection.close()
            raise

    async def aclose(self) -> None:
        """Close the idle connections; those in use close with their answers."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def _take(self) -> "_Connection":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable():
                return connection
            await connection.close()
        return _Connection(await self._connect(), self._give_back)

    def _give_back(self, connection: "_Connection") -> bool:
        if len(self._idle) >= MAX_IDLE_CONNECTIONS:
            return False
        self._idle.append(connection)
        return True

    async def _connect(self) -> "trio.SocketStream | trio.SSLStream[trio.SocketStream]":
        context = self._tls() if self._tls is not None else None
        with trio.move_on_after(CONNECT_SECONDS):
            try:
                stream = await trio.open_tcp_stream(self._host, self._port)
                return stream if context is None else await _with_tls(stream, context, self._host)
            except (OSError, trio.BrokenResourceError) as error:
                raise WireError(str(error)) from error
        raise WireError(f"no connection to {self._host_header} within {CONNECT_SECONDS:g} s")


async def _with_tls(
    stream: trio.SocketStream, context: ssl.SSLContext, host: str
) -> "trio.SSLStream[trio.SocketStream]":
    secured = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    try:
        await secured.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secured


class _Connection:
    """One connection and its place in the HTTP conversation."""

    def __init__(
        self,
        stream: "trio.SocketStream | trio.SSLStream[trio.SocketStream]",
        give_back: "Callable[[_Connection], bool]",
    ) -> None:
        self._stream = stream
        self._give_back = give_back
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._idle_since = 0.0
        self._broken = False

    async def exchange(self, method: str, target: str, headers: list[tuple[str, str]], content: bytes) -> Answer:
        """Send a request and read the head of the answer."""
        http = self._http
        request = h11.Request(method=method, target=target, headers=headers)
        pieces = (http.send(request), http.send(h11.Data(content)), http.send(h11.EndOfMessage()))
        try:
            await self._stream.send_all(b"".join(piece for piece in pieces if piece))
        except (trio.BrokenResourceError, OSError):
            # A server may refuse, and hang up, before it has read all: its answer may still be there.
            self._broken = True
        while True:
            event = await self.next_event()
            if isinstance(event, h11.Response):
                head = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
                reason = event.reason.decode("latin-1")
                return Answer(event.status_code, reason, head, _WireBody(self))
            if not isinstance(event, h11.InformationalResponse):
                raise WireError("the server sent no answer")

    async def next_event(self) -> object:
        """The next thing the server said.

        Raises:
          WireError: the connection broke, or what came is no HTTP.
        """
        while True:
            event = self.event_at_hand()
            if event is not h11.NEED_DATA:
                return event
            await self.receive()

    def event_at_hand(self) -> object:
        """The next thing in what was received already; `NEED_DATA` when there is none."""
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise WireError(str(error)) from error

    async def receive(self) -> None:
        """Wait for more bytes."""
        try:
            data = await self._stream.receive_some(_READ_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise WireError(str(error) or type(error).__name__) from error
        if not data and self._http.their_state is h11.SEND_RESPONSE:
            raise WireError("the server closed the connection without an answer")
        self._http.receive_data(bytes(data))

    async def done(self) -> None:
        """The answer was read to its end: the connection may serve again."""
        if not self._broken and self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._idle_since = trio.current_time()
            if self._give_back(self):
                return
        await self.close()

    def is_usable(self) -> bool:
        """Whether an idle connection is young and still open: a readable one is closing, or out of step."""
        if trio.current_time() - self._idle_since > KEEP_ALIVE_SECONDS:
            return False
        stream = self._stream
        plain = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        return not plain.socket.is_readable()

    async def close(self) -> None:
        """Close at once, without a goodbye; also when we are being cancelled."""
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self._stream)


class _WireBody:
    """The body of an answer; all that came together is one piece, however it was cut into chunks."""

    def __init__(self, connection: _Connection) -> None:
        # None: given back or closed.
        self._connection: _Connection | None = connection
        self._error: WireError | None = None

    def __aiter__(self) -> "_WireBody":
        return self

    async def __anext__(self) -> bytes:
        while self._connection is not None:
            pieces, is_over = self._at_hand(self._connection)
            if is_over:
                await self._part(self._connection)
            elif not pieces:
                await self._receive(self._connection)
            if pieces:
                return b"".join(pieces)
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _at_hand(self, connection: _Connection) -> tuple[list[bytes | bytearray], bool]:
        """What was received already, and whether the body is over, well or not."""
        pieces: list[bytes | bytearray] = []
        try:
            while isinstance(event := connection.event_at_hand(), h11.Data):
                pieces.append(event.data)
        except WireError as error:
            self._error = error
            return pieces, True
        return pieces, event is not h11.NEED_DATA

    async def _part(self, connection: _Connection) -> None:
        self._connection = None
        await (connection.done() if self._error is None else connection.close())

    async def _receive(self, connection: _Connection) -> None:
        try:
            await connection.receive()
        except WireError as error:
            self._error = error
            await self._part(connection)
