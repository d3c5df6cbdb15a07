"""Chat completions: whatever a server's dialect, the events are those of a Responses stream."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.jsontext import encode_bytes
from codex.model.chat import call_ids, chat_body, chat_messages
from codex.model.chat_stream import ChatDecoder
from codex.model.ollama import OllamaDecoder, ollama_body
from codex.model.plain_tools import PlainTools
from codex.model.sse import EventSplitter
from codex.ports.model import (
    ModelError,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    ReasoningTextDelta,
    ResponseCompleted,
    ResponseEvent,
)
from codex.protocol.usage import TokenUsage
from tests.codex.model.loopback import ask, ask_and_fail, cut, head, open_client, open_server, request, stream_answer

TOOLS = [
    {"type": "function", "name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}},
    {"type": "custom", "name": "apply_patch", "description": "Patch.", "format": {"definition": "start: x"}},
    {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "spawn", "parameters": {}}]},
    {"type": "web_search"},
]


@attrs.frozen
class Dialect:
    """How a chat server tells things."""

    index: str = "counted"  # or "zero", "missing"
    ids: str = "first"  # or "fresh" (a new one on every fragment), "missing", "every"
    whole_calls: bool = False
    object_arguments: bool = False
    reasoning_key: str = "reasoning"
    finish: str = "tool_calls"
    usage: str = "own chunk"  # or "with finish", "missing"
    done: bool = True


DIALECTS = {
    "openai": Dialect(),
    "ollama": Dialect(index="zero", whole_calls=True, ids="every"),
    "old ollama": Dialect(index="missing", whole_calls=True, ids="missing", object_arguments=True, finish="stop"),
    "vllm": Dialect(reasoning_key="reasoning_content", usage="with finish"),
    "fresh ids": Dialect(ids="fresh", usage="missing"),
    "no done": Dialect(ids="every", done=False, finish="stop"),
}

CALLS = st.lists(
    st.tuples(
        st.sampled_from(["look", "apply_patch", "agents__spawn", "unknown"]),
        st.dictionaries(st.sampled_from(["input", "q"]), st.text(max_size=8), min_size=1, max_size=2),
    ),
    max_size=4,
)


def chunk_of(delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, **choice}]}


def told(d: Dialect, reasoning: list[str], texts: list[str], calls: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    """What a server of this dialect sends for an answer."""
    chunks = [chunk_of({"role": "assistant", "content": ""})]
    chunks += [chunk_of({d.reasoning_key: text}) for text in reasoning]
    chunks += [chunk_of({"content": text}) for text in texts]
    for number, (name, arguments) in enumerate(calls):
        chunks += [chunk_of({"tool_calls": [f]}) for f in fragments(d, number, name, arguments)]
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    last = chunk_of({}, finish_reason=d.finish if calls else "stop")
    if d.usage == "with finish":
        last["usage"] = usage
    chunks.append(last)
    if d.usage == "own chunk":
        chunks.append({"id": "chatcmpl-1", "choices": [], "usage": usage})
    return chunks


def fragments(d: Dialect, number: int, name: str, arguments: Any) -> list[dict[str, Any]]:
    text = json.dumps(arguments)
    pieces: list[Any] = [text] if d.whole_calls else ["", text[:3], text[3:]]
    if d.object_arguments:
        pieces = [arguments]
    out: list[dict[str, Any]] = []
    for at, piece in enumerate(pieces):
        fragment: dict[str, Any] = {"type": "function", "function": {"arguments": piece}}
        if at == 0 or d.ids == "fresh":
            fragment["function"]["name"] = name
        if d.index != "missing":
            fragment["index"] = number if d.index == "counted" else 0
        if d.ids == "fresh":
            fragment["id"] = f"call_{number}_{at}"
        elif d.ids == "every" or (d.ids == "first" and at == 0):
            fragment["id"] = f"call_{number}"
        out.append(fragment)
    return out


def as_bytes(d: Dialect, chunks: list[dict[str, Any]]) -> bytes:
    lines = [b"data: " + encode_bytes(chunk) + b"\n\n" for chunk in chunks]
    return b"".join(lines) + (b"data: [DONE]\n\n" if d.done else b"")


def decode_all(data: bytes, cuts: list[int]) -> tuple[list[ResponseEvent], ChatDecoder]:
    splitter, decoder = EventSplitter(), ChatDecoder(PlainTools(TOOLS))
    at = sorted({0, len(data), *(cut_at % (len(data) + 1) for cut_at in cuts)})
    events: list[ResponseEvent] = []
    for a, b in itertools.pairwise(at):
        events += decoder.feed(splitter.feed(data[a:b]))
    events += decoder.feed(splitter.finish()) + decoder.finish()
    return events, decoder


def meaning(events: list[ResponseEvent]) -> tuple[str, str, list[tuple[str, str, Any]]]:
    reasoning = "".join(e.delta for e in events if isinstance(e, ReasoningTextDelta))
    text = "".join(e.delta for e in events if isinstance(e, OutputTextDelta))
    calls: list[tuple[str, str, Any]] = []
    for event in events:
        if isinstance(event, OutputItemDone) and str(event.item["type"]).endswith("_call"):
            item = event.item
            name = f"{item['namespace']}__{item['name']}" if "namespace" in item else str(item["name"])
            what = item["input"] if item["type"] == "custom_tool_call" else json.loads(str(item["arguments"]))
            calls.append((str(item["type"]), name, what))
    return reasoning, text, calls


def expected_call(name: str, arguments: dict[str, str]) -> tuple[str, str, Any]:
    if name != "apply_patch":
        return ("function_call", name, arguments)
    if "input" in arguments:
        return ("custom_tool_call", name, arguments["input"])
    return ("custom_tool_call", name, next(iter(arguments.values())))


@pytest.mark.parametrize("dialect", DIALECTS)
@given(
    reasoning=st.lists(st.text(min_size=1, max_size=4), max_size=3),
    texts=st.lists(st.text(min_size=1, max_size=4), max_size=4),
    calls=CALLS,
    cuts=st.lists(st.integers(0, 3000), max_size=8),
)
def test_every_dialect_is_put_together_again(
    dialect: str, reasoning: list[str], texts: list[str], calls: list[tuple[str, dict[str, str]]], cuts: list[int]
) -> None:
    d = DIALECTS[dialect]
    events, decoder = decode_all(as_bytes(d, told(d, reasoning, texts, calls)), cuts)
    assert meaning(events) == (
        "".join(reasoning),
        "".join(texts),
        [expected_call(name, arguments) for name, arguments in calls],
    )
    assert isinstance(events[-1], ResponseCompleted)
    assert decoder.finished
    usage = None if d.usage == "missing" else TokenUsage(input_tokens=7, output_tokens=3, total_tokens=10)
    assert events[-1].usage == usage
    # Law: what was opened is told as done, once, and deltas lie between.
    opened = [e.item["id"] for e in events if isinstance(e, OutputItemAdded)]
    assert opened == [e.item["id"] for e in events if isinstance(e, OutputItemDone)]
    ids = [e.item["call_id"] for e in events if isinstance(e, OutputItemDone) and "call_id" in e.item]
    assert len(ids) == len(set(ids)) == len(calls)


@given(CALLS, st.integers(0, 2000))
def test_a_stream_that_breaks_off_is_a_failure_and_tells_no_half_call(
    calls: list[tuple[str, dict[str, str]]], cut_at: int
) -> None:
    chunks = told(DIALECTS["openai"], [], ["x"], calls)
    kept = chunks[: cut_at % (len(chunks) - 2)]
    decoder = ChatDecoder(PlainTools(TOOLS))
    events = decoder.feed(kept) + decoder.finish()
    assert decoder.failure is not None
    assert decoder.failure.retryable
    assert not decoder.finished
    assert meaning(events)[2] == []


def test_a_full_output_and_a_filter_end_as_in_a_responses_stream() -> None:
    for reason, retryable in (("length", False), ("content_filter", True)):
        decoder = ChatDecoder(PlainTools([]))
        events = decoder.feed([chunk_of({"content": "half"}), chunk_of({}, finish_reason=reason)])
        assert meaning(events)[1] == "half"
        assert decoder.failure is not None
        assert decoder.failure.retryable == retryable


def test_an_error_in_the_stream_ends_it() -> None:
    decoder = ChatDecoder(PlainTools([]))
    decoder.feed([{"error": {"message": "too long", "code": "context_length_exceeded"}}])
    assert isinstance(decoder.failure, ModelError)
    assert decoder.failure.kind == "context_window_exceeded"


def test_an_id_that_the_history_has_already_is_replaced() -> None:
    call = chunk_of({"tool_calls": [{"id": "call_0", "function": {"name": "look", "arguments": "{}"}}]})
    decoder = ChatDecoder(PlainTools(TOOLS), ["call_0"], new_id=lambda: "new")
    (_, _, done, _) = decoder.feed([call, chunk_of({}, finish_reason="tool_calls")]) + decoder.finish()
    assert isinstance(done, OutputItemDone)
    assert done.item["call_id"] == "call_new"


def test_the_history_becomes_messages() -> None:
    items = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be good."}]},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be quick."}]},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
        },
        {"type": "reasoning", "summary": [], "encrypted_content": "zz"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "On it."}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"q":1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": "*** x"},
        {"type": "function_call", "call_id": "c3", "name": "spawn", "namespace": "agents", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [{"type": "input_text", "text": "seen"}, {"type": "input_image", "image_url": "data:x"}],
        },
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
        {"type": "function_call_output", "call_id": "c3", "output": "ok"},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Note."}]},
    ]
    tools = PlainTools(TOOLS)
    assert chat_messages(items, tools) == [
        {"role": "system", "content": "Be good.\n\nBe quick."},
        {"role": "user", "content": "a\nb"},
        {
            "role": "assistant",
            "content": "On it.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}},
                {"id": "c2", "type": "function", "function": {"name": "apply_patch", "arguments": '{"input":"*** x"}'}},
                {"id": "c3", "type": "function", "function": {"name": "agents__spawn", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        {"role": "tool", "tool_call_id": "c2", "content": "done"},
        {"role": "tool", "tool_call_id": "c3", "content": "ok"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "(the tool's images)"},
                {"type": "image_url", "image_url": {"url": "data:x"}},
            ],
        },
        {"role": "system", "content": "Note."},
    ]
    assert call_ids({"input": items}) == ["c1", "c2", "c3", "c1", "c2", "c3"]


def test_the_body_asks_for_the_same_in_chat_words() -> None:
    body = request(
        tools=TOOLS,
        parallel_tool_calls=True,
        text={"format": {"type": "json_schema", "strict": True, "name": "n", "schema": {"type": "object"}}},
    ).body
    chat = chat_body(body, PlainTools(TOOLS))
    names = [tool["function"]["name"] for tool in chat.pop("tools")]  # type: ignore[index,union-attr]
    assert names == ["look", "apply_patch", "agents__spawn"]
    assert chat == {
        "model": "gpt-5.5",
        "messages": [],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning_effort": "medium",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}},
        },
    }


def test_the_longest_answer_that_is_allowed_is_told_to_a_chat_server() -> None:
    chat = chat_body({"model": "m", "input": [], "max_output_tokens": 100}, PlainTools([]))
    assert chat["max_tokens"] == 100


async def test_a_chat_server_is_asked_at_its_own_address_and_understood() -> None:
    d = DIALECTS["openai"]
    answer = head(transfer_encoding="chunked") + b""
    data = as_bytes(d, told(d, ["hm"], ["Hel", "lo"], [("apply_patch", {"input": "p"})]))
    answer += b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
    async with open_server(answer) as server, open_client(server.base_url, wire_api="chat") as client:
        for _ in range(2):
            events = await ask(client, request(tools=TOOLS))
            assert meaning(events) == ("hm", "Hello", [("custom_tool_call", "apply_patch", "p")])
        assert [received.target for received in server.received] == ["/v1/chat/completions"] * 2
        assert "messages" in server.received[0].json()


async def test_a_chat_stream_cut_after_its_finish_reason_is_whole() -> None:
    d = Dialect(usage="missing", done=False)
    data = as_bytes(d, told(d, [], ["Hello"], []))
    async with open_server(cut(head(), b"%x\r\n%s\r\n" % (len(data), data))) as server:
        async with open_client(server.base_url, wire_api="chat") as client:
            events = await ask(client)
    assert meaning(events)[1] == "Hello"
    assert isinstance(events[-1], ResponseCompleted)


async def test_a_chat_stream_cut_before_its_finish_reason_is_a_network_failure() -> None:
    data = b"data: " + encode_bytes(chunk_of({"content": "Hel"})) + b"\n\n"
    async with open_server(cut(head(), b"%x\r\n%s\r\n" % (len(data), data))) as server:
        async with open_client(server.base_url, wire_api="chat") as client:
            events, error = await ask_and_fail(client)
    assert meaning(events)[1] == "Hel"
    assert error.message.endswith("error decoding response body")


def test_ollama_gets_only_what_it_knows() -> None:
    items = [
        {"type": "message", "role": "user", "content": "x"},
        {"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "apply_patch", "input": "p"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"},
        {"type": "web_search_call", "id": "w"},
        {"type": "reasoning", "id": "r", "summary": []},
    ]
    body = ollama_body({"input": items, "tools": TOOLS, "model": "m"}, PlainTools(TOOLS))
    assert [item["type"] for item in body["input"]] == [  # type: ignore[index,union-attr]
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
    ]
    assert {tool["type"] for tool in body["tools"]} == {"function"}  # type: ignore[index,union-attr]


async def test_ollama_is_asked_in_its_own_words() -> None:
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "apply_patch", "arguments": '{"input":"p"}'}
    answer = stream_answer(
        {"type": "response.output_item.done", "item": call}, {"type": "response.completed", "response": {"id": "r"}}
    )
    async with open_server(answer) as server, open_client(server.base_url, id="ollama") as client:
        events = await ask(client, request(tools=TOOLS))
        assert [tool["type"] for tool in server.received[0].json()["tools"]] == ["function"] * 3
    assert meaning(events)[2] == [("custom_tool_call", "apply_patch", "p")]


def test_a_message_that_ollama_leaves_open_is_told_as_done_before_the_call() -> None:
    message = {"type": "message", "id": "m", "role": "assistant", "content": []}
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "apply_patch", "arguments": '{"input":"p"}'}
    events = OllamaDecoder(PlainTools(TOOLS)).feed(
        [
            {"type": "response.output_item.added", "item": message},
            {"type": "response.output_text.delta", "item_id": "m", "delta": "I will."},
            {"type": "response.output_item.added", "item": call},
            {"type": "response.output_item.done", "item": call},
            {"type": "response.completed", "response": {"id": "r"}},
        ]
    )
    kinds = [(type(e).__name__, getattr(e, "item", {}).get("type")) for e in events]
    assert kinds == [
        ("OutputItemAdded", "message"),
        ("OutputTextDelta", None),
        ("OutputItemDone", "message"),
        ("OutputItemAdded", "custom_tool_call"),
        ("OutputItemDone", "custom_tool_call"),
        ("ResponseCompleted", None),
    ]
    assert meaning(events)[2] == [("custom_tool_call", "apply_patch", "p")]
