"""`hooks/list`: the hooks that threads in a directory have, and whether they are trusted."""

from functools import partial

import trio

from codex.app_server.api.hooks import (
    HookEventName,
    HookMetadata,
    HooksListEntry,
    HooksListParams,
    HooksListResponse,
    HookSource,
)
from codex.app_server.desk import Desk
from codex.config.folders import hook_sources
from codex.hooks import Hook, find_hooks

_SOURCES: dict[str, HookSource] = {"system": "system", "user": "user", "project": "project"}


async def list_all(desk: Desk, params: HooksListParams) -> HooksListResponse:
    """The hooks for each directory, read again each time. Cancelled, nothing happened."""
    server = desk.server
    entries: list[HooksListEntry] = []
    for cwd in params.cwds or (server.codex.config.cwd,):
        config = await server.load_config(cwd)
        sources = hook_sources(config)
        kinds = {source.path: source.kind for source in sources}
        found = await trio.to_thread.run_sync(partial(find_hooks, sources, bypass_trust=config.bypass_hook_trust))
        hooks = tuple(_shown(hook, kinds.get(hook.source, ""), order) for order, hook in enumerate(found.hooks))
        entries.append(HooksListEntry(cwd=cwd, hooks=hooks, warnings=found.warnings, errors=()))
    return HooksListResponse(data=tuple(entries))


def _shown(hook: Hook, kind: str, order: int) -> HookMetadata:
    return HookMetadata(
        key=hook.key,
        event_name=_event(hook.event),
        handler_type="command",
        command=hook.command,
        async_=False,
        matcher=hook.matcher,
        timeout_sec=int(hook.timeout),
        status_message=hook.status_message,
        source_path=hook.source,
        source=_SOURCES.get(kind, "unknown"),
        display_order=order,
        enabled=True,
        is_managed=False,
        current_hash=hook.hash,
        trust_status="trusted" if hook.trusted else "untrusted",
    )


def _event(name: str) -> HookEventName:
    """`PreToolUse` is `preToolUse` on the wire."""
    return name[:1].lower() + name[1:]  # type: ignore[return-value]  # the events of hooks are those of the wire


HANDLERS = {"hooks/list": list_all}
