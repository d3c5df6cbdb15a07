"""What a client changes of a loaded thread's settings, and what holds then, in the words of the API."""

import os
from functools import partial
from typing import Protocol

import attrs
import trio

from codex.app_server.api.settings import (
    ApprovalsReviewer,
    AskForApproval,
    CollaborationMode,
    DangerFullAccessPolicy,
    ExternalSandboxPolicy,
    ReadOnlyPolicy,
    ReasoningSummary,
    SandboxPolicy,
    Settings,
    ThreadEnvironment,
    ThreadSettings,
    TurnEnvironmentParams,
)
from codex.app_server.api.thread_events import ThreadSettingsUpdatedNotification
from codex.app_server.desk import Desk
from codex.app_server.feed import Feed
from codex.app_server.rpc import RpcError
from codex.app_server.thread_settings import engine_policy, reviewer_of
from codex.app_server.threads import shown_policy, shown_sandbox
from codex.app_server.wire import Unset
from codex.config.schema import Config
from codex.protocol import permission as engine
from codex.protocol.op import OverrideTurnContext

_SUMMARIES: dict[str, ReasoningSummary] = {
    "auto": "auto",
    "concise": "concise",
    "detailed": "detailed",
    "none": "none",
}


class Changes(Protocol):
    """The fields that starting a turn and changing a thread's settings share."""

    @property
    def model(self) -> str | None: ...
    @property
    def effort(self) -> str | None: ...
    @property
    def summary(self) -> ReasoningSummary | None: ...
    @property
    def service_tier(self) -> str | None | Unset: ...
    @property
    def cwd(self) -> str | None: ...
    @property
    def environments(self) -> tuple[TurnEnvironmentParams, ...] | None: ...
    @property
    def approval_policy(self) -> AskForApproval | None: ...
    @property
    def approvals_reviewer(self) -> ApprovalsReviewer | None: ...
    @property
    def sandbox_policy(self) -> SandboxPolicy | None: ...
    @property
    def permissions(self) -> str | None: ...
    @property
    def collaboration_mode(self) -> CollaborationMode | None: ...


async def override(desk: Desk, feed: Feed, changes: Changes) -> None:
    """Let the changes hold from the thread's next turn on, and tell who follows it. Cancelled, they may hold.

    Raises:
      RpcError: something of it is not offered here.
      UserError: the permission profile is wrong.
    """
    op = _operation(changes)
    if changes.permissions is not None:
        sandbox = await _profile(desk, feed, changes.permissions)
        op = attrs.evolve(op or OverrideTurnContext(), sandbox_policy=sandbox)
    if op is None:
        return
    before = feed.thread.config
    await feed.thread.submit(op)
    if feed.thread.config != before:
        told = ThreadSettingsUpdatedNotification(
            thread_id=feed.thread.thread_id, thread_settings=shown_settings(feed.thread.config)
        )
        feed.tell("thread/settings/updated", told)


def _operation(changes: Changes) -> OverrideTurnContext | None:
    mode, model, effort = changes.collaboration_mode, changes.model, changes.effort
    if mode is not None and mode.mode == "plan":
        raise RpcError("collaborationMode `plan` is not supported by this server; use `default`")
    if mode is not None:
        model, effort = mode.settings.model or model, mode.settings.reasoning_effort or effort
    cwd = changes.cwd or next((place.cwd for place in changes.environments or ()), None)
    if cwd is not None and not os.path.isabs(cwd):
        raise RpcError(f"Invalid request: `cwd` is {cwd!r}; name an absolute path")
    reviewer = changes.approvals_reviewer
    op = OverrideTurnContext(
        cwd=cwd,
        approval_policy=None if changes.approval_policy is None else engine_policy(changes.approval_policy),
        approvals_reviewer=None if reviewer is None else reviewer_of(reviewer),
        sandbox_policy=None if changes.sandbox_policy is None else engine_sandbox(changes.sandbox_policy),
        model=model,
        effort=effort,
        summary=changes.summary,
        service_tier=changes.service_tier if isinstance(changes.service_tier, str) else None,
    )
    return None if op == OverrideTurnContext() else op


async def _profile(desk: Desk, feed: Feed, name: str) -> engine.SandboxPolicy:
    load = partial(
        desk.server.configs.load, cwd=feed.thread.config.cwd, flags={"permission_profile": name}, overrides={}
    )
    return (await trio.to_thread.run_sync(load)).sandbox_policy


def engine_sandbox(policy: SandboxPolicy) -> engine.SandboxPolicy:
    """What commands may touch, in the words of the engine."""
    match policy:
        case DangerFullAccessPolicy() | ExternalSandboxPolicy():
            return engine.SandboxPolicy("danger-full-access")
        case ReadOnlyPolicy(network_access=network):
            return engine.SandboxPolicy("read-only", network_access=network)
        case _:
            return engine.SandboxPolicy(
                "workspace-write",
                writable_roots=policy.writable_roots,
                network_access=policy.network_access,
                exclude_tmpdir_env_var=policy.exclude_tmpdir_env_var,
                exclude_slash_tmp=policy.exclude_slash_tmp,
            )


def shown_settings(config: Config) -> ThreadSettings:
    """All that holds for a thread's next turn."""
    effort, model = config.model_reasoning_effort, config.model or ""
    return ThreadSettings(
        cwd=config.cwd,
        environments=(
            ThreadEnvironment(environment_id="local", cwd=config.cwd, runtime_workspace_roots=(config.cwd,)),
        ),
        approval_policy=shown_policy(config.approval_policy),
        approvals_reviewer=config.approvals_reviewer,
        sandbox_policy=shown_sandbox(config.sandbox_policy),
        model=model,
        model_provider=config.model_provider,
        service_tier=config.service_tier,
        effort=effort,
        summary=_SUMMARIES.get(config.model_reasoning_summary or ""),
        collaboration_mode=CollaborationMode(mode="default", settings=Settings(model=model, reasoning_effort=effort)),
    )
