"""Events as the JSON lines of `codex exec --json`, in Codex's shape.  Pure: a message goes in, lines come out.

    thread.started, [item.completed (warnings)], turn.started, item.* …, turn.completed | turn.failed

Item ids count from 0 in the order in which items first appear here; deltas and what Codex does not print make nothing.
The plan lives as one `todo_list` item that is completed right before the turn ends. One thing is ours: an interrupted
turn ends with `turn.failed` and its usage, where Codex just stops. Another line is ours: `approval.refused`, what the
policy refused without asking; readers of Codex's lines skip types that they do not know.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from codex.base.jsontext import Json, JsonObject, encode_bytes
from codex.base.quoting import command_line
from codex.protocol.event import (
    ActionRefused,
    ErrorNotice,
    EventMsg,
    ItemCompleted,
    ItemStarted,
    ItemUpdated,
    PlanUpdate,
    SessionConfigured,
    StreamErrorNotice,
    TaskComplete,
    TaskStarted,
    TokenCount,
    TurnAborted,
    TurnFailed,
    Warning,
)
from codex.protocol.item import (
    AgentMessage,
    CollabToolCall,
    CommandExecution,
    ErrorNote,
    FileChange,
    PlanStep,
    Reasoning,
    ThreadItem,
    TodoList,
    WebSearch,
)
from codex.protocol.usage import TokenUsage

Stage: TypeAlias = Literal["item.started", "item.updated", "item.completed"]

INTERRUPTED = {
    "interrupted": "the turn was interrupted",
    "replaced": "the turn was interrupted: another one replaced it",
    "shutdown": "the turn was interrupted: the thread was shut down",
}


class JsonLines:
    """Turns one thread's messages into lines; each call returns the finished lines of that message."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._count = 0
        self._usage = TokenUsage()
        self._last_error: str | None = None
        self._in_turn = False
        self._todo: tuple[str, Sequence[PlanStep]] | None = None
        self._todo_from_items: bool | None = None
        self._handlers: dict[type, Callable[..., bytes]] = {
            SessionConfigured: self._session_configured,
            TaskStarted: self._task_started,
            TaskComplete: self._task_complete,
            TurnFailed: self._turn_failed,
            TurnAborted: self._turn_aborted,
            ItemStarted: self._item_started,
            ItemUpdated: self._item_updated,
            ItemCompleted: self._item_completed,
            PlanUpdate: self._plan_update,
            TokenCount: self._token_count,
            StreamErrorNotice: self._error,
            ErrorNotice: self._error,
            ActionRefused: self._action_refused,
            Warning: self._warning,
        }

    def render(self, msg: EventMsg) -> bytes:
        """The lines of this message; empty for what is not printed."""
        handler = self._handlers.get(type(msg))
        return handler(msg) if handler is not None else b""

    def cut_off(self, message: str) -> bytes:
        """The lines that end a turn of which no end came; empty when none is open."""
        if not self._in_turn:
            return b""
        return self._end(_line({"type": "turn.failed", "error": {"message": message}, "usage": _usage(self._usage)}))

    def _session_configured(self, msg: SessionConfigured) -> bytes:
        return _line({"type": "thread.started", "thread_id": msg.thread_id})

    def _task_started(self, msg: TaskStarted) -> bytes:
        self._in_turn, self._last_error = True, None
        return _line({"type": "turn.started"})

    def _task_complete(self, msg: TaskComplete) -> bytes:
        return self._end(_line({"type": "turn.completed", "usage": _usage(msg.usage)}))

    def _turn_failed(self, msg: TurnFailed) -> bytes:
        said = b"" if self._last_error == msg.message else _line({"type": "error", "message": msg.message})
        return self._end(said + _line({"type": "turn.failed", "error": {"message": msg.message}}))

    def _turn_aborted(self, msg: TurnAborted) -> bytes:
        self._usage = msg.usage
        return self.cut_off(INTERRUPTED[msg.reason])

    def _end(self, line: bytes) -> bytes:
        self._in_turn = False
        todo, self._todo, self._todo_from_items = self._todo, None, None
        return _item("item.completed", todo[0], _todo_list(todo[1])) + line if todo else line

    def _token_count(self, msg: TokenCount) -> bytes:
        self._usage = msg.total
        return b""

    def _error(self, msg: StreamErrorNotice | ErrorNotice) -> bytes:
        if isinstance(msg, ErrorNotice):
            self._last_error = msg.message
        return _line({"type": "error", "message": msg.message})

    def _action_refused(self, msg: ActionRefused) -> bytes:
        return _line({"type": "approval.refused", "call_id": msg.call_id, "action": msg.action, "reason": msg.reason})

    def _warning(self, msg: Warning) -> bytes:
        return _item("item.completed", self._new_id(), {"type": "error", "message": msg.message})

    def _item_started(self, msg: ItemStarted) -> bytes:
        return self._stage("item.started", msg.item)

    def _item_updated(self, msg: ItemUpdated) -> bytes:
        return self._stage("item.updated", msg.item)

    def _item_completed(self, msg: ItemCompleted) -> bytes:
        return self._stage("item.completed", msg.item)

    def _stage(self, stage: Stage, item: ThreadItem) -> bytes:
        match item:
            case CommandExecution(stopped_at_once=True):
                return b""
            case CommandExecution() | FileChange() | CollabToolCall() | WebSearch():
                return self._living(stage, item.id, _body(item))
            case AgentMessage(text=text) if stage == "item.completed":
                return _item(stage, self._new_id(), {"type": "agent_message", "text": text})
            case Reasoning(summary=summary) if stage == "item.completed":
                text = "\n".join(summary)
                return _item(stage, self._new_id(), {"type": "reasoning", "text": text}) if text.strip() else b""
            case ErrorNote(message=message) if stage == "item.completed":
                return _item(stage, self._new_id(), {"type": "error", "message": message})
            case TodoList(steps=steps) if stage != "item.completed":
                return self._set_todo(steps, from_items=True)
            case _:
                return b""

    def _living(self, stage: Stage, engine_id: str, body: JsonObject) -> bytes:
        known = self._ids.get(engine_id)
        if known is None:
            known = self._ids[engine_id] = self._new_id()
        if stage == "item.completed":
            del self._ids[engine_id]
        return _item(stage, known, body)

    def _plan_update(self, msg: PlanUpdate) -> bytes:
        return self._set_todo(msg.plan, from_items=False)

    def _set_todo(self, steps: Sequence[PlanStep], *, from_items: bool) -> bytes:
        # A plan may be told as an item, as an update or as both: whichever came first in the turn counts.
        if self._todo_from_items not in (None, from_items):
            return b""
        self._todo_from_items = from_items
        stage: Stage = "item.started" if self._todo is None else "item.updated"
        item_id = self._new_id() if self._todo is None else self._todo[0]
        self._todo = (item_id, steps)
        return _item(stage, item_id, _todo_list(steps))

    def _new_id(self) -> str:
        self._count += 1
        return f"item_{self._count - 1}"


