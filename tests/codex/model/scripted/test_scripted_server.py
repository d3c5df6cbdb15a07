"""The scripted model over loopback HTTP: what arrives on the socket."""

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import trio

from codex.base.errors import UserError
from codex.base.jsontext import Json, JsonObject, decode_object, encode_bytes, get_object
from codex.model.scripted import ScriptedClient
from codex.model.scripted._parse import parse_script
from codex.model.scripted.server import FileLog, run_model_server, serve
from codex.model.sse import EventSplitter
from codex.model.stream import ResponsesDecoder
from codex.ports.model import ModelRequest, ResponseEvent


class Peer:
    """A client that sees the bytes."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._rest = b""

    async def ask(self, path: str, body: Json = None, *, method: str = "POST", head: str = "") -> None:
        data = encode_bytes(body) if not isinstance(body, str) else body.encode()
        await self.stream.send_all(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data
        )

    async def until(self, mark: bytes) -> bytes:
        """Bytes up to and with the mark, or all of them when the server closes first."""
        while mark not in self._rest:
            data = await self.stream.receive_some()
            if not data:
                break
            self._rest += data
        found, mark, self._rest = self._rest.partition(mark)
        return found + mark

    async def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer."""
        head = (await self.until(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ")[1])
        if "chunked" in head:
            chunks: list[bytes] = []
            while size := int(await self.until(b"\r\n"), 16):
                chunks.append(await self.exactly(size + 2))
            await self.until(b"\r\n")
            return status, b"".join(part[:-2] for part in chunks)
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return status, await self.exactly(length)

    async def exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            data = await self.stream.receive_some()
            assert data, "the server closed early"
            self._rest += data
        found, self._rest = self._rest[:count], self._rest[count:]
        return found


@asynccontextmanager
async def open_peer(value: Json, log: Path | None = None) -> AsyncGenerator[Peer]:
    """A server of the script, and a client connected to it."""
    async with trio.open_nursery() as nursery:
        file = FileLog(log) if log else None
        run = partial(serve, parse_script(value, "s.json"), port=0, environ={}, log=file)
        url = await nursery.start(run)
        assert url.endswith("/v1")
        host, _, port = url.removeprefix("http://").removesuffix("/v1").partition(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            yield Peer(stream)
        nursery.cancel_scope.cancel()
        if file:
            file.close()


async def until_reset(peer: Peer) -> bytes:
    """All bytes until the connection is reset; a clean end fails the test."""
    got = b""
    try:
        while data := await peer.stream.receive_some():
            got += data
    except trio.BrokenResourceError:
        return got
    raise AssertionError("the connection was closed, not reset")


BODY: JsonObject = {"model": "m", "input": "go", "stream": True}
HELLO: list[Json] = [{"type": "text", "text": "Hello", "chunks": 2, "id": "m"}]


def decoded(body: bytes) -> list[JsonObject]:
    splitter = EventSplitter()
    return [*splitter.feed(body), *splitter.finish()]


RICH: list[Json] = [
    {"type": "reasoning", "summary": ["a", "b"], "content": "raw", "id": "r"},
    {"type": "text", "text": 'say "é"\n\u2028', "chunks": 3, "id": "m1"},
    {"type": "function_call", "name": "f", "arguments": {"x": [1]}, "call_id": "c", "id": "f1", "chunks": 2},
    {"type": "custom_tool_call", "name": "p", "input": "***\n", "call_id": "d", "id": "x1"},
    {"type": "raw_item", "item": {"type": "web_search_call", "id": "w"}},
]


async def test_both_doors_tell_the_same_turn() -> None:
    value: Json = {"turns": [{"items": RICH, "usage": {"input": 5, "output": 6}}]}
    async with open_peer(value) as peer:
        await peer.ask("/v1/responses", BODY)
        _, body = await peer.answer()
    client = ScriptedClient(parse_script(value, "s.json"), environ={})
    inside: list[ResponseEvent] = []
    async with client.stream(ModelRequest(BODY, {})) as batches:
        async for batch in batches:
            inside.extend(batch)
    # One by one, so that the decoder joins no deltas; ids of the answer differ.
    decoder = ResponsesDecoder()
    outside = [event for one in decoded(body) for event in decoder.feed([one])]
    assert outside[1:-1] == inside[1:-1]


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with open_peer({"turns": [HELLO], "loop": True}) as peer:
        for _ in range(3):
            await peer.ask("/v1/responses", BODY)
            status, body = await peer.answer()
            events = decoded(body)
            assert (status, events[0]["type"], events[-1]["type"]) == (200, "response.created", "response.completed")
            assert body.startswith(b"event: response.created\ndata: {")


async def test_requests_sent_ahead_are_answered_in_order() -> None:
    async with open_peer([HELLO, [{"type": "sleep", "seconds": 0.01}]]) as peer:
        await peer.ask("/v1/responses", BODY)
        await peer.ask("/v1/responses", BODY)
        first, second = await peer.answer(), await peer.answer()
        assert (b"Hello" in first[1], b"Hello" in second[1]) == (True, False)


@pytest.mark.parametrize("per_write", [1, 16])
async def test_twenty_thousand_deltas_go_out_quickly_in_chunks_of_as_many_events_as_asked(per_write: int) -> None:
    item: Json = {"type": "text", "repeat_delta": ["word ", 20_000], "events_per_write": per_write}
    async with open_peer([[item]]) as peer:
        await peer.ask("/v1/responses", BODY)
        _, body = await peer.answer()
    deltas = [event for event in decoded(body) if event["type"] == "response.output_text.delta"]
    assert [event["sequence_number"] for event in deltas] == list(range(4, 20_004))


async def test_a_cut_is_a_reset_after_what_was_sent() -> None:
    async with open_peer([[*HELLO, {"type": "cut"}]]) as peer:
        await peer.ask("/v1/responses", BODY)
        got = await until_reset(peer)
        assert b"response.output_item.done" in got
        assert b"response.completed" not in got


async def test_a_cut_before_the_headers_sends_nothing() -> None:
    async with open_peer([{"cut_before_headers": True}]) as peer:
        await peer.ask("/v1/responses", BODY)
        with pytest.raises(trio.BrokenResourceError):
            await peer.stream.receive_some()


async def test_an_end_of_file_ends_the_body_cleanly() -> None:
    async with open_peer([[*HELLO, {"type": "eof"}], HELLO]) as peer:
        await peer.ask("/v1/responses", BODY)
        _, body = await peer.answer()
        assert decoded(body)[-1]["type"] == "response.output_item.done"
        await peer.ask("/v1/responses", BODY)
        assert (await peer.answer())[0] == 200


async def test_an_error_has_the_scripts_status_headers_and_body() -> None:
    error: Json = {"http_status": 429, "http_headers": {"retry-after": "1"}, "message": "slow down"}
    async with open_peer([error]) as peer:
        await peer.ask("/v1/responses", BODY)
        head = await peer.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"retry-after: 1\r\n" in head


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/v1/nothing", {}, 404, "nothing at '/v1/nothing'"),
        ("GET", "/v1/responses", {}, 405, "only POST"),
        ("POST", "/v1/responses", "{", 400, "not a JSON object"),
        ("POST", "/v1/responses", [1], 400, "not a JSON object"),
    ],
)
async def test_a_request_for_nothing_is_told_what_there_is(
    method: str, path: str, body: Json, status: int, message: str
) -> None:
    async with open_peer([HELLO]) as peer:
        await peer.ask(path, body, method=method)
        got, text = await peer.answer()
        assert got == status
        assert message in str(get_object(decode_object(text), "error")["message"])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbroken\r\n\r\n", 400),
        (b"POST /v1/responses HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"POST /v1/responses HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", 413),
        (b"POST /v1/responses HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /v1/responses HTTP/1.1\r\ncontent-encoding: zstd\r\ncontent-length: 1\r\n\r\nx", 415),
        (b"GET /" + b"a" * 300_000, 413),
    ],
)
async def test_bytes_that_are_no_request_are_refused_and_the_server_lives(sent: bytes, status: int) -> None:
    async with open_peer([HELLO]) as peer:
        address = peer.stream.socket.getpeername()
        await peer.stream.send_all(sent)
        assert (await peer.answer())[0] == status
        async with await trio.open_tcp_stream(*address[:2]) as stream:
            again = Peer(stream)
            await again.ask("/v1/models", method="GET")
            assert (await again.answer())[0] == 200


