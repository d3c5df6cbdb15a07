"""Threads: starting them."""

from collections.abc import Mapping
from functools import partial

import attrs
import trio

from codex.app_server.api.settings import AskForApproval, GranularAskForApproval
from codex.app_server.api.thread import ThreadStartParams, ThreadStartResponse
from codex.app_server.api.thread_events import ThreadStartedNotification
from codex.app_server.desk import Desk
from codex.app_server.threads import living_thread, settings_facts
from codex.base.jsontext import JsonObject
from codex.config.schema import Config


async def start(desk: Desk, params: ThreadStartParams) -> ThreadStartResponse:
    """A new thread, which this client follows. Cancelled, it may have been started, and ends with the server."""
    config = await _config(desk, params)
    thread = await desk.server.codex.start_thread(config)
    feed = desk.server.open_feed(thread)
    shown = attrs.evolve(living_thread(feed), thread_source=params.thread_source, originator=desk.profile.name)
    desk.tell_afterwards("thread/started", ThreadStartedNotification(thread=shown))
    desk.afterwards(partial(feed.follow, desk.client))
    return ThreadStartResponse(thread=shown, **settings_facts(thread.config))


async def _config(desk: Desk, params: ThreadStartParams) -> Config:
    overrides: JsonObject = dict(params.config or {})
    if params.base_instructions is not None:
        overrides["base_instructions"] = params.base_instructions
    if params.approvals_reviewer is not None:
        reviewer = params.approvals_reviewer
        overrides["approvals_reviewer"] = "auto_review" if reviewer == "guardian_subagent" else reviewer
    if isinstance(params.service_tier, str):
        overrides["service_tier"] = params.service_tier
    flags: Mapping[str, object] = {
        "model": params.model,
        "model_provider": params.model_provider,
        "sandbox_mode": params.sandbox,
        "approval_policy": params.approval_policy if isinstance(params.approval_policy, str) else None,
        "developer_instructions": params.developer_instructions,
        "permission_profile": params.permissions,
        "ephemeral": bool(params.ephemeral),
    }
    load = partial(desk.server.configs.load, cwd=params.cwd, flags=flags, overrides=overrides)
    config = await trio.to_thread.run_sync(load)
    return with_approvals(config, params.approval_policy)


def with_approvals(config: Config, policy: AskForApproval | None) -> Config:
    """The configuration with a policy that no option can express."""
    from codex.protocol.permission import Granular

    if not isinstance(policy, GranularAskForApproval):
        return config
    asks = policy.granular
    granular = Granular(
        sandbox_approval=asks.sandbox_approval,
        rules=asks.rules,
        mcp_elicitations=asks.mcp_elicitations,
        request_permissions=asks.request_permissions,
        skill_approval=asks.skill_approval,
    )
    return attrs.evolve(config, approval_policy=granular)


HANDLERS = {"thread/start": start}
