"""Threads in the words of the API: looked up for a request, and described for its answer."""

import time
from typing import Any, Literal

import attrs

from codex import CODEX_VERSION
from codex.app_server import uuids
from codex.app_server.api.settings import (
    ActivePermissionProfile,
    AskForApproval,
    DangerFullAccessPolicy,
    GranularApproval,
    GranularAskForApproval,
    ReadOnlyPolicy,
    SandboxPolicy,
    ThreadEnvironment,
    WorkspaceWritePolicy,
)
from codex.app_server.api.thread import SessionSource, SubAgentOrigin, Thread, ThreadSpawn, ThreadSpawnSource
from codex.app_server.api.turn import Turn
from codex.app_server.desk import Desk
from codex.app_server.feed import Feed
from codex.app_server.rpc import RpcError
from codex.config.schema import Config
from codex.protocol import permission as engine
from codex.session import Identity

_BUILT_IN = {
    ":read-only": engine.SandboxPolicy("read-only"),
    ":workspace": engine.SandboxPolicy("workspace-write"),
    ":danger-full-access": engine.SandboxPolicy("danger-full-access"),
}


def checked_id(thread_id: str, *, what: Literal["thread", "session"] = "thread") -> str:
    """The id as we write it; `what` is Codex's word for it where it is none.

    Raises:
      RpcError: it is none.
    """
    found = uuids.canonical(thread_id)
    if found is None:
        raise RpcError(f"invalid {what} id: {uuids.fault(thread_id)}")
    return found


def loaded(desk: Desk, thread_id: str) -> Feed:
    """The feed of a thread that is loaded. Raises: RpcError."""
    wanted = checked_id(thread_id)
    feed = desk.server.find(wanted)
    if feed is None:
        raise RpcError(f"thread not found: {wanted}")
    return feed


def living_thread(feed: Feed, *, turns: tuple[Turn, ...] = (), **facts: Any) -> Thread:
    """A loaded thread; `facts` are fields that its rollout or the index knows better."""
    thread, now = feed.thread, int(time.time())
    identity, config = thread.identity, thread.config
    shown = Thread(
        id=identity.thread_id,
        environments=(
            ThreadEnvironment(environment_id="local", cwd=config.cwd, runtime_workspace_roots=(config.cwd,)),
        ),
        session_id=identity.session_id,
        forked_from_id=identity.forked_from,
        parent_thread_id=identity.parent_id,
        preview="",
        ephemeral=config.ephemeral,
        history_mode="paginated",
        model_provider=config.model_provider,
        model=config.model,
        reasoning_effort=config.model_reasoning_effort,
        created_at=now,
        updated_at=now,
        recency_at=now,
        status=feed.translator.status,
        path=thread.rollout_path,
        cwd=config.cwd,
        cli_version=CODEX_VERSION,
        source=source_of(identity),
        can_accept_direct_input=identity.parent_id is None,
        agent_nickname=identity.nickname,
        turns=turns,
    )
    return attrs.evolve(shown, **facts)


def source_of(identity: Identity) -> SessionSource:
    """Who started a thread."""
    if identity.parent_id is None:
        return "vscode"
    spawn = ThreadSpawn(
        parent_thread_id=identity.parent_id,
        depth=identity.depth,
        agent_path=identity.agent_path,
        agent_nickname=identity.nickname,
    )
    return SubAgentOrigin(sub_agent=ThreadSpawnSource(thread_spawn=spawn))


def shown_policy(policy: engine.ApprovalPolicy) -> AskForApproval:
    """When somebody is asked; policies that the API has no word for are shown as the nearest one."""
    match policy:
        case engine.Granular():
            return GranularAskForApproval(
                granular=GranularApproval(
                    sandbox_approval=policy.sandbox_approval,
                    rules=policy.rules,
                    skill_approval=policy.skill_approval,
                    request_permissions=policy.request_permissions,
                    mcp_elicitations=policy.mcp_elicitations,
                )
            )
        case "untrusted" | "never" | "on-request":
            return policy
        case _:
            return "on-request"


def shown_sandbox(policy: engine.SandboxPolicy) -> SandboxPolicy:
    """What commands may touch."""
    match policy.mode:
        case "danger-full-access":
            return DangerFullAccessPolicy()
        case "read-only":
            return ReadOnlyPolicy(network_access=policy.network)
        case "workspace-write":
            return WorkspaceWritePolicy(
                writable_roots=policy.writable_roots,
                network_access=policy.network,
                exclude_tmpdir_env_var=policy.exclude_tmpdir_env_var,
                exclude_slash_tmp=policy.exclude_slash_tmp,
            )


def _profile_of(policy: engine.SandboxPolicy) -> ActivePermissionProfile | None:
    """The profile in force; None for rights that no profile has."""
    if policy.profile is not None:
        return ActivePermissionProfile(id=policy.profile)
    name = next((name for name, built_in in _BUILT_IN.items() if built_in == policy), None)
    return None if name is None else ActivePermissionProfile(id=name)


def settings_facts(config: Config) -> dict[str, Any]:
    """The fields by which a started, resumed or forked thread says what is in force."""
    return {
        "model": config.model or "",
        "model_provider": config.model_provider,
        "service_tier": config.service_tier,
        "cwd": config.cwd,
        "runtime_workspace_roots": (config.cwd,),
        "approval_policy": shown_policy(config.approval_policy),
        "approvals_reviewer": config.approvals_reviewer,
        "sandbox": shown_sandbox(config.sandbox_policy),
        "active_permission_profile": _profile_of(config.sandbox_policy),
        "reasoning_effort": config.model_reasoning_effort,
    }
