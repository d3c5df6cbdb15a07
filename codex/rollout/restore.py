"""A thread as its rollout tells it: pure, from lines to the state a resume starts with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.base.ids import uuid7
from codex.base.jsontext import JsonObject, get_int, get_list, get_object, get_str
from codex.protocol.contextual import drop_last_user_turns, is_user_turn
from codex.protocol.item import ChangeKind
from codex.protocol.permission import APPROVAL_POLICIES, SANDBOX_MODES, ApprovalPolicy, SandboxMode, SandboxPolicy
from codex.protocol.response_item import ResponseItem, input_text, is_call, is_output, message
from codex.protocol.usage import TokenUsage
from codex.rollout.lines import PASSTHROUGH, Window

_CHANGES: Mapping[str, ChangeKind] = {"add": "add", "delete": "delete", "update": "update"}
TurnState: TypeAlias = Literal["completed", "failed", "interrupted"]


@frozen
class LastTurn:
    """How the last turn ended; `unfinished`: it did not, the program died in it."""

    turn_id: str
    state: TurnState
    unfinished: bool = False


@frozen
class Settings:
    """What was in force in the last turn; None where the rollout does not say, or says what we do not know."""

    cwd: str | None = None
    model: str | None = None
    model_provider: str | None = None
    reasoning_effort: str | None = None
    reasoning_summary: str | None = None
    approval_policy: ApprovalPolicy | None = None
    sandbox_policy: SandboxPolicy | None = None


@frozen
class Restored:
    """A stored thread: `usage` is its total, `items` the history, `meta` the payload of its first line.

    `window` is the context window it stopped in; None where its lines do not name one. `changed` are the files that its
    patches wrote, the one written last at the end.
    """

    path: str
    thread_id: str
    session_id: str
    items: tuple[ResponseItem, ...]
    usage: TokenUsage
    last_usage: TokenUsage
    settings: Settings
    meta: JsonObject
    base_instructions: str | None = None
    parent_thread_id: str | None = None
    forked_from_id: str | None = None
    last_turn: LastTurn | None = None
    last_agent_message: str | None = None
    window: Window | None = None
    changed: Mapping[str, ChangeKind] = attrs.field(factory=dict[str, ChangeKind])


@attrs.define
class _State:
    items: list[ResponseItem] = attrs.field(factory=list[ResponseItem])
    usage: JsonObject = attrs.field(factory=JsonObject)
    last_usage: JsonObject = attrs.field(factory=JsonObject)
    meta: JsonObject | None = None
    context: JsonObject = attrs.field(factory=JsonObject)
    provider: str | None = None
    turn_id: str = ""
    turn: LastTurn | None = None
    last_agent_message: str | None = None
    window: Window | None = None
    changed: dict[str, ChangeKind] = attrs.field(factory=dict[str, ChangeKind])
    waiting: ResponseItem | None = None
    """What the user said that has no place in the history yet."""


def reconstruct(path: str, lines: Iterable[JsonObject], base: Iterable[JsonObject] = ()) -> Restored | None:
    """The thread that these lines tell; None when no line says whose they are.

    Lines and events of unknown types are passed over.

    Args:
      base: the lines before the fork, where the rollout builds on others (`read_bases`).
    """
    state = _State()
    for line in base:
        if line.get("type") != "session_meta":
            _take(state, line)
    state.turn_id, state.turn = "", None
    for line in lines:
        _take(state, line)
    _place_waiting(state)
    meta = state.meta
    if meta is None or not get_str(meta, "id"):
        return None
    turn = state.turn
    if state.turn_id:
        turn = LastTurn(state.turn_id, "interrupted", unfinished=True)
    thread_id = get_str(meta, "id")
    return Restored(
        path=path,
        thread_id=thread_id,
        session_id=get_str(meta, "session_id") or thread_id,
        items=tuple(state.items),
        usage=usage_of(state.usage),
        last_usage=usage_of(state.last_usage),
        settings=_settings(meta, state.context, state.provider),
        meta=meta,
        base_instructions=get_str(get_object(meta, "base_instructions"), "text") or None,
        parent_thread_id=get_str(meta, "parent_thread_id") or None,
        forked_from_id=get_str(meta, "forked_from_id") or None,
        last_turn=turn,
        last_agent_message=state.last_agent_message,
        window=state.window or _first_window(meta),
        changed=state.changed,
    )


def forkable(items: Sequence[ResponseItem]) -> tuple[ResponseItem, ...]:
    """A history that another thread can start with: without calls that have no output yet, and without the reasoning
    that led to them, since a server refuses reasoning whose fruit is missing."""
    answered = {(item.get("type"), item.get("call_id")) for item in items if is_output(item)}
    kept: list[ResponseItem] = []
    for item in items:
        if is_call(item) and (f"{item['type']}_output", item.get("call_id")) not in answered:
            while kept and kept[-1].get("type") == "reasoning":
                kept.pop()
        else:
            kept.append(item)
    while kept and kept[-1].get("type") == "reasoning":
        kept.pop()
    return tuple(kept)


def _take(state: _State, line: JsonObject) -> None:
    payload = get_object(line, "payload")
    match line.get("type"):
        case "session_meta":
            state.meta = payload if state.meta is None else state.meta
        case "response_item":
            item = {key: value for key, value in payload.items() if key != PASSTHROUGH}
            state.items.append(item)
            if is_user_turn(item):
                state.waiting = None
        case "turn_input":
            state.waiting = get_object(payload, "item") or None
        case "turn_context":
            state.context = payload
        case "inter_agent_communication":
            state.items.append(_letter(payload))
        case "compacted":
            state.items = _compacted(state.items, payload)
            state.window = _window(payload)
        case "token_usage_record":
            state.usage = get_object(payload, "thread_token_usage") or state.usage
            state.last_usage = get_object(payload, "usage") or state.last_usage
        case "event_msg":
            _take_event(state, payload)
        case _:
            pass


def _take_event(state: _State, payload: JsonObject) -> None:
    turn_id = get_str(payload, "turn_id")
    match payload.get("type"):
        case "task_started":
            _place_waiting(state)
            state.turn_id = turn_id
        case "task_complete":
            failed = bool(get_object(payload, "error"))
            state.turn_id, state.turn = "", LastTurn(turn_id, "failed" if failed else "completed")
            state.last_agent_message = get_str(payload, "last_agent_message") or state.last_agent_message
        case "turn_aborted":
            state.turn_id, state.turn = "", LastTurn(turn_id, "interrupted")
        case "token_count":
            info = get_object(payload, "info")
            state.usage = get_object(info, "total_token_usage") or state.usage
            state.last_usage = get_object(info, "last_token_usage") or state.last_usage
        case "item_completed":
            _take_changes(state.changed, get_object(payload, "item"))
        case "thread_settings_applied":
            state.provider = get_str(get_object(payload, "thread_settings"), "model_provider_id") or state.provider
        case "thread_rolled_back":
            state.items = drop_last_user_turns(state.items, get_int(payload, "num_turns"))
        case _:
            pass


def _place_waiting(state: _State) -> None:
    """Its turn ended without it: what the user said is not lost."""
    if state.waiting is not None:
        state.items.append(state.waiting)
        state.waiting = None


def _take_changes(changed: dict[str, ChangeKind], item: JsonObject) -> None:
    """Note what a patch wrote; a file that was moved is gone from where it was."""
    if item.get("type") != "FileChange" or item.get("status") != "completed":
        return
    for path, change in get_object(item, "changes").items():
        if not isinstance(change, dict) or (kind := _CHANGES.get(get_str(change, "type"))) is None:
            continue
        moved = get_str(change, "move_path")
        changed.pop(path, None)
        changed[path] = "delete" if moved and moved != path else kind
        if moved and moved != path:
            changed.pop(moved, None)
            changed[moved] = "add"


def _letter(payload: JsonObject) -> ResponseItem:
    """What one agent wrote to another, where it is no item of the history yet (as Codex once kept it)."""
    sealed = get_str(payload, "encrypted_content")
    part: JsonObject = input_text(get_str(payload, "content"))
    if sealed:
        part = {"type": "encrypted_content", "encrypted_content": sealed}
    return {
        "type": "agent_message",
        "id": get_str(payload, "id") or f"amsg_{uuid7()}",
        "author": payload.get("author"),
        "recipient": payload.get("recipient"),
        "content": [part],
    }


def _compacted(items: Sequence[ResponseItem], payload: JsonObject) -> list[ResponseItem]:
    replacement = payload.get("replacement_history")
    if isinstance(replacement, list):
        kept = [item for item in replacement if isinstance(item, dict)]
        return [{key: value for key, value in item.items() if key != PASSTHROUGH} for item in kept]
    # An old rollout without the new history: what the user said, and the summary.
    said = [item for item in items if is_user_turn(item)]
    return [*said, message("user", [input_text(get_str(payload, "message"))])]


def _first_window(meta: JsonObject) -> Window | None:
    window_id = get_str(get_object(meta, "context_window"), "window_id")
    return Window(window_id, window_id) if window_id else None


def _window(payload: JsonObject) -> Window | None:
    window_id = get_str(payload, "window_id")
    if not window_id:
        return None
    first, previous = get_str(payload, "first_window_id"), get_str(payload, "previous_window_id")
    return Window(window_id, first or window_id, get_int(payload, "window_number"), previous or None)


def usage_of(counts: JsonObject) -> TokenUsage:
    """Token counts under Codex's names."""
    return TokenUsage(
        get_int(counts, "input_tokens"),
        get_int(counts, "cached_input_tokens"),
        get_int(counts, "cache_write_input_tokens"),
        get_int(counts, "output_tokens"),
        get_int(counts, "reasoning_output_tokens"),
        get_int(counts, "total_tokens"),
    )


def _settings(meta: JsonObject, context: JsonObject, provider: str | None) -> Settings:
    approval = context.get("approval_policy")
    summary = get_str(context, "summary")
    return Settings(
        cwd=get_str(context, "cwd") or get_str(meta, "cwd") or None,
        model=get_str(context, "model") or None,
        model_provider=provider or get_str(meta, "model_provider") or None,
        reasoning_effort=get_str(context, "effort") or None,
        reasoning_summary=None if summary in ("", "none") else summary,
        approval_policy=next((known for known in APPROVAL_POLICIES if known == approval), None),
        sandbox_policy=_sandbox(get_object(context, "sandbox_policy")),
    )


def _sandbox(policy: JsonObject) -> SandboxPolicy | None:
    mode: SandboxMode | None = next((mode for mode in SANDBOX_MODES if mode == policy.get("type")), None)
    if mode is None:
        return None
    return SandboxPolicy(
        mode=mode,
        writable_roots=tuple(root for root in get_list(policy, "writable_roots") if isinstance(root, str)),
        network_access=policy.get("network_access") is True,
        exclude_tmpdir_env_var=policy.get("exclude_tmpdir_env_var") is True,
        exclude_slash_tmp=policy.get("exclude_slash_tmp") is True,
    )
