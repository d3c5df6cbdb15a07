"""The listening sockets of the app-server, with real sockets and another program's WebSocket client."""

import os
import socket
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio_websocket

from codex.app_server.auth import CapabilityToken, Guard
from codex.app_server.transports.listen import Tcp, UnixSocket, open_listeners
from codex.app_server.transports.unix import open_unix_listener
from codex.app_server.transports.websocket import Accept, WebSocketTransport, serve_streams
from codex.base.errors import UserError
from tests.codex.app_server.transports.test_handshake import refused, request


async def echo(wire: WebSocketTransport) -> None:
    while (message := await wire.receive()) is not None:
        await wire.send([message.encode() if isinstance(message, str) else message])


@asynccontextmanager
async def open_echo(listen: Tcp | UnixSocket, guard: Guard | None = None) -> AsyncGenerator[Tcp | UnixSocket, None]:
    async with open_listeners(listen, guard) as (listeners, where), trio.open_nursery() as nursery:
        nursery.start_soon(serve_streams, listeners, Accept(echo, guard))
        yield where
        nursery.cancel_scope.cancel()


async def test_a_client_speaks_over_tcp_with_its_token() -> None:
    async with open_echo(Tcp("127.0.0.1", 0), CapabilityToken.of("t")) as where:
        async with trio_websocket.open_websocket_url(f"{where}/", extra_headers=[("Authorization", "Bearer t")]) as ws:
            texts = ["a", "ü" * 100_000, ""]
            for text in texts:
                await ws.send_message(text)
            assert [await ws.get_message() for _ in texts] == texts
        assert isinstance(where, Tcp)
        async with await trio.open_tcp_stream(where.host, where.port) as stream:
            await stream.send_all(request())
            answer = b"".join([bytes(part) async for part in stream])
        assert answer == refused("401 Unauthorized", "missing websocket bearer token").answer


async def test_a_unix_socket_is_for_its_owner_only_and_gone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "made" / "s.sock"
    async with open_echo(UnixSocket(str(path))):
        assert [stat.S_IMODE(os.stat(one).st_mode) for one in (path.parent, path)] == [0o700, 0o600]
        stream = await trio.open_unix_socket(path)
        async with trio.open_nursery() as nursery:
            ws = await trio_websocket.wrap_client_stream(nursery, stream, "localhost", "/")
            await ws.send_message("over unix")
            assert await ws.get_message() == "over unix"
            await ws.aclose()
    assert not path.exists()


async def test_the_socket_file_of_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    async with open_unix_listener(path) as listener:
        client = await trio.open_unix_socket(path)
        await (await listener.accept()).aclose()
        await client.aclose()


async def test_a_living_server_and_a_foreign_file_are_left_alone(tmp_path: Path) -> None:
    path, file = tmp_path / "s.sock", tmp_path / "file"
    file.write_text("mine")
    async with open_unix_listener(str(path)):
        for taken, fault in ((path, "another server listens there"), (file, "something else than a socket")):
            with pytest.raises(UserError, match=fault):
                async with open_unix_listener(str(taken)):
                    pass
        os.unlink(path)
        path.write_text("another's by now")
    assert (path.read_text(), file.read_text()) == ("another's by now", "mine")


async def test_places_that_cannot_be_had_are_told(tmp_path: Path) -> None:
    async with open_listeners(Tcp("127.0.0.1", 0), None) as (_, where):
        with pytest.raises(UserError, match=r"cannot listen there: .*in use"):
            async with open_listeners(where, None):
                pass
    with pytest.raises(UserError, match="at most 107 bytes"):
        async with open_unix_listener("/" + "x" * 200):
            pass
    with pytest.raises(UserError, match="without auth"):
        async with open_listeners(Tcp("0.0.0.0", 0), None):
            pass
