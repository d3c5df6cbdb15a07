"""Ollama's dialect of the Responses API, in both directions. Pure.

It knows messages, function calls, their outputs and reasoning; other items and other kinds of tools are errors for
older versions. A message that is followed by a call is never told as done: that is made good here.
"""

from collections.abc import Sequence

from codex.base.jsontext import Json, JsonObject, get_list, get_str
from codex.model.plain_tools import PlainTools
from codex.model.stream import ResponsesDecoder
from codex.ports.model import (
    ModelError,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    ResponseCompleted,
    ResponseEvent,
)

_KNOWN_ITEMS = ("message", "function_call", "function_call_output", "reasoning")


def ollama_body(body: JsonObject, tools: PlainTools) -> JsonObject:
    """The same request with nothing in it that Ollama does not know."""
    items: list[Json] = []
    for item in get_list(body, "input"):
        if isinstance(item, dict) and (known := _known_item(item, tools)) is not None:
            items.append(known)
    plain: list[Json] = [{"type": "function", **tool.spec, "strict": False} for tool in tools.tools]
    return {**body, "input": items, "tools": plain}


def _known_item(item: JsonObject, tools: PlainTools) -> JsonObject | None:
    match get_str(item, "type", "message"):
        case "function_call" | "custom_tool_call":
            name, arguments = tools.call_to_plain(item)
            return {
                "type": "function_call",
                "id": get_str(item, "id"),
                "call_id": get_str(item, "call_id"),
                "name": name,
                "arguments": arguments,
            }
        case "custom_tool_call_output":
            return {**item, "type": "function_call_output"}
        case "agent_message":
            return {"type": "message", "role": "user", "content": item.get("content")}
        case kind if kind in _KNOWN_ITEMS:
            return item
        case _:
            return None


class OllamaDecoder:
    """A Responses decoder that gives calls their own tools back and ends messages that Ollama leaves open."""

    def __init__(self, tools: PlainTools) -> None:
        self._inner = ResponsesDecoder()
        self._tools = tools
        self._open_message: JsonObject | None = None
        self._text: list[str] = []

    @property
    def finished(self) -> bool:
        """Whether `ResponseCompleted` was given."""
        return self._inner.finished

    @property
    def failure(self) -> ModelError | None:
        """What ended the stream instead."""
        return self._inner.failure

    def fail(self, error: ModelError) -> None:
        """The stream cannot go on."""
        self._inner.failure = error

    def feed(self, events: Sequence[JsonObject]) -> list[ResponseEvent]:
        """The events these objects mean."""
        return self._repaired(self._inner.feed(events))

    def finish(self) -> list[ResponseEvent]:
        """The server closed the body."""
        return self._repaired(self._inner.finish())

    def _repaired(self, events: list[ResponseEvent]) -> list[ResponseEvent]:
        out: list[ResponseEvent] = []
        for event in events:
            match event:
                case OutputTextDelta(delta=delta):
                    self._text.append(delta)
                case OutputItemAdded(item=item):
                    self._end_message(out)
                    if get_str(item, "type") == "message":
                        self._open_message = item
                    event = OutputItemAdded(self._own(item))
                case OutputItemDone(item=item):
                    if get_str(item, "type") == "message":
                        self._open_message = None
                        self._text.clear()
                    event = OutputItemDone(self._own(item))
                case ResponseCompleted():
                    self._end_message(out)
                case _:
                    pass
            out.append(event)
        return out

    def _end_message(self, out: list[ResponseEvent]) -> None:
        message, text = self._open_message, "".join(self._text)
        self._open_message = None
        self._text.clear()
        if message is not None and text:
            content: list[Json] = [{"type": "output_text", "text": text, "annotations": []}]
            out.append(OutputItemDone({**message, "status": "completed", "content": content}))

    def _own(self, item: JsonObject) -> JsonObject:
        if item.get("type") != "function_call":
            return item
        own = self._tools.call_from_plain(
            get_str(item, "name"),
            get_str(item, "arguments"),
            item_id=get_str(item, "id"),
            call_id=get_str(item, "call_id"),
        )
        return {**item, **own} if own["type"] == "function_call" else own
