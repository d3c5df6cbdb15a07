"""A model server on loopback that answers with raw bytes: one answer a request, the last one for all that follow."""

import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import trio

from codex.config.schema import Config, ProviderInfo
from codex.model import RequestIds, build_request, lookup
from codex.model.client import HttpModelClient, http_client
from codex.ports.model import ModelError, ModelRequest, ResponseEvent


@attrs.frozen
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        return json.loads(self.body)


class HangUp(Exception):
    """Raised by an answer: the connection is closed behind it."""


Answer = bytes | Callable[[trio.SocketStream, Received], Awaitable[None]]


@attrs.define
class Server:
    """What the server saw."""

    port: int = 0
    received: list[Received] = attrs.field(factory=list)
    open_connections: int = 0
    connections: int = 0
    closed: trio.Event = attrs.field(factory=trio.Event)

    async def wait_all_closed(self) -> None:
        """Returns when the last client is gone."""
        with trio.fail_after(30):
            while self.open_connections:
                self.closed = trio.Event()
                await self.closed.wait()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def open_server(*answers: Answer) -> AsyncIterator[Server]:
    server = Server()

    async def serve(stream: trio.SocketStream) -> None:
        server.open_connections += 1
        server.connections += 1
        number = server.connections
        try:
            await _serve(server, stream, answers, number)
        except (HangUp, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            server.open_connections -= 1
            server.closed.set()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        server.port = listeners[0].socket.getsockname()[1]
        try:
            yield server
        finally:
            nursery.cancel_scope.cancel()


async def _serve(server: Server, stream: trio.SocketStream, answers: Sequence[Answer], number: int) -> None:
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            data = await stream.receive_some()
            if not data:
                return
            buffer += data
        head, _, rest = buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        parts, have = [rest], len(rest)
        while have < length:
            data = await stream.receive_some()
            if not data:
                return
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        buffer = whole[length:]
        received = Received(method, target, headers, whole[:length], number)
        server.received.append(received)
        answer = answers[min(len(server.received), len(answers)) - 1]
        if isinstance(answer, bytes):
            await stream.send_all(answer)
        else:
            await answer(stream, received)


def event_bytes(*events: Mapping[str, Any]) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (e.get("type", "").encode(), json.dumps(e).encode()) for e in events)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def head(status: str = "200 OK", **headers: str) -> bytes:
    fields = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode()


def stream_answer(*events: Mapping[str, Any]) -> bytes:
    return head() + b"".join(chunk(event_bytes(event)) for event in events) + b"0\r\n\r\n"


def refusal(status: str, body: str | Mapping[str, Any] = "", **headers: str) -> bytes:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    fields = {"content-type": "application/json", "content-length": str(len(data))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + data


def cut(*data: bytes) -> Answer:
    """Sends, then resets the connection."""

    async def answer(stream: trio.SocketStream, _: Received) -> None:
        if data:
            await stream.send_all(b"".join(data))
            # Let the bytes arrive before the reset overtakes them.
            await _taken(stream)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()
        raise HangUp

    return answer


async def _taken(stream: trio.SocketStream) -> None:
    import array
    import fcntl
    import termios

    unsent = array.array("i", [1])
    with trio.move_on_after(1):
        while unsent[0]:
            fcntl.ioctl(stream.socket.fileno(), termios.TIOCOUTQ, unsent)
            await trio.lowlevel.checkpoint()
        for _ in range(20):
            await trio.lowlevel.checkpoint()


def hang(*data: bytes) -> Answer:
    """Sends, then says nothing more until the client goes."""

    async def answer(stream: trio.SocketStream, _: Received) -> None:
        if data:
            await stream.send_all(b"".join(data))
        while await stream.receive_some():
            pass
        raise HangUp

    return answer


def end(*data: bytes) -> Answer:
    """Sends, then closes the connection politely."""

    async def answer(stream: trio.SocketStream, _: Received) -> None:
        await stream.send_all(b"".join(data))
        await stream.send_eof()
        raise HangUp

    return answer


CREATED = {"type": "response.created", "response": {"id": "resp_1"}}
ADDED = {"type": "response.output_item.added", "item": {"type": "message", "id": "msg_1", "role": "assistant"}}
DELTA = {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Hello"}
ITEM = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello"}],
}
ITEM_DONE = {"type": "response.output_item.done", "item": ITEM}
COMPLETED = {
    "type": "response.completed",
    "response": {"id": "resp_1", "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}},
}
WHOLE = (CREATED, ADDED, DELTA, ITEM_DONE, COMPLETED)
GOOD = stream_answer(*WHOLE)


def request(**body: Any) -> ModelRequest:
    made = build_request(lookup("gpt-5.5"), RequestIds("root", "thread", "turn"), input=[], tools=[])
    return attrs.evolve(made, body={**made.body, **body})


@asynccontextmanager
async def open_client(base_url: str, **options: Any) -> AsyncIterator[HttpModelClient]:
    features = options.pop("features", {})
    environ = options.pop("environ", {})
    fields: dict[str, Any] = {"id": "mine", "name": "Mine", "base_url": base_url, "request_max_retries": 0}
    provider = ProviderInfo(**{**fields, **options})
    config = Config("/nonexistent", "/", model_provider="mine", features=features)
    client = http_client(config, provider, environ)
    try:
        yield client
    finally:
        await client.aclose()


async def ask(client: HttpModelClient, what: ModelRequest | None = None) -> list[ResponseEvent]:
    async with client.stream(what or request()) as batches:
        return [event async for batch in batches for event in batch]


async def ask_and_fail(
    client: HttpModelClient, what: ModelRequest | None = None
) -> tuple[list[ResponseEvent], ModelError]:
    """The events before the failure, and the failure."""
    events: list[ResponseEvent] = []
    try:
        async with client.stream(what or request()) as batches:
            async for batch in batches:
                events.extend(batch)
    except ModelError as error:
        return events, error
    raise AssertionError(f"no failure: {events}")
