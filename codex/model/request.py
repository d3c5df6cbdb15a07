"""A sampling request as Codex sends it: body and headers, byte for byte the same for the same input. Pure.

The prefix stays stable so that the server's prompt cache works: keys have a fixed order, the cache key is the root
thread, and what grows (`input`) only grows at its end.
"""

from collections.abc import Mapping, Sequence

import attrs

from codex.base.jsontext import Json, JsonObject
from codex.model.catalog import ModelInfo
from codex.ports.model import ModelRequest
from codex.protocol.response_item import ResponseItem

OUTPUT_SCHEMA_NAME = "codex_output_schema"
_SERVICE_TIERS = {"fast": "priority"}


@attrs.frozen
class RequestIds:
    """Who asks: the thread, its root, its turn, and what the server is told about them.

    `window`: how often the history was compacted. `agent_path`: `/root` or below it. `extra`: further facts for the
    turn metadata, such as `sandbox` or the git commit.
    """

    root_thread_id: str
    thread_id: str
    turn_id: str
    root_turn_id: str | None = None
    window: int = 0
    installation_id: str | None = None
    parent_thread_id: str | None = None
    agent_path: str = "/root"
    request_kind: str = "turn"
    history_initialization: str = "new"
    originator: str = "codex_exec"
    user_agent: str | None = None
    extra: Mapping[str, Json] = attrs.field(factory=dict[str, Json])


def build_request(
    model: ModelInfo,
    ids: RequestIds,
    *,
    input: Sequence[ResponseItem],
    tools: Sequence[JsonObject],
    effort: str | None = None,
    summary: str | None = None,
    verbosity: str | None = None,
    service_tier: str | None = None,
    output_schema: JsonObject | None = None,
    parallel_tool_calls: bool | None = None,
) -> ModelRequest:
    """The request for one sampling.

    Args:
      effort, summary, verbosity: the user's wishes; None is the model's default. A model without reasoning, or
        that nobody knows, gets only what was wished for.
      parallel_tool_calls: None is what the model supports; False without tools.
    """
    metadata = _turn_metadata(model, ids)
    parallel = model.supports_parallel_tool_calls if parallel_tool_calls is None else parallel_tool_calls
    reasoning = _reasoning(model, effort, summary)
    body: JsonObject = {
        "model": model.slug,
        "input": [*input],
        "tools": [*tools],
        "tool_choice": "auto",
        "parallel_tool_calls": parallel and bool(tools),
    }
    if reasoning:
        body["reasoning"] = reasoning
    body["store"] = False
    body["stream"] = True
    body["include"] = ["reasoning.encrypted_content"] if reasoning else []
    if service_tier is not None:
        body["service_tier"] = _SERVICE_TIERS.get(service_tier, service_tier)
    body["prompt_cache_key"] = ids.root_thread_id
    if text := _text(model, verbosity, output_schema):
        body["text"] = text
    body["client_metadata"] = _client_metadata(ids, metadata)
    return ModelRequest(body, _headers(ids, metadata))


def _reasoning(model: ModelInfo, effort: str | None, summary: str | None) -> JsonObject:
    if model.supports_reasoning:
        effort = effort or model.default_reasoning_effort
        summary = summary or model.default_reasoning_summary
    reasoning: JsonObject = {}
    if effort is not None:
        reasoning["effort"] = effort
    if summary is not None and summary != "none":
        reasoning["summary"] = summary
    return reasoning


def _text(model: ModelInfo, verbosity: str | None, output_schema: JsonObject | None) -> JsonObject:
    text: JsonObject = {}
    chosen = verbosity or model.default_verbosity
    if chosen is not None:
        text["verbosity"] = chosen
    if output_schema is not None:
        text["format"] = {
            "type": "json_schema",
            "strict": True,
            "name": OUTPUT_SCHEMA_NAME,
            "schema": output_schema,
        }
    return text


def _window_id(ids: RequestIds) -> str:
    return f"{ids.thread_id}:{ids.window}"


def _turn_metadata(model: ModelInfo, ids: RequestIds) -> str:
    """The facts about this turn as JSON in ASCII: they travel in a header too."""
    import json

    facts: JsonObject = {}
    if ids.installation_id is not None:
        facts["installation_id"] = ids.installation_id
    facts |= {
        "session_id": ids.root_thread_id,
        "thread_id": ids.thread_id,
        "turn_id": ids.turn_id,
        "root_turn_id": ids.root_turn_id or ids.turn_id,
        "window_id": _window_id(ids),
        "window_number": ids.window,
        "request_kind": ids.request_kind,
        "history_initialization": ids.history_initialization,
        "agent_name": ids.agent_path,
    }
    if ids.parent_thread_id is not None:
        facts |= {"parent_thread_id": ids.parent_thread_id, "subagent_kind": "thread_spawn"}
    facts["model"] = model.slug
    facts |= ids.extra
    return json.dumps(facts, separators=(",", ":"))


def _client_metadata(ids: RequestIds, turn_metadata: str) -> JsonObject:
    metadata: JsonObject = {
        "session_id": ids.root_thread_id,
        "thread_id": ids.thread_id,
        "turn_id": ids.turn_id,
        "root_turn_id": ids.root_turn_id or ids.turn_id,
        "x-codex-window-id": _window_id(ids),
    }
    if ids.installation_id is not None:
        metadata["x-codex-installation-id"] = ids.installation_id
    metadata |= _family(ids)
    metadata["x-codex-turn-metadata"] = turn_metadata
    return metadata


def _family(ids: RequestIds) -> dict[str, str]:
    """What tells a sub-agent's request apart; empty for the root."""
    if ids.parent_thread_id is None:
        return {}
    return {"x-codex-parent-thread-id": ids.parent_thread_id, "x-openai-subagent": "collab_spawn"}


def _headers(ids: RequestIds, turn_metadata: str) -> dict[str, str]:
    return {
        "session-id": ids.root_thread_id,
        "thread-id": ids.thread_id,
        "x-client-request-id": ids.thread_id,
        "x-codex-window-id": _window_id(ids),
        "x-codex-turn-metadata": turn_metadata,
        "originator": _header_safe(ids.originator),
        "user-agent": _header_safe(ids.user_agent or default_user_agent(ids.originator)),
        **_family(ids),
    }


def _header_safe(text: str) -> str:
    # Names come from the environment and from clients; a header holds printable ASCII only.
    return "".join(c if " " <= c <= "~" else "_" for c in text).strip() or "_"


def default_user_agent(originator: str) -> str:
    """`codex_exec/0.1.0 (Linux 6.1; x86_64)`: the program that asks, and where it runs."""
    import os

    from codex import __version__

    if not hasattr(os, "uname"):
        return f"{originator}/{__version__}"
    system = os.uname()
    return f"{originator}/{__version__} ({system.sysname} {system.release}; {system.machine})"
