"""WebSockets, over TCP or a Unix socket: one message a text frame; `/readyz` and `/healthz` answer on the same port."""

import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

import attrs
import trio

from codex.app_server.auth import Guard
from codex.app_server.transports._frames import TRY_AGAIN_LATER, Frames, Room, framed
from codex.app_server.transports.handshake import Handshake, Refuse, Upgrade, too_busy

_READ_BYTES = 8_192  # So a client that sends only pings, six bytes each, holds nobody up.
_CLOSE_WITHIN = 1.0
_NORMAL, _GOING_AWAY = 1000, 1001


@attrs.frozen
class Limits:
    """What a client may cost, and how long it may be silent. Durations in seconds."""

    max_message_bytes: int = 16 * 1_048_576
    max_unfinished_bytes: int = 64 * 1_048_576
    """Of the messages that have not come whole yet, of all clients together."""
    max_clients: int = 512
    handshake_within: float = 10.0
    ping_after: float = 30.0
    pong_within: float = 30.0


class WebSocketTransport:
    """The wire of one client. Implements `codex.app_server.transports.Transport`."""

    def __init__(self, stream: trio.abc.Stream, limits: Limits, room: Room, *, rest: bytes = b"") -> None:
        """Args: rest: what came with the handshake."""
        self._stream = stream
        self._limits = limits
        self._frames = Frames(room, max_bytes=limits.max_message_bytes)
        self._messages: deque[str | bytes] = deque()
        self._rest = rest
        self._sending = trio.Lock()
        self._half_sent = False
        self._closed = False
        self._listens_since: float = math.inf
        self._heard_at = trio.current_time()

    async def receive(self) -> str | bytes | None:
        """The next message; None once the client is gone. Cancel-safe: no message is lost."""
        while not self._messages:
            if self._frames.closing or self._closed:
                await trio.lowlevel.checkpoint()
                return None
            data = self._rest or await self._read()
            self._rest = b""
            if not data:
                self._frames.close(1006, "")
                continue
            received = self._frames.receive(data)
            self._messages += received.messages
            if received.answer:
                await self._answer(received.answer)
        return self._messages.popleft()

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write messages, each in a frame. Cancelled: a part may be written, and the connection is of no more use.

        Raises: trio.BrokenResourceError, trio.ClosedResourceError: the client is gone.
        """
        if self._frames.closing:
            raise trio.BrokenResourceError("the client closed the connection")
        await self._write(framed(messages))

    async def aclose(self, *, cut_off: str = "") -> None:
        """End the connection. Bounded and shielded; twice does no harm.

        Args: cut_off: why the client is given up; it may come again.
        """
        await self._close(TRY_AGAIN_LATER if cut_off else _NORMAL, cut_off)

    async def go_away(self) -> None:
        """End the connection because the server ends. Bounded and shielded; twice does no harm."""
        await self._close(_GOING_AWAY, "")

    async def _close(self, code: int, reason: str) -> None:
        if self._closed:
            return
        with trio.move_on_after(_CLOSE_WITHIN, shield=True):
            if not self._frames.closing:
                await self._answer(self._frames.close(code, reason))
        self._closed = True
        await trio.aclose_forcefully(self._stream)

    async def keep_alive(self) -> None:
        """Ping a silent client, and end the connection when it does not answer. Cancelled: it stays as it is."""
        while not self._closed:
            silent_at = max(self._heard_at, self._listens_since) + self._limits.ping_after
            if trio.current_time() < silent_at:
                # While nobody listens, silence means nothing: look again later.
                await trio.sleep(min(silent_at - trio.current_time(), self._limits.ping_after))
                continue
            asked_at = trio.current_time()
            with trio.move_on_after(self._limits.pong_within):
                await self._answer(self._frames.ping())
                await trio.sleep_forever()
            if self._heard_at < asked_at and self._listens_since <= asked_at:
                self._closed = True
                await trio.aclose_forcefully(self._stream)

    async def _read(self) -> bytes:
        self._listens_since = trio.current_time()
        try:
            data = await self._stream.receive_some(_READ_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""
        finally:
            self._listens_since = math.inf
        self._heard_at = trio.current_time()
        return bytes(data)

    async def _answer(self, data: bytes) -> None:
        """Write what the protocol asks for; whoever reads finds out that the client is gone."""
        try:
            await self._write(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _write(self, data: bytes) -> None:
        try:
            self._sending.acquire_nowait()  # The usual case; waiting for a lock costs a round of the scheduler.
        except trio.WouldBlock:
            await self._sending.acquire()
        try:
            if self._half_sent:
                raise trio.BrokenResourceError("a write was cancelled in the middle of a frame")
            self._half_sent = True
            await self._stream.send_all(data)
            self._half_sent = False
        finally:
            self._sending.release()


class Accept:
    """Turns connections into clients. One for a listening socket, or several that share their limits."""

    def __init__(
        self,
        serve: Callable[[WebSocketTransport], Awaitable[None]],
        guard: Guard | None,
        *,
        limits: Limits | None = None,
        wall_time: Callable[[], float] = time.time,
    ) -> None:
        """Args: serve: has a client until it is gone or its time is over. guard: without one everybody may come in."""
        self._serve = serve
        self._guard = guard
        self._limits = limits or Limits()
        self._wall_time = wall_time
        self._room = Room(self._limits.max_unfinished_bytes)
        self._clients = 0

    async def accept(self, stream: trio.abc.Stream) -> None:
        """Have one connection, until it is closed. Cancelled: it is closed, politely."""
        async with stream:
            if self._clients >= self._limits.max_clients:
                await self._turn_away(stream)
                return
            self._clients += 1
            try:
                verdict = await self._handshake(stream)
                if isinstance(verdict, Refuse):
                    await self._say(stream, verdict.answer)
                elif verdict is not None and await self._say(stream, verdict.answer):
                    await self._speak(WebSocketTransport(stream, self._limits, self._room, rest=verdict.rest))
            finally:
                self._clients -= 1

    async def _turn_away(self, stream: trio.abc.Stream) -> None:
        with trio.move_on_after(_CLOSE_WITHIN), suppress(trio.BrokenResourceError):
            await stream.receive_some(_READ_BYTES)  # Else the answer is lost with what was not read.
            await stream.send_all(too_busy())

    async def _handshake(self, stream: trio.abc.Stream) -> Upgrade | Refuse | None:
        handshake = Handshake(self._guard)
        with trio.move_on_after(self._limits.handshake_within):
            while True:
                try:
                    data = await stream.receive_some(_READ_BYTES)
                except trio.BrokenResourceError:
                    return None
                verdict = handshake.receive(bytes(data), now=self._wall_time())
                if verdict is not None or not data:
                    return verdict
        return None

    async def _say(self, stream: trio.abc.Stream, answer: bytes) -> bool:
        with trio.move_on_after(self._limits.handshake_within):
            try:
                await stream.send_all(answer)
            except trio.BrokenResourceError:
                return False
            return True
        return False

    async def _speak(self, transport: WebSocketTransport) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(transport.keep_alive)
                await self._serve(transport)
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(2 * _CLOSE_WITHIN, shield=True):
                await transport.go_away()


async def serve_streams(listeners: Sequence[trio.abc.Listener[trio.abc.Stream]], accept: Accept) -> None:
    """Accept clients on all these sockets until cancelled."""
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(partial(trio.serve_listeners, accept.accept, [listener]))
