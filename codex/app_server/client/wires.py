"""Ways to a server: a process of our own with its standard streams, a WebSocket, a Unix socket."""

import subprocess
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

import trio
import trio_websocket

from codex.app_server.client.messages import ConnectionLost, ConnectionRefused

MAX_MESSAGE_BYTES = 256 * 1_048_576
_EXIT_WITHIN = 5.0
_TERM_WITHIN = 2.0
_CLOSE_WITHIN = 1.0


class Wire(Protocol):
    """One connection. One task sends, one receives."""

    async def send(self, message: bytes) -> None:
        """Write a message. Cancelled: the wire is of no more use. Raises: ConnectionLost."""
        ...

    async def receive(self) -> bytes | str | None:
        """The next message; None once the server is gone. Cancel-safe."""
        ...


Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Wire]]
"""Opens a wire; leaving the block closes it. Raises: ConnectionRefused."""


def process(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None) -> Connect:
    """A server that is started for this client, such as `["codex", "app-server"]`, and ended with it."""
    return partial(_open_process, command, env, cwd)


def websocket(url: str, *, token: str | None = None) -> Connect:
    """A server at `ws://HOST:PORT`; `token` is what `--ws-auth` asks for."""
    parts = urlsplit(url)
    if parts.scheme != "ws" or not parts.hostname or not parts.port:
        raise ValueError(f"{url!r}: expected ws://HOST:PORT")
    return partial(_open_tcp, parts.hostname, parts.port, token)


def unix_socket(path: str) -> Connect:
    """A server that listens at `unix://PATH`."""
    return partial(_open_unix, path)


class _ProcessWire:
    def __init__(self, child: trio.Process) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        self._in, self._out = child.stdin, child.stdout
        self._buffer = bytearray()
        self._searched = 0

    async def send(self, message: bytes) -> None:
        """See `Wire`."""
        try:
            await self._in.send_all(message + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConnectionLost("the server ended") from error

    async def receive(self) -> bytes | None:
        """See `Wire`."""
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > MAX_MESSAGE_BYTES:
                return None
            try:
                data = await self._out.receive_some()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return None
            if not data:
                return None
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line


class _WebSocketWire:
    def __init__(self, socket: trio_websocket.WebSocketConnection) -> None:
        self._socket = socket

    async def send(self, message: bytes) -> None:
        """See `Wire`."""
        try:
            await self._socket.send_message(message.decode())
        except trio_websocket.ConnectionClosed as error:
            raise _lost(error) from error

    async def receive(self) -> str | bytes | None:
        """See `Wire`. Raises: ConnectionLost: the server said why it ended the connection."""
        try:
            return await self._socket.get_message()
        except trio_websocket.ConnectionClosed as error:
            if error.reason is not None and error.reason.reason:
                raise _lost(error) from error
            return None


def _lost(error: trio_websocket.ConnectionClosed) -> ConnectionLost:
    reason = error.reason.reason if error.reason is not None else None
    return ConnectionLost(f"the server ended the connection{f': {reason}' if reason else ''}")


@asynccontextmanager
async def _open_process(
    command: Sequence[str], env: Mapping[str, str] | None, cwd: str | None
) -> AsyncGenerator[Wire, None]:
    try:
        child = await trio.lowlevel.open_process(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=cwd
        )
    except OSError as error:
        raise ConnectionRefused(f"cannot start {command[0]!r}: {error.strerror or error}") from error
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield _ProcessWire(child)
    finally:
        with trio.CancelScope(shield=True):
            await _end(child)


async def _end(child: trio.Process) -> None:
    """Close its input, and wait for it to end; with more and more force."""
    assert child.stdin is not None
    assert child.stdout is not None
    await child.stdin.aclose()
    await child.stdout.aclose()
    for within, force in ((_EXIT_WITHIN, child.terminate), (_TERM_WITHIN, child.kill)):
        with trio.move_on_after(within):
            await child.wait()
        if child.returncode is not None:
            return
        force()
    await child.wait()


@asynccontextmanager
async def _open_tcp(host: str, port: int, token: str | None) -> AsyncGenerator[Wire, None]:
    try:
        stream = await trio.open_tcp_stream(host, port)
    except OSError as error:
        raise ConnectionRefused(f"ws://{host}:{port}: {error}") from error
    async with _open_websocket(stream, f"{host}:{port}", token) as wire:
        yield wire


@asynccontextmanager
async def _open_unix(path: str) -> AsyncGenerator[Wire, None]:
    try:
        stream = await trio.open_unix_socket(path)
    except OSError as error:
        raise ConnectionRefused(f"unix://{path}: {error.strerror or error}") from error
    async with _open_websocket(stream, "localhost", None) as wire:
        yield wire


@asynccontextmanager
async def _open_websocket(stream: trio.SocketStream, host: str, token: str | None) -> AsyncGenerator[Wire, None]:
    headers = [(b"Authorization", f"Bearer {token}".encode())] if token is not None else []
    try:
        async with stream, trio.open_nursery() as nursery:
            socket = await trio_websocket.wrap_client_stream(
                nursery, stream, host, "/", extra_headers=headers, max_message_size=MAX_MESSAGE_BYTES
            )
            try:
                yield _WebSocketWire(socket)
            finally:
                with trio.move_on_after(_CLOSE_WITHIN, shield=True):
                    await socket.aclose()
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:  # A refusal is raised by the library's task for reading.
        refused, others = group.split(trio_websocket.HandshakeError)
        if refused is None or others is not None:
            raise
        raise _refused(host, _only(refused)) from group


def _only(group: BaseExceptionGroup[trio_websocket.HandshakeError]) -> trio_websocket.HandshakeError:
    first = group.exceptions[0]
    return _only(first) if isinstance(first, BaseExceptionGroup) else first


def _refused(host: str, error: trio_websocket.HandshakeError) -> ConnectionRefused:
    if not isinstance(error, trio_websocket.ConnectionRejected):
        return ConnectionRefused(f"{host}: no WebSocket answers there")
    body = (error.body or b"").decode("utf-8", "replace")
    return ConnectionRefused(f"{host}: the server refused the connection ({error.status_code}): {body}")