def _body(item: CommandExecution | FileChange | CollabToolCall | WebSearch) -> JsonObject:
    match item:
        case WebSearch():
            # Codex writes `id` twice here; readers of JSON keep the second, which is the server's.
            return {"type": "web_search", "id": item.id, "query": item.query, "action": item.action}
        case CommandExecution():
            return {
                "type": "command_execution",
                "command": command_line(item.command),
                "aggregated_output": item.aggregated_output,
                "exit_code": item.exit_code,
                "status": item.status,
            }
        case FileChange():
            changes: list[Json] = [{"path": change.path, "kind": change.kind} for change in item.changes]
            status = "failed" if item.status == "declined" else item.status
            return {"type": "file_change", "changes": changes, "status": status}
        case CollabToolCall():
            states: JsonObject = {
                thread_id: {"status": state.status, "message": state.message}
                for thread_id, state in item.agents_states.items()
            }
            return {
                "type": "collab_tool_call",
                "tool": "wait" if item.tool == "resume_agent" else item.tool,
                "sender_thread_id": item.sender_thread_id,
                "receiver_thread_ids": [*item.receiver_thread_ids],
                "prompt": item.prompt,
                "agents_states": states,
                "status": item.status,
            }


def _todo_list(steps: Sequence[PlanStep]) -> JsonObject:
    return {
        "type": "todo_list",
        "items": [{"text": step.step, "completed": step.status == "completed"} for step in steps],
    }


def _usage(usage: TokenUsage) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_input_tokens": usage.cache_write_input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_output_tokens": usage.reasoning_output_tokens,
    }


def _item(stage: Stage, item_id: str, body: JsonObject) -> bytes:
    return _line({"type": stage, "item": {"id": item_id, **body}})


def _line(value: JsonObject) -> bytes:
    return encode_bytes(value) + b"\n"
