"""The Responses stream: JSON objects in, `ResponseEvent`s out.

Law: events keep their order; text deltas of one item that came together may become one delta; nothing follows
`ResponseCompleted` or a failure. Unknown types are passed over. Not decided here: whether to try again.
"""

from collections.abc import Sequence
from typing import Protocol

from codex.base.jsontext import Json, JsonObject, get_int, get_object, get_str
from codex.model.failures import failure_of_response, incomplete_response, stream_failure
from codex.ports.model import (
    ModelError,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    ReasoningTextDelta,
    ResponseCompleted,
    ResponseCreated,
    ResponseEvent,
)
from codex.protocol.usage import TokenUsage

CLOSED_EARLY = "stream closed before response.completed"


class StreamDecoder(Protocol):
    """What turns a server's stream into ours.

    `finished`: `ResponseCompleted` was given. `failure`: what ended the stream instead; it is to be raised after the
    events that came before it.
    """

    @property
    def finished(self) -> bool:
        """Whether the answer is whole."""
        ...

    @property
    def failure(self) -> ModelError | None:
        """What ended the stream before it was whole."""
        ...

    def fail(self, error: ModelError) -> None:
        """The stream cannot go on."""
        ...

    def feed(self, events: Sequence[JsonObject]) -> list[ResponseEvent]:
        """The events these objects mean."""
        ...

    def finish(self) -> list[ResponseEvent]:
        """The server closed the body: the last events, or a failure."""
        ...


class ResponsesDecoder:
    """Decodes one Responses stream."""

    def __init__(self) -> None:
        self.finished = False
        self.failure: ModelError | None = None
        self._item_id = ""

    def fail(self, error: ModelError) -> None:
        """The stream cannot go on."""
        self.failure = error

    def feed(self, events: Sequence[JsonObject]) -> list[ResponseEvent]:
        """The events these objects mean; deltas next to each other become one."""
        out: list[ResponseEvent] = []
        texts: list[str] = []
        text_item = ""

        def flush() -> None:
            if texts:
                out.append(OutputTextDelta(text_item, "".join(texts), tuple(texts) if len(texts) > 1 else ()))
                texts.clear()

        for event in events if self.failure is None and not self.finished else ():
            kind = event.get("type")
            if kind == "response.output_text.delta":
                delta = event.get("delta")
                if isinstance(delta, str):
                    item_id = event.get("item_id") or self._item_id
                    if item_id != text_item:
                        flush()
                    text_item = str(item_id)
                    texts.append(delta)
                continue
            flush()
            self._other(kind, event, out)
            if self.finished or self.failure:
                return out
        flush()
        return out

    def finish(self) -> list[ResponseEvent]:
        """The body ended: without `response.completed` that is a failure."""
        if not self.finished and self.failure is None:
            self.failure = stream_failure(CLOSED_EARLY)
        return []

    def _other(self, kind: object, event: JsonObject, out: list[ResponseEvent]) -> None:
        match kind:
            case "response.output_item.done":
                if item := get_object(event, "item"):
                    out.append(OutputItemDone(item))
            case "response.output_item.added":
                if item := get_object(event, "item"):
                    self._item_id = get_str(item, "id")
                    out.append(OutputItemAdded(item))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                item_id = get_str(event, "item_id", self._item_id)
                delta = get_str(event, "delta")
                if delta:
                    _add_reasoning(out, item_id, delta, raw=kind == "response.reasoning_text.delta")
            case "response.created":
                out.append(ResponseCreated(get_str(get_object(event, "response"), "id")))
            case "response.completed" | "response.done":
                self._complete(get_object(event, "response"), out)
            case "response.failed":
                self.failure = failure_of_response(get_object(get_object(event, "response"), "error"))
            case "response.incomplete":
                details = get_object(get_object(event, "response"), "incomplete_details")
                self.failure = incomplete_response(get_str(details, "reason", "unknown"))
            case "error":
                self.failure = failure_of_response(get_object(event, "error") or event)
            case None if "error" in event:
                error = event["error"]
                self.failure = failure_of_response(error if isinstance(error, dict) else {"message": error})
            case _:
                pass

    def _complete(self, response: JsonObject, out: list[ResponseEvent]) -> None:
        end_turn = response.get("end_turn")
        usage = usage_of(response.get("usage"))
        out.append(ResponseCompleted(get_str(response, "id"), usage, end_turn if isinstance(end_turn, bool) else None))
        self.finished = True


def _add_reasoning(out: list[ResponseEvent], item_id: str, delta: str, *, raw: bool) -> None:
    last = out[-1] if out else None
    if isinstance(last, ReasoningTextDelta) and last.item_id == item_id and last.raw == raw:
        pieces = (*(last.pieces or (last.delta,)), delta)
        out[-1] = ReasoningTextDelta(item_id, last.delta + delta, raw, pieces)
    else:
        out.append(ReasoningTextDelta(item_id, delta, raw))


def usage_of(usage: Json) -> TokenUsage | None:
    """The token counts of a Responses or chat usage object; None when the server sent none."""
    if not isinstance(usage, dict):
        return None
    inputs = get_int(usage, "input_tokens", get_int(usage, "prompt_tokens"))
    outputs = get_int(usage, "output_tokens", get_int(usage, "completion_tokens"))
    of_input = get_object(usage, "input_tokens_details") or get_object(usage, "prompt_tokens_details")
    of_output = get_object(usage, "output_tokens_details") or get_object(usage, "completion_tokens_details")
    return TokenUsage(
        input_tokens=inputs,
        cached_input_tokens=get_int(of_input, "cached_tokens"),
        cache_write_input_tokens=get_int(of_input, "cache_write_tokens"),
        output_tokens=outputs,
        reasoning_output_tokens=get_int(of_output, "reasoning_tokens"),
        total_tokens=get_int(usage, "total_tokens", inputs + outputs),
    )
