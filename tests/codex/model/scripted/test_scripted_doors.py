"""The client in this process and a real HTTP client of the server cannot be told apart."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal

import pytest
import trio

from codex.base.jsontext import Json, JsonObject
from codex.config.schema import Config, ProviderInfo
from codex.model.client import open_model_client
from codex.model.scripted import Script, ScriptedClient
from codex.model.scripted._parse import parse_script
from codex.model.scripted.server import serve
from codex.ports.model import ModelClient, ModelError, ModelRequest, OutputItemDone, OutputTextDelta

CUSTOM: JsonObject = {"type": "custom", "name": "p", "description": "d"}
INNER: JsonObject = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
BODY: JsonObject = {
    "model": "m",
    "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]}],
    "tools": [CUSTOM, {"type": "namespace", "name": "n", "description": "d", "tools": [INNER]}],
    "stream": True,
}
TURN: list[Json] = [
    {"type": "reasoning", "content": "raw", "id": "r"},
    {"type": "text", "text": 'say "é"\n', "chunks": 3, "id": "m"},
    {"type": "function_call", "name": "f", "namespace": "n", "arguments": {"x": [1]}, "call_id": "c"},
    {"type": "custom_tool_call", "name": "p", "input": "***\n", "call_id": "d"},
]


@asynccontextmanager
async def open_over_http(script: Script, wire_api: Literal["responses", "chat"]) -> AsyncGenerator[ModelClient]:
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(serve, script, port=0, environ={}))
        provider = ProviderInfo("mock", "mock", base_url=url, wire_api=wire_api, stream_idle_timeout_ms=200)
        config = Config("/nowhere", "/", model="m", model_provider="mock", model_providers={"mock": provider})
        async with open_model_client(config, environ={}) as client:
            yield client
        nursery.cancel_scope.cancel()


async def told(client: ModelClient) -> tuple[str, list[JsonObject], ModelError | None]:
    """The text, the finished items without ids, the error."""
    text, items = "", list[JsonObject]()
    try:
        async with client.stream(ModelRequest(BODY, {"thread-id": "t"})) as batches:
            async for batch in batches:
                text += "".join(event.delta for event in batch if isinstance(event, OutputTextDelta))
                items += [
                    {key: value for key, value in event.item.items() if key != "id"}
                    for event in batch
                    if isinstance(event, OutputItemDone)
                ]
    except ModelError as err:
        return text, items, err
    return text, items, None


@pytest.mark.parametrize("wire_api", ["responses", "chat"])
async def test_a_turn_is_the_same_through_every_door(wire_api: Literal["responses", "chat"]) -> None:
    script = parse_script([TURN], "s.json")
    async with open_over_http(script, wire_api) as client:
        outside = await told(client)
    text, items, error = await told(ScriptedClient(script, environ={}))
    if wire_api == "chat":
        # Chat has no reasoning items with two kinds of text.
        for kept in (items, outside[1]):
            del kept[0]
    assert outside == (text, items, error)


@pytest.mark.parametrize(
    "turn",
    [
        {"http_status": 400, "message": "bad"},
        {"http_status": 401},
        {"http_status": 404, "error_code": "model_not_found"},
        {"http_status": 429},
        {"http_status": 429, "http_headers": {"retry-after": "7"}},
        {"http_status": 429, "error_code": "insufficient_quota"},
        {"items": [*TURN, {"type": "cut"}]},
        {"items": [*TURN, {"type": "eof"}]},
        {"items": [*TURN, {"type": "sleep", "seconds": 5}]},
        {"items": [{"type": "failed", "code": "server_error"}]},
        {"items": [{"type": "failed", "code": "context_length_exceeded"}]},
        {"items": [{"type": "incomplete", "reason": "max_output_tokens"}]},
    ],
)
async def test_an_error_is_the_same_through_every_door(turn: JsonObject) -> None:
    script = parse_script([turn], "s.json")
    async with open_over_http(script, "responses") as client:
        *outside, error = await told(client)
    *inside, expected = await told(ScriptedClient(script, environ={}, idle_timeout=0.2))
    assert outside == inside
    assert error is not None
    assert expected is not None
    assert (error.kind, error.retryable, error.retry_after, error.http_status) == (
        expected.kind,
        expected.retryable,
        expected.retry_after,
        expected.http_status,
    )


async def test_retries_inside_the_client_take_the_same_turns() -> None:
    turns: list[Json] = [{"http_status": 500}, {"cut_before_headers": True}, [{"type": "text", "text": "ok"}]]
    script = parse_script(turns, "s.json")
    async with open_over_http(script, "responses") as client:
        assert (await told(client))[0] == "ok"
    assert (await told(ScriptedClient(script, environ={})))[0] == "ok"
