"""A turn's items as the events of the Responses API: one builder for the client in this process and for the server.

response.created
  output_item.added  content_part.added  output_text.delta…  output_text.done  content_part.done  output_item.done
response.completed | response.failed | response.incomplete | nothing more (a cut, an end of file)
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, TypeAlias

import attrs

from codex.base.ids import uuid7
from codex.base.jsontext import Json, JsonObject, get_int, get_list, get_object, get_str
from codex.model.scripted._check import seconds

_CHARS_PER_TOKEN = 4


@attrs.frozen
class Wire:
    """One event."""

    event: JsonObject


@attrs.frozen
class Deltas:
    """A run of events that differ in `delta` and `sequence_number` only; `delay` seconds before each."""

    event: JsonObject
    deltas: Sequence[str]
    sequence: int
    delay: float = 0.0
    per_write: int = 1

    def events(self) -> Iterator[JsonObject]:
        """The run, one event at a time."""
        for n, delta in enumerate(self.deltas):
            yield {**self.event, "delta": delta, "sequence_number": self.sequence + n}


@attrs.frozen
class Pause:
    """Nothing for a while."""

    seconds: float


@attrs.frozen
class Raw:
    """Bytes that are put into the body as they are."""

    data: bytes


@attrs.frozen
class BreakOff:
    """The connection is reset (`cut`), or the body ends cleanly in mid-answer (`eof`)."""

    how: Literal["cut", "eof"]


Step: TypeAlias = Wire | Deltas | Pause | Raw | BreakOff


@attrs.frozen
class Answered:
    """What the answer to one request says: items with all their values filled in, and the usage it claims."""

    items: tuple[JsonObject, ...]
    model: str
    request_bytes: int
    usage: JsonObject | None = None
    end_turn: bool | None = None
    events_per_write: int = 1
    response_id: str = attrs.field(factory=lambda: f"resp_{_id()}")


def _id() -> str:
    return uuid7().replace("-", "")


def wire_events(answered: Answered) -> Iterator[JsonObject]:
    """All events of the answer, without its pauses, breaks and raw bytes."""
    for step in steps(answered):
        if isinstance(step, Wire):
            yield step.event
        elif isinstance(step, Deltas):
            yield from step.events()


def steps(answered: Answered) -> Iterator[Step]:
    """What happens on the wire, in order; it ends early where an item breaks off or fails."""
    builder = _Builder(answered)
    yield builder.event("response.created", response=builder.response("in_progress"))
    yield builder.event("response.in_progress", response=builder.response("in_progress"))
    for item in answered.items:
        for step in builder.item(item):
            yield step
            if isinstance(step, BreakOff):
                return
        if item.get("type") in ("failed", "incomplete"):
            return
    yield builder.event("response.completed", response=builder.response("completed"))


class _Builder:
    """The answer so far: numbers of its events, its finished items, the characters in them."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._sequence = 0
        self._output: list[Json] = []
        self._chars = 0

    def event(self, kind: str, **fields: Json) -> Wire:
        self._sequence += 1
        return Wire({"type": kind, "sequence_number": self._sequence - 1, **fields})

    def response(self, status: str, **more: Json) -> JsonObject:
        response: JsonObject = {
            "id": self._answered.response_id,
            "object": "response",
            "status": status,
            "model": self._answered.model,
            "output": list(self._output) if status != "in_progress" else [],
            "usage": self._usage() if status in ("completed", "incomplete") else None,
        }
        if status == "completed" and self._answered.end_turn is not None:
            response["end_turn"] = self._answered.end_turn
        return response | more

    def _usage(self) -> JsonObject:
        given = self._answered.usage or {}
        received = get_int(given, "input", max(1, self._answered.request_bytes // _CHARS_PER_TOKEN))
        sent = get_int(given, "output", max(1, self._chars // _CHARS_PER_TOKEN))
        details: JsonObject = {"cached_tokens": get_int(given, "cached")}
        if "cache_write" in given:
            details["cache_write_tokens"] = get_int(given, "cache_write")
        return {
            "input_tokens": received,
            "input_tokens_details": details,
            "output_tokens": sent,
            "output_tokens_details": {"reasoning_tokens": get_int(given, "reasoning")},
            "total_tokens": received + sent,
        }

    def item(self, item: JsonObject) -> Iterator[Step]:
        match get_str(item, "type"):
            case "text":
                yield from self._text(item)
            case "reasoning":
                yield from self._reasoning(item)
            case "function_call":
                yield from self._call(item, "arguments", _arguments(item))
            case "custom_tool_call":
                yield from self._call(item, "input", get_str(item, "input"))
            case "sleep":
                yield Pause(seconds(item, "seconds"))
            case "cut":
                yield BreakOff("cut")
            case "eof":
                yield BreakOff("eof")
            case "failed":
                code, message = get_str(item, "code", "server_error"), get_str(item, "message", "scripted failure")
                error: JsonObject = {"code": code, "message": message}
                yield self.event("response.failed", response=self.response("failed", error=error))
            case "incomplete":
                details: JsonObject = {"reason": get_str(item, "reason", "max_output_tokens")}
                response = self.response("incomplete", incomplete_details=details)
                yield self.event("response.incomplete", response=response)
            case "raw_event":
                if "event" in item:
                    yield Wire(get_object(item, "event"))
                else:
                    yield Raw(f"data: {get_str(item, 'data')}\n\n".encode())
            case "raw_bytes":
                yield Raw(get_str(item, "data").encode())
            case "raw_item":
                yield from self._verbatim(get_object(item, "item"))
            case _:
                yield from self._verbatim(item)

    def _added(self, item: JsonObject) -> tuple[int, Wire]:
        return len(self._output), self.event("response.output_item.added", output_index=len(self._output), item=item)

    def _done(self, item: JsonObject) -> Wire:
        self._output.append(item)
        return self.event("response.output_item.done", output_index=len(self._output) - 1, item=item)

    def _verbatim(self, item: JsonObject) -> Iterator[Step]:
        _, added = self._added(item)
        yield added
        yield self._done(item)

    def _run(self, kind: str, item: JsonObject, deltas: Sequence[str], **fields: Json) -> Deltas:
        """The run of deltas of one part; `per_write` of the item wins over the turn's."""
        run = Deltas(
            {"type": kind, **fields},
            deltas,
            self._sequence,
            seconds(item, "delay"),
            get_int(item, "events_per_write", self._answered.events_per_write),
        )
        self._sequence += len(deltas)
        self._chars += sum(map(len, deltas))
        return run

    def _text(self, item: JsonObject) -> Iterator[Step]:
        deltas = _text_deltas(item)
        item_id = get_str(item, "id") or f"msg_{_id()}"
        message: JsonObject = {"type": "message", "id": item_id, "role": "assistant", "status": "in_progress"}
        if "phase" in item:
            message["phase"] = item["phase"]
        index, added = self._added({**message, "content": []})
        yield added
        at: JsonObject = {"item_id": item_id, "output_index": index, "content_index": 0}
        yield self.event("response.content_part.added", **at, part=_output_text(""))
        cut_after = item.get("cut_after")
        if isinstance(cut_after, int) and cut_after < len(deltas):
            yield self._run("response.output_text.delta", item, deltas[:cut_after], **at, logprobs=[])
            yield BreakOff("cut")
            return
        yield self._run("response.output_text.delta", item, deltas, **at, logprobs=[])
        text = "".join(deltas)
        yield self.event("response.output_text.done", **at, text=text, logprobs=[])
        yield self.event("response.content_part.done", **at, part=_output_text(text))
        yield self._done({**message, "status": "completed", "content": [_output_text(text)]})
        if cut_after == len(deltas):
            yield BreakOff("cut")

    def _reasoning(self, item: JsonObject) -> Iterator[Step]:
        summary, content = _texts(item.get("summary")), _texts(item.get("content"))
        item_id = get_str(item, "id") or f"rs_{_id()}"
        reasoning: JsonObject = {"type": "reasoning", "id": item_id}
        index, added = self._added({**reasoning, "summary": [], "content": None})
        yield added
        for n, text in enumerate(summary):
            at: JsonObject = {"item_id": item_id, "output_index": index, "summary_index": n}
            yield self.event("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
            yield self._run("response.reasoning_summary_text.delta", item, _chunks(text, item), **at)
            yield self.event("response.reasoning_summary_text.done", **at, text=text)
            part: JsonObject = {"type": "summary_text", "text": text}
            yield self.event("response.reasoning_summary_part.done", **at, part=part)
        for n, text in enumerate(content):
            at = {"item_id": item_id, "output_index": index, "content_index": n}
            yield self._run("response.reasoning_text.delta", item, _chunks(text, item), **at)
            yield self.event("response.reasoning_text.done", **at, text=text)
        summary_parts: list[Json] = [{"type": "summary_text", "text": text} for text in summary]
        content_parts: list[Json] = [{"type": "reasoning_text", "text": text} for text in content]
        done: JsonObject = {**reasoning, "summary": summary_parts, "content": content_parts or None}
        if "encrypted" in item:
            done["encrypted_content"] = item["encrypted"]
        yield self._done(done)

    def _call(self, item: JsonObject, field: str, text: str) -> Iterator[Step]:
        kind = get_str(item, "type")
        custom = kind == "custom_tool_call"
        item_id = get_str(item, "id") or f"{'ctc' if custom else 'fc'}_{_id()}"
        call: JsonObject = {"type": kind, "id": item_id, "name": item["name"]}
        if "namespace" in item:
            call["namespace"] = item["namespace"]
        call["call_id"] = get_str(item, "call_id") or f"call_{_id()}"
        index, added = self._added({**call, "status": "in_progress", field: ""})
        yield added
        at: JsonObject = {"item_id": item_id, "output_index": index}
        name = "response.custom_tool_call_input" if custom else "response.function_call_arguments"
        yield self._run(f"{name}.delta", item, _chunks(text, item), **at)
        yield self.event(f"{name}.done", **at, **{field: text})
        yield self._done({**call, "status": "completed", field: text})


def _output_text(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": []}


def _texts(value: Json) -> list[str]:
    if isinstance(value, list):
        return [part for part in value if isinstance(part, str)]
    return [value] if isinstance(value, str) else []


def _arguments(item: JsonObject) -> str:
    arguments = item.get("arguments", {})
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _chunks(text: str, item: JsonObject) -> list[str]:
    """The text in `chunks` pieces of one length (the last may be shorter); one piece where not said."""
    size = max(1, -(-len(text) // get_int(item, "chunks", 1)))
    pieces = iter(text)
    return ["".join(piece) for piece in iter(lambda: list(islice(pieces, size)), [])]


def _text_deltas(item: JsonObject) -> list[str]:
    if "deltas" in item:
        return _texts(item["deltas"])
    repeated = get_list(item, "repeat_delta")
    if len(repeated) == 2 and isinstance(repeated[0], str) and isinstance(repeated[1], int):
        return [repeated[0]] * repeated[1]
    return _chunks(get_str(item, "text"), item)
