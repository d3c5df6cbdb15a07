"""What a client wants to hold for a thread, on top of the configuration of its directory."""

from collections.abc import Mapping
from typing import Protocol

import attrs

from codex.app_server.api.settings import ApprovalsReviewer, AskForApproval, GranularAskForApproval, SandboxMode
from codex.app_server.rpc import RpcError
from codex.app_server.server import ConfigSource
from codex.app_server.wire import Unset
from codex.base.errors import UserError
from codex.base.jsontext import JsonObject
from codex.config.schema import Config
from codex.protocol import permission as engine
from codex.protocol.permission import ApprovalPolicy, Granular
from codex.rollout import Restored


class Wishes(Protocol):
    """The fields that starting, resuming and forking a thread share."""

    @property
    def model(self) -> str | None: ...
    @property
    def model_provider(self) -> str | None: ...
    @property
    def service_tier(self) -> str | None | Unset: ...
    @property
    def cwd(self) -> str | None: ...
    @property
    def approval_policy(self) -> AskForApproval | None: ...
    @property
    def approvals_reviewer(self) -> ApprovalsReviewer | None: ...
    @property
    def sandbox(self) -> SandboxMode | None: ...
    @property
    def permissions(self) -> str | None: ...
    @property
    def config(self) -> JsonObject | None: ...
    @property
    def base_instructions(self) -> str | None: ...
    @property
    def developer_instructions(self) -> str | None: ...


def config_for(
    source: ConfigSource, wishes: Wishes, *, ephemeral: bool = False, stored: Restored | None = None
) -> Config:
    """The configuration of a thread; blocks while files are read.

    Args:
      stored: what the thread stored, whose directory, model and rights hold where the client wishes nothing else.

    Raises:
      RpcError: a file or a wish is wrong.
    """
    if wishes.permissions is not None and wishes.sandbox is not None:
        raise RpcError("`permissions` cannot be combined with `sandbox`")
    before = stored.settings if stored is not None else None
    overrides: JsonObject = dict(wishes.config or {})
    if wishes.base_instructions is not None:
        overrides["base_instructions"] = wishes.base_instructions
    if wishes.approvals_reviewer is not None:
        overrides["approvals_reviewer"] = reviewer_of(wishes.approvals_reviewer)
    if isinstance(wishes.service_tier, str):
        overrides["service_tier"] = wishes.service_tier
    if before is not None and before.reasoning_effort is not None:
        overrides.setdefault("model_reasoning_effort", before.reasoning_effort)
    asks = wishes.approval_policy
    flags: Mapping[str, object] = {
        "model": wishes.model or (before.model if before else None),
        "model_provider": wishes.model_provider,
        "sandbox_mode": wishes.sandbox,
        "approval_policy": asks if isinstance(asks, str) else None,
        "developer_instructions": wishes.developer_instructions,
        "permission_profile": wishes.permissions,
        "ephemeral": ephemeral,
    }
    try:
        config = source.load(cwd=wishes.cwd or (before.cwd if before else None), flags=flags, overrides=overrides)
    except UserError as fault:
        raise RpcError(f"failed to load configuration: {str(fault).replace('--cd: ', 'cwd: ')}") from fault
    if before is not None and wishes.sandbox is None and wishes.permissions is None and before.sandbox_policy:
        config = attrs.evolve(config, sandbox_policy=before.sandbox_policy)
    if before is not None and asks is None and before.approval_policy is not None:
        config = attrs.evolve(config, approval_policy=before.approval_policy)
    return (
        attrs.evolve(config, approval_policy=engine_policy(asks))
        if isinstance(asks, GranularAskForApproval)
        else config
    )


def engine_policy(asks: AskForApproval) -> ApprovalPolicy:
    """When somebody is asked, in the words of the engine."""
    if not isinstance(asks, GranularAskForApproval):
        return asks
    kinds = asks.granular
    return Granular(
        sandbox_approval=kinds.sandbox_approval,
        rules=kinds.rules,
        mcp_elicitations=kinds.mcp_elicitations,
        request_permissions=kinds.request_permissions,
        skill_approval=kinds.skill_approval,
    )


def reviewer_of(reviewer: ApprovalsReviewer) -> engine.ApprovalsReviewer:
    """Who answers questions, in the words of the configuration."""
    return "auto_review" if reviewer == "guardian_subagent" else reviewer