async def test_a_body_may_come_in_chunks() -> None:
    async with open_peer([HELLO]) as peer:
        data = encode_bytes(BODY)
        head = b"POST /responses HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        await peer.stream.send_all(head)
        assert await peer.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await peer.stream.send_all(b"5\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\n\r\n" % (data[:5], len(data) - 5, data[5:]))
        assert (await peer.answer())[0] == 200


async def test_without_stream_the_answer_is_one_object() -> None:
    async with open_peer({"turns": [HELLO], "loop": True}) as peer:
        await peer.ask("/v1/responses", {"model": "m", "input": "go"})
        response = decode_object((await peer.answer())[1])
        await peer.ask("/v1/chat/completions", {"model": "m", "messages": []})
        completion = decode_object((await peer.answer())[1])
    assert (response["status"], response["object"]) == ("completed", "response")
    assert completion["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    ]


async def test_chat_tells_the_same_turn_in_its_own_words() -> None:
    async with open_peer([RICH]) as peer:
        body: JsonObject = {"model": "m", "messages": [], "stream": True, "stream_options": {"include_usage": True}}
        await peer.ask("/v1/chat/completions", body)
        _, data = await peer.answer()
    chunks = cast("list[dict[str, Any]]", decoded(data))
    assert chunks[-1] == {"type": "[DONE]"}
    assert chunks[-2]["choices"] == []
    choices = [choice for chunk in chunks[:-2] for choice in chunk["choices"]]
    deltas: list[dict[str, Any]] = [choice["delta"] for choice in choices]
    assert "".join(delta.get("content", "") for delta in deltas) == 'say "é"\n\u2028'
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "abraw"
    calls: dict[int, dict[str, str]] = {}
    for call in (call for delta in deltas for call in delta.get("tool_calls", ())):
        kept = calls.setdefault(call["index"], {"id": call.get("id"), "name": call["function"].get("name"), "a": ""})
        kept["a"] += call["function"]["arguments"]
    assert calls == {
        0: {"id": "c", "name": "f", "a": '{"x": [1]}'},
        1: {"id": "d", "name": "p", "a": '{"input":"***\\n"}'},
    }
    assert choices[-1]["finish_reason"] == "tool_calls"


async def test_models_are_those_of_the_script() -> None:
    async with open_peer({"turns": [HELLO], "models": ["a", {"slug": "b", "context_window": 1}]}) as peer:
        await peer.ask("/v1/models?client_version=1", method="GET")
        listed = decode_object((await peer.answer())[1])
    assert listed["data"] == [{"id": "a", "object": "model"}, {"id": "b", "object": "model"}]
    assert listed["models"] == [{"slug": "b", "context_window": 1}]


async def test_the_log_tells_what_came_when_and_how_it_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    before = time.monotonic()
    async with open_peer([HELLO, [*HELLO, {"type": "cut"}]], path) as peer:
        await peer.ask("/v1/responses", BODY, head="Thread-Id: t9\r\n")
        await peer.answer()
        await peer.ask("/v1/responses", BODY, head="Thread-Id: t9\r\n")
        await until_reset(peer)
    lines: list[Mapping[str, Json]] = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("request", line.get("response")) for line in lines] == [1, 1, 2, 2]
    assert lines[0]["body"] == BODY
    assert get_object(dict(lines[0]), "headers")["thread-id"] == "t9"
    assert [line["outcome"] for line in lines[1::2]] == ["sent", "cut"]
    assert [line["turn"] for line in lines[1::2]] == ["default[0]", "default[1]"]
    times = [line["arrived" if n % 2 == 0 else "ended"] for n, line in enumerate(lines)]
    assert [before, *times] == sorted([before, *times])  # pyright: ignore


async def test_a_client_that_leaves_ends_its_turn_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    async with open_peer([{"items": HELLO, "delay_before": 3600}], path) as peer:
        await peer.ask("/v1/responses", BODY)
        while not path.read_bytes():
            await trio.lowlevel.checkpoint()
        await peer.stream.aclose()
        while b"outcome" not in path.read_bytes():
            await trio.lowlevel.checkpoint()
    assert json.loads(path.read_text().splitlines()[1])["outcome"] == "client gone"


def test_the_command_names_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    script = tmp_path / "s.json"
    script.write_text("[]")
    with pytest.raises(UserError, match="cannot be written: No such file"):
        run_model_server(["--script", str(script), "--log", str(tmp_path / "no" / "log")])


async def test_a_prewarm_uses_up_no_turn() -> None:
    async with open_peer([HELLO]) as peer:
        await peer.ask("/v1/responses", {**BODY, "generate": False})
        _, body = await peer.answer()
        assert b"Hello" not in body
        await peer.ask("/v1/responses", BODY)
        assert b"Hello" in (await peer.answer())[1]
