"""The lines of a rollout, in Codex's format: `{"timestamp","ordinal","type","payload"}`.

Pure builders, one for each kind that we write. A `Line` has no ordinal yet: its writer numbers it. Times are unix
seconds, given by the caller. Codex 0.169 resumes what is built here; it ignores line types that it does not know.
"""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject
from codex.config.schema import Config
from codex.ports.agents import Generation
from codex.protocol.blobs import without_images
from codex.protocol.item import ThreadItem
from codex.protocol.permission import policies_of, policy_json
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.rollout._items import item_payload
from codex.rollout._profile import permission_profile, sandbox_payload

PASSTHROUGH = "internal_chat_message_metadata_passthrough"
# The kinds of errors that Codex can read as a plain word.
_ERROR_KINDS = frozenset(
    {
        "context_window_exceeded",
        "usage_limit_exceeded",
        "server_overloaded",
        "internal_server_error",
        "unauthorized",
        "bad_request",
        "other",
    }
)


@frozen
class Line:
    """One line to be written; `at` is when it happened."""

    kind: str
    payload: JsonObject
    at: float


@frozen
class TurnIds:
    """Which turn of which thread; `session_id` is the root thread, `root_turn_id` the turn of it that caused this."""

    thread_id: str
    session_id: str
    turn_id: str
    root_turn_id: str
    parent_turn_id: str | None = None


@frozen
class SubAgentSource:
    """Where a sub-agent's thread comes from."""

    parent_thread_id: str
    depth: int
    agent_path: str | None = None
    nickname: str | None = None
    role: str | None = None


@frozen
class Window:
    """What the model sees of a thread between two compactions; the first one has number 0 and no `previous_id`."""

    window_id: str
    first_id: str
    number: int = 0
    previous_id: str | None = None

    def next(self, window_id: str) -> "Window":
        """The window that a compaction opens."""
        return Window(window_id, self.first_id, self.number + 1, self.window_id)


