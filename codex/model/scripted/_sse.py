"""The two dialects in which the server tells a turn: Responses events and chat completion chunks.

A dialect turns each event into bytes; runs of deltas are made from a template, so that 20,000 of them cost little.
"""

import json
import time
from collections.abc import Iterator
from typing import Protocol

from codex.base.jsontext import Json, JsonObject, encode, get_list, get_object, get_str
from codex.model.scripted.events import Deltas
from codex.protocol.response_item import is_call, message_text

# Keeps non-ASCII characters as they are, like `encode`.
_quoted = json.encoder.encode_basestring


class Dialect(Protocol):
    """How events are written."""

    def event(self, event: JsonObject) -> bytes:
        """One event as bytes; empty when the dialect has no word for it."""
        ...

    def run(self, run: Deltas) -> Iterator[bytes]:
        """Every event of a run, encoded when it is asked for."""
        ...

    def whole(self, events: list[JsonObject]) -> JsonObject:
        """The answer to a request that wants no stream."""
        ...


def _text(value: str) -> str:
    """A JSON string; lone surrogates, which UTF-8 has not, become question marks."""
    return _quoted(value if value.isascii() else value.encode("utf-8", "replace").decode())


class ResponsesDialect:
    """Events of the Responses API, each with its name."""

    def event(self, event: JsonObject) -> bytes:
        """The event with its `event:` line."""
        return f"event: {get_str(event, 'type')}\ndata: {encode(event)}\n\n".encode("utf-8", "replace")

    def run(self, run: Deltas) -> Iterator[bytes]:
        """Like `event`, for every delta."""
        head = f"event: {get_str(run.event, 'type')}\ndata: {encode(run.event)[:-1]}"
        last, quoted = None, ""
        for n, delta in enumerate(run.deltas, run.sequence):
            if delta is not last:
                last, quoted = delta, _text(delta)
            yield f'{head},"delta":{quoted},"sequence_number":{n}}}\n\n'.encode()

    def whole(self, events: list[JsonObject]) -> JsonObject:
        """The last event's response, which holds all items."""
        return get_object(events[-1], "response")


class ChatDialect:
    """Chunks of chat completions: calls of custom tools appear as functions with one parameter, `input`."""

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self._model = model
        self._include_usage = include_usage
        self._created = int(time.time())
        self._id = ""
        self._calls = 0

    def _chunk(self, delta: JsonObject, finish: str | None = None) -> JsonObject:
        choice: JsonObject = {"index": 0, "delta": delta, "finish_reason": finish}
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": [choice],
        }

    def _data(self, value: Json) -> bytes:
        return f"data: {encode(value)}\n\n".encode("utf-8", "replace")

    def event(self, event: JsonObject) -> bytes:
        """What chat has for the event."""
        item, response = get_object(event, "item"), get_object(event, "response")
        match get_str(event, "type"):
            case "response.created":
                self._id = get_str(response, "id").replace("resp_", "chatcmpl-")
                return self._data(self._chunk({"role": "assistant", "content": ""}))
            case "response.output_item.added" if is_call(item):
                return self._data(self._chunk(self._call(item)))
            case "response.custom_tool_call_input.done":
                arguments = encode({"input": get_str(event, "input")})
                return self._data(self._chunk(self._arguments(arguments)))
            case "response.completed" | "response.incomplete":
                return self._finish(event, response)
            case "response.failed":
                return self._data({"error": get_object(response, "error")})
            case kind if not kind.startswith("response."):
                return self._data(event)
            case _:
                return b""

    def _call(self, item: JsonObject) -> JsonObject:
        self._calls += 1
        return {"tool_calls": [{"index": self._calls - 1, **_chat_call(item, "")}]}

    def _arguments(self, text: str) -> JsonObject:
        return {"tool_calls": [{"index": self._calls - 1, "function": {"arguments": text}}]}

    def _finish(self, event: JsonObject, response: JsonObject) -> bytes:
        reason = "tool_calls" if self._calls else "stop"
        if event["type"] == "response.incomplete":
            why = get_str(get_object(response, "incomplete_details"), "reason")
            reason = "content_filter" if why == "content_filter" else "length"
        data = self._data(self._chunk({}, reason))
        if self._include_usage:
            data += self._data({**self._chunk({}), "choices": [], "usage": _chat_usage(response)})
        return data + b"data: [DONE]\n\n"

    def run(self, run: Deltas) -> Iterator[bytes]:
        """Like `event`, for every delta; the input of a custom tool is sent whole, when it is known."""
        mark = "\0"
        match get_str(run.event, "type"):
            case "response.output_text.delta":
                delta: JsonObject = {"content": mark}
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                delta = {"reasoning_content": mark}
            case "response.function_call_arguments.delta":
                delta = self._arguments(mark)
            case _:
                return
        head, _, tail = encode(self._chunk(delta)).partition(encode(mark))
        for text in run.deltas:
            yield f"data: {head}{_text(text)}{tail}\n\n".encode()

    def whole(self, events: list[JsonObject]) -> JsonObject:
        """One `chat.completion` with everything in it."""
        response = get_object(events[-1], "response")
        output = [item for item in get_list(response, "output") if isinstance(item, dict)]
        texts = [message_text(item) for item in output if item.get("type") == "message"]
        calls: list[Json] = [
            _chat_call(item, get_str(item, "arguments") or encode({"input": get_str(item, "input")}))
            for item in output
            if is_call(item)
        ]
        message: JsonObject = {"role": "assistant", "content": "".join(texts)}
        if calls:
            message["tool_calls"] = calls
        choice: JsonObject = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return {
            "id": get_str(response, "id").replace("resp_", "chatcmpl-"),
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [choice],
            "usage": _chat_usage(response),
        }


def _chat_call(item: JsonObject, arguments: str) -> JsonObject:
    namespace, name = get_str(item, "namespace"), get_str(item, "name")
    function: JsonObject = {"name": f"{namespace}__{name}" if namespace else name, "arguments": arguments}
    return {"id": get_str(item, "call_id"), "type": "function", "function": function}


def _chat_usage(response: JsonObject) -> JsonObject:
    usage = get_object(response, "usage")
    return {
        "prompt_tokens": usage.get("input_tokens", 0),
        "completion_tokens": usage.get("output_tokens", 0),
        "total_tokens": usage.get("total_tokens", 0),
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }
