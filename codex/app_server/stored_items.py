"""Items as a rollout keeps them, in the words of the engine.  Pure.

Kinds that nobody here knows, and parts that are damaged, are left out: a thread that cannot be shown whole is shown as
far as it can be read.
"""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar, cast, get_args
from urllib.parse import unquote

from codex.base.jsontext import Json, JsonObject, get_list, get_object, get_str
from codex.protocol import item as engine
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput, UserInput

_Word = TypeVar("_Word", bound=str)
_Stored: TypeAlias = engine.ThreadItem | None


def read_item(payload: JsonObject) -> _Stored:
    """The item of an `item_completed` line; None for a kind that is not known."""
    read = _READERS.get(get_str(payload, "type"))
    return None if read is None else read(payload, get_str(payload, "id"))


def _user(payload: JsonObject, item_id: str) -> _Stored:
    parts = (_input(part) for part in get_list(payload, "content") if isinstance(part, dict))
    content = tuple(part for part in parts if part is not None)
    return engine.UserMessage(item_id, content, get_str(payload, "client_id") or None)


def _input(part: JsonObject) -> UserInput | None:
    match part.get("type"):
        case "text":
            return TextInput(get_str(part, "text"))
        case "image":
            return ImageInput(get_str(part, "image_url") or get_str(part, "url"))
        case "local_image":
            return LocalImageInput(get_str(part, "path"))
        case _:
            return None


def _agent(payload: JsonObject, item_id: str) -> _Stored:
    texts = (get_str(part, "text") for part in get_list(payload, "content") if isinstance(part, dict))
    return engine.AgentMessage(item_id, "".join(texts), get_str(payload, "phase") or None)


def _reasoning(payload: JsonObject, item_id: str) -> _Stored:
    return engine.Reasoning(item_id, _texts(payload, "summary_text"), _texts(payload, "raw_content"))


def _command(payload: JsonObject, item_id: str) -> _Stored:
    exit_code = payload.get("exit_code")
    return engine.CommandExecution(
        item_id,
        _texts(payload, "command"),
        _path(get_str(payload, "cwd")),
        status=_word(payload, "status", engine.CommandStatus, "completed"),
        process_id=get_str(payload, "process_id") or None,
        aggregated_output=get_str(payload, "aggregated_output"),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        duration=_seconds(payload),
        source=_word(payload, "source", engine.CommandSource, "agent"),
    )


def _patch(payload: JsonObject, item_id: str) -> _Stored:
    changes: list[engine.FileUpdate] = []
    for path, change in get_object(payload, "changes").items():
        if isinstance(change, dict):
            kind: engine.ChangeKind = _word(change, "type", engine.ChangeKind, "update")
            diff, moved = get_str(change, "unified_diff"), get_str(change, "move_path") or None
            changes.append(engine.FileUpdate(path, kind, get_str(change, "content"), diff, moved))
    return engine.FileChange(item_id, tuple(changes), _word(payload, "status", engine.PatchStatus, "completed"))


def _collab(payload: JsonObject, item_id: str) -> _Stored:
    states = get_object(payload, "agents_states")
    return engine.CollabToolCall(
        item_id,
        _word(payload, "tool", engine.CollabTool, "spawn_agent"),
        get_str(payload, "sender_thread_id"),
        _texts(payload, "receiver_thread_ids"),
        get_str(payload, "prompt") or None,
        {thread_id: _state(state) for thread_id, state in states.items()},
        _word(payload, "status", engine.CallStatus, "completed"),
    )


def _state(state: Json) -> engine.AgentState:
    if isinstance(state, dict) and len(state) == 1:
        ((status, message),) = state.items()
        return engine.AgentState(_known(status), message if isinstance(message, str) else None)
    return engine.AgentState(_known(state))


def _known(status: Json) -> engine.AgentStatusKind:
    return cast("engine.AgentStatusKind", status if status in get_args(engine.AgentStatusKind) else "not_found")


def _activity(payload: JsonObject, item_id: str) -> _Stored:
    kind = get_str(payload, "kind")
    if kind not in ("started", "interacted", "interrupted"):
        return None
    return engine.SubAgentActivity(
        item_id,
        kind,
        get_str(payload, "agent_thread_id"),
        get_str(payload, "agent_path"),
        get_str(payload, "model") or None,
        get_str(payload, "reasoning_effort") or None,
    )


def _dynamic(payload: JsonObject, item_id: str) -> _Stored:
    success = payload.get("success")
    return engine.DynamicToolCall(
        item_id,
        get_str(payload, "tool"),
        payload.get("arguments"),
        get_str(payload, "namespace") or None,
        _word(payload, "status", engine.CallStatus, "completed"),
        tuple(part for part in get_list(payload, "content_items") if isinstance(part, dict)),
        success if isinstance(success, bool) else None,
        _seconds(payload),
    )


def _image(payload: JsonObject, item_id: str) -> _Stored:
    return engine.ImageView(item_id, _path(get_str(payload, "path")))


def _search(payload: JsonObject, item_id: str) -> _Stored:
    return engine.WebSearch(item_id, get_str(payload, "query"), get_object(payload, "action"))


def _compaction(payload: JsonObject, item_id: str) -> _Stored:
    return engine.ContextCompaction(item_id)


_READERS = {
    "UserMessage": _user,
    "AgentMessage": _agent,
    "Reasoning": _reasoning,
    "CommandExecution": _command,
    "FileChange": _patch,
    "CollabAgentToolCall": _collab,
    "SubAgentActivity": _activity,
    "DynamicToolCall": _dynamic,
    "ImageView": _image,
    "WebSearch": _search,
    "ContextCompaction": _compaction,
}


def _texts(payload: Mapping[str, Json], key: str) -> tuple[str, ...]:
    values = payload.get(key)
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _word(payload: JsonObject, key: str, words: object, otherwise: _Word) -> _Word:
    """One of the words of a `Literal`; rollouts of Codex have some that we do not."""
    word = payload.get(key)
    return cast("_Word", word) if word in get_args(words) else otherwise


def _seconds(payload: JsonObject) -> float | None:
    duration = payload.get("duration")
    if not isinstance(duration, dict):
        return None
    secs, nanos = duration.get("secs"), duration.get("nanos")
    return float(secs if isinstance(secs, int) else 0) + (nanos if isinstance(nanos, int) else 0) / 1_000_000_000


def _path(uri: str) -> str:
    return unquote(uri.removeprefix("file://"), errors="surrogateescape") if uri.startswith("file://") else uri