def timestamp(at: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    ms = int(at * 1000)
    return f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def session_meta(
    *,
    thread_id: str,
    session_id: str,
    cwd: str,
    originator: str,
    cli_version: str,
    model_provider: str,
    base_instructions: str,
    at: float,
    source: str = "exec",
    agent: SubAgentSource | None = None,
    forked_from_id: str | None = None,
    git: Mapping[str, str] | None = None,
    window_id: str | None = None,
    multi_agent: Generation = "v1",
    extra: Mapping[str, Json] | None = None,
) -> Line:
    """The first line of a thread's rollout.

    Args:
      source: which front-end started the thread; for a sub-agent, give `agent` instead.
      git: `commit_hash`, `branch`, `repository_url`, as far as known.
      window_id: the first context window; compactions name it.
      multi_agent: which generation of tools for agents it has; Codex names the first for sub-agents only.
      extra: fields of our own, put at the end.
    """
    payload: JsonObject = {"session_id": session_id, "id": thread_id}
    if forked_from_id is not None:
        payload["forked_from_id"] = forked_from_id
    if agent is not None:
        payload["parent_thread_id"] = agent.parent_thread_id
    payload |= {
        "timestamp": timestamp(at),
        "cwd": cwd,
        "runtime_workspace_roots": [cwd],
        "originator": originator,
        "cli_version": cli_version,
        "source": source if agent is None else _spawned(agent),
        "thread_source": "user" if agent is None else "subagent",
    }
    if agent is not None:
        names = {"agent_nickname": agent.nickname, "agent_role": agent.role, "agent_path": agent.agent_path}
        payload |= {key: value for key, value in names.items() if value is not None}
    payload |= {
        "model_provider": model_provider,
        "base_instructions": {"text": base_instructions},
        "history_mode": "paginated",
    }
    if agent is not None or multi_agent == "v2":
        payload["multi_agent_version"] = multi_agent
    if window_id is not None:
        payload["context_window"] = {"window_id": window_id}
    if git:
        payload["git"] = {**git}
    if extra:
        payload |= extra
    return Line("session_meta", payload, at)


def _spawned(agent: SubAgentSource) -> JsonObject:
    spawn: JsonObject = {
        "parent_thread_id": agent.parent_thread_id,
        "depth": agent.depth,
        "agent_path": agent.agent_path,
        "agent_nickname": agent.nickname,
        "agent_role": agent.role,
    }
    return {"subagent": {"thread_spawn": spawn}}


def turn_context(ids: TurnIds, config: Config, *, model: str, at: float, multi_agent: Generation = "v1") -> Line:
    """What is in force for a turn; a resume takes its settings from the last of these lines."""
    payload: JsonObject = {
        "turn_id": ids.turn_id,
        "root_turn_id": ids.root_turn_id,
        "cwd": config.cwd,
        "approval_policy": _policy(config),
        "approvals_reviewer": config.approvals_reviewer,
        "permission_profile": permission_profile(config.cwd, config.sandbox_policy),
        "model": model,
        "collaboration_mode": _collaboration(config, model),
        "multi_agent_version": multi_agent,
        "realtime_active": False,
    }
    if config.model_reasoning_effort is not None:
        payload["effort"] = config.model_reasoning_effort
    payload["summary"] = config.model_reasoning_summary or "none"
    payload["sandbox_policy"] = sandbox_payload(config.sandbox_policy)
    return Line("turn_context", payload, at)


def thread_settings_applied(thread_id: str, config: Config, *, model: str, at: float) -> Line:
    """The settings that a thread starts or resumes with."""
    settings: JsonObject = {
        "model": model,
        "model_provider_id": config.model_provider,
        "approval_policy": _policy(config),
        "approvals_reviewer": config.approvals_reviewer,
        "requested_approvals_reviewer": config.approvals_reviewer,
        "permission_profile": permission_profile(config.cwd, config.sandbox_policy),
        "cwd": config.cwd,
        "runtime_workspace_roots": [config.cwd],
    }
    if config.model_reasoning_effort is not None:
        settings["reasoning_effort"] = config.model_reasoning_effort
    if config.model_reasoning_summary is not None:
        settings["reasoning_summary"] = config.model_reasoning_summary
    settings["collaboration_mode"] = _collaboration(config, model)
    return _event({"type": "thread_settings_applied", "thread_id": thread_id, "thread_settings": settings}, at)


def _policy(config: Config) -> Json:
    """The approval policy under a name that Codex reads; `permissive` is ours alone."""
    policy = policies_of(config.approval_policy)[0]
    return "on-request" if policy == "permissive" else policy_json(policy)


def _collaboration(config: Config, model: str) -> JsonObject:
    settings: JsonObject = {
        "model": model,
        "reasoning_effort": config.model_reasoning_effort,
        "developer_instructions": None,
    }
    return {"mode": "default", "settings": settings}


def response_item(item: ResponseItem, turn_id: str, at: float) -> Line:
    """An item of the history, as it is kept there (`History.record` gives it)."""
    return Line("response_item", {**item, PASSTHROUGH: {"turn_id": turn_id}}, at)


def turn_input(item: ResponseItem, turn_id: str, at: float) -> Line:
    """What the user said, while its turn compacts the history first; its place in the history comes later.

    A resume puts it there where the program ended before that. The line is ours; Codex passes over it.
    """
    return Line("turn_input", {"turn_id": turn_id, "item": item}, at)


def response_items(items: Sequence[ResponseItem], turn_id: str, at: float) -> list[Line]:
    """Several items of the history."""
    return [response_item(item, turn_id, at) for item in items]


def compacted(
    message: str,
    replacement_history: Sequence[ResponseItem],
    window: Window,
    at: float,
    *,
    response_id: str | None = None,
) -> Line:
    """The history was replaced: a resume starts with this one instead of what the lines before it told.

    The items stand in the line as they are; images belong out of them (`protocol.blobs.without_images`), or each
    compaction stores them again, and they are taken out here at the latest. Read back by `reconstruct`, which gives the
    items as the history and the `window`.

    Args:
      message: the summary as the model is told it, with what introduces it.
      window: the one that begins here (`Window.next`).
      response_id: the model's response that holds the summary.
    """
    history: list[Json] = [*without_images(replacement_history)]
    payload: JsonObject = {
        "message": message,
        "replacement_history": history,
        "window_number": window.number,
        "first_window_id": window.first_id,
        "previous_window_id": window.previous_id,
        "window_id": window.window_id,
    }
    if response_id is not None:
        payload["compaction_response_id"] = response_id
    return Line("compacted", payload, at)


def task_started(ids: TurnIds, at: float, *, model_context_window: int | None = None, trigger: str = "exec") -> Line:
    """A turn begins."""
    attribution: JsonObject = {
        "turn_id": ids.turn_id,
        "turn_trigger": trigger,
        "parent_turn_id": ids.parent_turn_id,
        "initiating_agent_path": None,
        "root_turn_id": ids.root_turn_id,
    }
    payload: JsonObject = {
        "type": "task_started",
        "turn_attribution": attribution,
        "turn_id": ids.turn_id,
        "root_turn_id": ids.root_turn_id,
        "started_at": int(at),
        "model_context_window": model_context_window,
        "collaboration_mode_kind": "default",
    }
    return _event(payload, at)


def item_completed(ids: TurnIds, item: ThreadItem, at: float, *, started_at: float | None = None) -> Line | None:
    """An item in its last form; None for kinds that are not kept (the plan, notes): the history has what they say."""
    body = item_payload(item)
    if body is None:
        return None
    payload: JsonObject = {
        "type": "item_completed",
        "thread_id": ids.thread_id,
        "turn_id": ids.turn_id,
        "item": body,
        "started_at_ms": int((at if started_at is None else started_at) * 1000),
        "completed_at_ms": int(at * 1000),
    }
    return _event(payload, at)


def token_usage_record(
    ids: TurnIds, response_id: str, usage: TokenUsage, *, turn: TokenUsage, thread: TokenUsage, at: float
) -> Line:
    """What one response took, and the sums of its turn and thread with it."""
    payload: JsonObject = {
        "thread_id": ids.thread_id,
        "turn_id": ids.turn_id,
        "session_id": ids.session_id,
        "root_turn_id": ids.root_turn_id,
        "response_id": response_id,
        "usage": usage_payload(usage),
        "turn_token_usage": usage_payload(turn),
        "thread_token_usage": usage_payload(thread),
    }
    return Line("token_usage_record", payload, at)


def token_count(total: TokenUsage, last: TokenUsage, at: float, *, model_context_window: int | None = None) -> Line:
    """The thread's total and the last response."""
    info: JsonObject = {
        "total_token_usage": usage_payload(total),
        "last_token_usage": usage_payload(last),
        "last_usage_includes_reasoning": False,
        "model_context_window": model_context_window,
    }
    return _event({"type": "token_count", "info": info, "rate_limits": None}, at)


def task_complete(
    ids: TurnIds,
    at: float,
    *,
    started_at: float,
    last_agent_message: str | None,
    time_to_first_token_ms: int | None = None,
    error: str | None = None,
    error_kind: str = "other",
) -> Line:
    """A turn ended by itself, or by an error when there is one."""
    payload: JsonObject = {
        "type": "task_complete",
        "root_turn_id": ids.root_turn_id,
        "turn_id": ids.turn_id,
        "last_agent_message": last_agent_message,
    }
    if error is not None:
        payload["error"] = {"message": error, "codex_error_info": error_kind if error_kind in _ERROR_KINDS else "other"}
    payload |= _span(started_at, at)
    if time_to_first_token_ms is not None:
        payload["time_to_first_token_ms"] = time_to_first_token_ms
    return _event(payload, at)


def turn_aborted(ids: TurnIds, at: float, *, started_at: float, reason: str = "interrupted") -> Line:
    """A turn was ended from outside."""
    payload: JsonObject = {
        "type": "turn_aborted",
        "root_turn_id": ids.root_turn_id,
        "turn_id": ids.turn_id,
        "reason": reason,
    }
    return _event(payload | _span(started_at, at), at)


def thread_rolled_back(num_turns: int, at: float) -> Line:
    """The last things the user said, and all that followed them, are out of the history."""
    return _event({"type": "thread_rolled_back", "num_turns": num_turns}, at)


def usage_payload(usage: TokenUsage) -> JsonObject:
    """Token counts under Codex's names."""
    return {
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_input_tokens": usage.cache_write_input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_output_tokens": usage.reasoning_output_tokens,
        "total_tokens": usage.total_tokens,
    }


def ends_turn(line: Line) -> bool:
    """Whether the line is the last one of a turn, after which the disk has to hold everything."""
    return line.kind == "event_msg" and line.payload.get("type") in ("task_complete", "turn_aborted")


def _span(started_at: float, at: float) -> JsonObject:
    duration = max(int((at - started_at) * 1000), 0)
    return {"started_at": int(started_at), "completed_at": int(at), "duration_ms": duration}


def _event(payload: JsonObject, at: float) -> Line:
    return Line("event_msg", payload, at)
