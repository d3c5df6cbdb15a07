"""The chat completion stream: chunks in, the same `ResponseEvent`s out as from a Responses stream.

    text or reasoning --------> an item opens; the other kind, or a call, closes it
    call fragments -----------> collected; calls are told when they are whole
    finish_reason ------------> every open item and call is told as done
    then usage, [DONE], or EOF -> completed

Law: every call is told once, whole. Servers differ: the index may be missing or always 0, ids may be missing or new on
every fragment, arguments may be an object, reasoning has two names, `[DONE]` and usage may be missing.
"""

from collections.abc import Callable, Sequence

from codex.base.ids import uuid7
from codex.base.jsontext import Json, JsonObject, decode, encode, get_list, get_object, get_str
from codex.model.failures import failure_of_response, incomplete_response, stream_failure
from codex.model.plain_tools import PlainTools
from codex.model.sse import DONE_TYPE
from codex.model.stream import CLOSED_EARLY, usage_of
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


class _Call:
    """A call that is still being told."""

    def __init__(self, name: str, call_id: str) -> None:
        self.name = name
        self.call_id = call_id
        self.fragments: list[str] = []

    def is_whole(self) -> bool:
        try:
            decode("".join(self.fragments).encode("utf-8", "surrogatepass"))
        except ValueError:
            return False
        return True


class _Texts:
    """The open text item: the answer, or the reasoning."""

    def __init__(self, kind: str, item_id: str) -> None:
        self.kind = kind
        self.item_id = item_id
        self.parts: list[str] = []

    def item(self, status: str) -> JsonObject:
        text = "".join(self.parts)
        if self.kind == "reasoning":
            content: list[Json] = [{"type": "reasoning_text", "text": text}] if text else []
            return {"type": "reasoning", "id": self.item_id, "summary": [], "content": content}
        parts: list[Json] = [{"type": "output_text", "text": text, "annotations": []}] if text else []
        return {"type": "message", "id": self.item_id, "status": status, "role": "assistant", "content": parts}


