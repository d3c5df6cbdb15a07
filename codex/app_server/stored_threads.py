"""Stored threads in the words of the API: from the index, and from their rollouts' first lines."""

from typing import cast

import attrs
import trio

from codex.app_server.api.settings import ThreadEnvironment
from codex.app_server.api.thread import (
    CustomSource,
    GitInfo,
    NotLoadedThreadStatus,
    OtherSource,
    SessionSource,
    SubAgentOrigin,
    Thread,
    ThreadSpawn,
    ThreadSpawnSource,
)
from codex.app_server.api.turn import Turn
from codex.app_server.rpc import RpcError
from codex.app_server.server import Server
from codex.app_server.stored_turns import read_turns
from codex.base.errors import CodexError
from codex.base.jsontext import Json, JsonObject, get_int, get_object, get_str
from codex.ports.store import StoredThread, ThreadQuery
from codex.rollout import RolloutNotFound
from codex.rollout.read import read_meta

_SOURCES = ("cli", "vscode", "exec", "appServer", "unknown")


async def find_stored(server: Server, thread_id: str) -> StoredThread:
    """What the index has of a thread, archived or not. Cancelled, nothing has happened.

    Raises:
      RpcError: no rollout has this id.
    """
    for archived in (False, True):
        query = ThreadQuery(search=thread_id, archived=archived, agents=True, limit=10)
        for stored in (await server.codex.list_threads(query)).threads:
            if stored.thread_id == thread_id:
                return stored
    raise RpcError(f"no rollout found for thread id {thread_id}")


async def shown_stored(stored: StoredThread, *, turns: tuple[Turn, ...] = ()) -> Thread:
    """A thread that is not loaded. Its first line is read in a thread; cancelled, that is finished."""
    return _shown(stored, await trio.to_thread.run_sync(_meta, stored.path), turns)


async def shown_list(page: "tuple[StoredThread, ...]") -> list[Thread]:
    """Several of them, read in one go."""

    def read() -> list[Thread]:
        return [_shown(stored, _meta(stored.path), ()) for stored in page]

    return await trio.to_thread.run_sync(read)


async def turns_of(codex_home: str, thread_id: str) -> tuple[Turn, ...]:
    """The turns of a thread; none where nothing is stored yet. Cancelled, the reading is finished.

    Raises:
      RolloutUnreadable: it cannot be read.
    """

    def read() -> tuple[Turn, ...]:
        try:
            return read_turns(codex_home, thread_id)
        except RolloutNotFound:
            return ()

    return await trio.to_thread.run_sync(read)


def _meta(path: str) -> JsonObject:
    try:
        return read_meta(path)
    except (CodexError, OSError):  # the list shows what the index knows
        return {}


def _shown(stored: StoredThread, meta: JsonObject, turns: tuple[Turn, ...]) -> Thread:
    environment = ThreadEnvironment(environment_id="local", cwd=stored.cwd, runtime_workspace_roots=(stored.cwd,))
    return Thread(
        id=stored.thread_id,
        environments=(environment,),
        session_id=get_str(meta, "session_id") or stored.thread_id,
        forked_from_id=stored.forked_from,
        parent_thread_id=stored.parent_id,
        preview=stored.preview,
        ephemeral=False,
        history_mode="paginated" if meta.get("history_mode") == "paginated" else "legacy",
        model_provider=stored.model_provider,
        created_at=int(stored.created_at),
        updated_at=int(stored.updated_at),
        recency_at=int(stored.updated_at),
        status=NotLoadedThreadStatus(),
        path=stored.path,
        cwd=stored.cwd,
        cli_version=get_str(meta, "cli_version"),
        originator=stored.originator or None,
        source=shown_source(meta.get("source") or stored.source),
        can_accept_direct_input=stored.parent_id is None,
        thread_source=get_str(meta, "thread_source") or None,
        agent_nickname=get_str(meta, "agent_nickname") or None,
        agent_role=get_str(meta, "agent_role") or None,
        git_info=_git(get_object(meta, "git")),
        name=stored.name,
        turns=turns,
    )


def shown_source(source: Json) -> SessionSource:
    """Who started a thread, as its first line has it."""
    if isinstance(source, str):
        if source == "mcp":
            return "appServer"
        return cast("SessionSource", source) if source in _SOURCES else CustomSource(custom=source)
    if not isinstance(source, dict):
        return "unknown"
    spawned = get_object(get_object(source, "subagent"), "thread_spawn")
    if spawned:
        spawn = ThreadSpawn(
            parent_thread_id=get_str(spawned, "parent_thread_id"),
            depth=get_int(spawned, "depth"),
            agent_path=get_str(spawned, "agent_path") or None,
            agent_nickname=get_str(spawned, "agent_nickname") or None,
            agent_role=get_str(spawned, "agent_role") or None,
        )
        return SubAgentOrigin(sub_agent=ThreadSpawnSource(thread_spawn=spawn))
    if "subagent" in source:
        kind = source["subagent"]
        return SubAgentOrigin(sub_agent=OtherSource(other=kind if isinstance(kind, str) else "unknown"))
    return CustomSource(custom=get_str(source, "custom")) if "custom" in source else "unknown"


def _git(facts: JsonObject) -> GitInfo | None:
    if not facts:
        return None
    return GitInfo(
        sha=get_str(facts, "commit_hash") or None,
        branch=get_str(facts, "branch") or None,
        origin_url=get_str(facts, "repository_url") or None,
    )


def as_loaded(stored: Thread, living: Thread) -> Thread:
    """A stored thread that is loaded: its rollout knows its past, the living one what holds now."""
    return attrs.evolve(
        stored,
        model=living.model,
        model_provider=living.model_provider,
        reasoning_effort=living.reasoning_effort,
        status=living.status,
        cwd=living.cwd,
        environments=living.environments,
    )
