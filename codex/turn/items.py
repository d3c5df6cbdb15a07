"""From a response's events to what people see and what the history keeps.  Pure."""

from collections.abc import Sequence

import attrs

from codex.base.jsontext import JsonObject, get_list, get_object, get_str
from codex.ports.model import (
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    ReasoningTextDelta,
    ResponseCompleted,
    ResponseCreated,
    ResponseEvent,
)
from codex.protocol.event import AgentMessageDelta, EventMsg, ItemCompleted, ItemStarted, ReasoningDelta
from codex.protocol.item import AgentMessage, Reasoning, WebSearch
from codex.protocol.response_item import ResponseItem, is_call, message_text
from codex.protocol.usage import TokenUsage
from codex.tools import ToolCall, call_of


@attrs.define
class Step:
    """What one batch of events amounts to."""

    msgs: list[EventMsg] = attrs.field(factory=list[EventMsg])
    items: list[ResponseItem] = attrs.field(factory=list[ResponseItem])
    calls: list[ToolCall] = attrs.field(factory=list[ToolCall])
    completed: ResponseCompleted | None = None
    spoke: bool = False
    """Whether the model produced anything in this batch, for the time to its first token."""


class ItemTracker:
    """Follows one response. What never came to its end is shown by nothing but its start and its deltas."""

    def __init__(self, turn_id: str) -> None:
        self._turn_id = turn_id
        self._unnamed = 0
        self.last_message: str | None = None
        self.usage: TokenUsage | None = None

    def step(self, events: Sequence[ResponseEvent]) -> Step:
        """Take the next batch."""
        step = Step()
        for event in events:
            match event:
                case OutputTextDelta(item_id=item_id, delta=delta, pieces=pieces):
                    step.msgs.append(AgentMessageDelta(self._turn_id, item_id, delta, pieces))
                    step.spoke = True
                case ReasoningTextDelta(item_id=item_id, delta=delta, raw=raw, pieces=pieces):
                    step.msgs.append(ReasoningDelta(self._turn_id, item_id, delta, raw, pieces))
                    step.spoke = True
                case OutputItemAdded(item=item):
                    self._added(item, step)
                case OutputItemDone(item=item):
                    self._done(item, step)
                    step.spoke = True
                case ResponseCompleted():
                    step.completed = event
                case ResponseCreated():
                    pass
        return step

    def _added(self, item: ResponseItem, step: Step) -> None:
        shown = _shown(item)
        if shown is not None:
            step.msgs.append(ItemStarted(self._turn_id, shown))

    def _done(self, item: ResponseItem, step: Step) -> None:
        if is_call(item) and not get_str(item, "call_id"):
            # Some local servers leave the id out; without one no output could answer the call.
            self._unnamed += 1
            item = {**item, "call_id": get_str(item, "id") or f"call_{self._turn_id}_{self._unnamed}"}
        step.items.append(item)
        call = call_of(item)
        if call is not None:
            step.calls.append(call)
        shown = _shown(item)
        if shown is None:
            return
        if isinstance(shown, AgentMessage):
            self.last_message = shown.text
        if not (isinstance(shown, Reasoning) and not (shown.summary or shown.content)):
            step.msgs.append(ItemCompleted(self._turn_id, shown))


def _shown(item: ResponseItem) -> AgentMessage | Reasoning | WebSearch | None:
    match item.get("type"):
        case "message" if item.get("role", "assistant") == "assistant":
            return AgentMessage(get_str(item, "id"), message_text(item), get_str(item, "phase") or None)
        case "reasoning":
            return Reasoning(get_str(item, "id"), _texts(item, "summary"), _texts(item, "content"))
        case "web_search_call":
            action = _search_action(item)
            return WebSearch(get_str(item, "id"), _search_query(action), action)
        case _:
            return None


def _search_action(item: ResponseItem) -> JsonObject:
    action = get_object(item, "action")
    return action if action.get("type") in ("search", "open_page", "find_in_page") else {"type": "other"}


def _search_query(action: JsonObject) -> str:
    """What was searched, in one line."""
    url, pattern = get_str(action, "url"), get_str(action, "pattern")
    match action["type"]:
        case "search":
            queries = [query for query in get_list(action, "queries") if isinstance(query, str)]
            more = " ..." if len(queries) > 1 else ""
            return get_str(action, "query") or (f"{queries[0]}{more}" if queries else "")
        case "find_in_page" if pattern:
            return f"'{pattern}' in {url}" if url else f"'{pattern}'"
        case _:
            return url


def _texts(item: ResponseItem, key: str) -> tuple[str, ...]:
    return tuple(get_str(part, "text") for part in get_list(item, key) if isinstance(part, dict))