class ChatDecoder:
    """Decodes one chat stream.

    Args:
      tools: the request's tools, to turn calls back.
      taken: call ids of the history: some servers count from zero in every answer.
      new_id: makes ids where the server gives none.
    """

    def __init__(self, tools: PlainTools, taken: Sequence[str] = (), *, new_id: Callable[[], str] = uuid7) -> None:
        self.finished = False
        self.failure: ModelError | None = None
        self._tools = tools
        self._taken = set(taken)
        self._new_id = new_id
        self._response_id = ""
        self._created = False
        self._texts: _Texts | None = None
        self._calls: list[_Call] = []
        self._call_at: dict[int | None, _Call] = {}
        self._usage: TokenUsage | None = None
        self._finish_reason = ""

    def fail(self, error: ModelError) -> None:
        """The stream cannot go on."""
        self.failure = error

    def feed(self, events: Sequence[JsonObject]) -> list[ResponseEvent]:
        """The events these chunks mean; deltas next to each other become one."""
        out: list[ResponseEvent] = []
        for chunk in events:
            if self.finished or self.failure is not None:
                break
            self._chunk(chunk, out)
        return out

    def finish(self) -> list[ResponseEvent]:
        """The body ended: well when a finish reason came, badly otherwise."""
        out: list[ResponseEvent] = []
        if not self.finished and self.failure is None:
            self._end(out, is_told=bool(self._finish_reason))
        return out

    def _chunk(self, chunk: JsonObject, out: list[ResponseEvent]) -> None:
        if chunk.get("type") == DONE_TYPE:
            self._end(out, is_told=True)
            return
        if error := chunk.get("error"):
            self.failure = failure_of_response(error if isinstance(error, dict) else {"message": str(error)})
            return
        if not self._created:
            self._created = True
            self._response_id = get_str(chunk, "id") or f"chatcmpl-{self._new_id()}"
            out.append(ResponseCreated(self._response_id))
        self._usage = usage_of(chunk.get("usage")) or self._usage
        choices = get_list(chunk, "choices")
        choice = choices[0] if choices else None
        if isinstance(choice, dict):
            self._choice(choice, out)
        # Usage after the finish reason is the last that a server says.
        if self._finish_reason and chunk.get("usage") and self.failure is None:
            self._end(out, is_told=True)

    def _choice(self, choice: JsonObject, out: list[ResponseEvent]) -> None:
        delta = get_object(choice, "delta") or get_object(choice, "message")
        for name in ("reasoning", "reasoning_content"):
            if text := get_str(delta, name):
                self._text("reasoning", text, out)
                break
        for kind, text in _contents(delta):
            self._text(kind, text, out)
        for fragment in get_list(delta, "tool_calls"):
            if isinstance(fragment, dict):
                self._close_texts(out)
                self._fragment(fragment)
        if reason := get_str(choice, "finish_reason"):
            self._finish_reason = reason
            self._close_texts(out)
            self._tell_calls(out)
            if reason in ("length", "content_filter"):
                self.failure = incomplete_response("max_output_tokens" if reason == "length" else reason)

    def _text(self, kind: str, text: str, out: list[ResponseEvent]) -> None:
        if self._texts is None or self._texts.kind != kind:
            self._close_texts(out)
            prefix = "rs" if kind == "reasoning" else "msg"
            self._texts = _Texts(kind, f"{prefix}_{self._new_id()}")
            out.append(OutputItemAdded(self._texts.item("in_progress")))
        self._texts.parts.append(text)
        item_id = self._texts.item_id
        last = out[-1] if out else None
        if kind == "reasoning":
            joined = isinstance(last, ReasoningTextDelta) and last.item_id == item_id
            before = last.delta if isinstance(last, ReasoningTextDelta) and joined else ""
            _put(out, ReasoningTextDelta(item_id, before + text, raw=True), replace=joined)
        else:
            joined = isinstance(last, OutputTextDelta) and last.item_id == item_id
            before = last.delta if isinstance(last, OutputTextDelta) and joined else ""
            _put(out, OutputTextDelta(item_id, before + text), replace=joined)

    def _close_texts(self, out: list[ResponseEvent]) -> None:
        texts, self._texts = self._texts, None
        if texts is not None:
            out.append(OutputItemDone(texts.item("completed")))

    def _fragment(self, fragment: JsonObject) -> None:
        function = get_object(fragment, "function")
        index = fragment.get("index")
        key = index if isinstance(index, int) else None
        name, call_id = get_str(function, "name"), get_str(fragment, "id")
        call = self._call_at.get(key)
        if call is None or self._is_another(call, name, call_id):
            call = _Call(name, call_id)
            self._call_at[key] = call
            self._calls.append(call)
        call.name = call.name or name
        call.call_id = call.call_id or call_id
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            call.fragments.append(arguments)
        elif arguments is not None:
            call.fragments.append(encode(arguments))

    def _is_another(self, call: _Call, name: str, call_id: str) -> bool:
        """Whether a fragment at a known index begins a new call all the same."""
        if not name or (call_id and call_id == call.call_id):
            return False
        if call.name and name != call.name:
            return True
        return call.is_whole()

    def _tell_calls(self, out: list[ResponseEvent]) -> None:
        for call in self._calls:
            if not call.name:
                continue
            call_id = call.call_id
            if not call_id or call_id in self._taken:
                call_id = f"call_{self._new_id()}"
            self._taken.add(call_id)
            item = self._tools.call_from_plain(
                call.name, "".join(call.fragments), item_id=f"fc_{self._new_id()}", call_id=call_id
            )
            out.append(OutputItemAdded(item))
            out.append(OutputItemDone(item))
        self._calls.clear()
        self._call_at.clear()

    def _end(self, out: list[ResponseEvent], *, is_told: bool) -> None:
        if not is_told or not self._created:
            self.failure = stream_failure(CLOSED_EARLY)
            return
        self._close_texts(out)
        self._tell_calls(out)
        out.append(ResponseCompleted(self._response_id, self._usage))
        self.finished = True


def _put(out: list[ResponseEvent], event: ResponseEvent, *, replace: bool) -> None:
    if replace:
        out[-1] = event
    else:
        out.append(event)


def _contents(delta: JsonObject) -> list[tuple[str, str]]:
    """The delta's texts with their kinds; some servers send lists of parts."""
    content = delta.get("content") or delta.get("refusal")
    if isinstance(content, str):
        return [("message", content)]
    found: list[tuple[str, str]] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            if text := get_str(part, "text"):
                found.append(("message", text))
            for thought in get_list(part, "thinking"):
                if isinstance(thought, dict) and (text := get_str(thought, "text")):
                    found.append(("reasoning", text))
    return found
