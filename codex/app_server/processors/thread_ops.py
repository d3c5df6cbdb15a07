"""What else a loaded thread can be asked to do: compact, run the user's command, take items into its history."""

from typing import cast

from codex.app_server.api.thread_edit import (
    ThreadCompactStartParams,
    ThreadCompactStartResponse,
    ThreadInjectItemsParams,
    ThreadInjectItemsResponse,
    ThreadSettingsUpdateParams,
    ThreadSettingsUpdateResponse,
    ThreadShellCommandParams,
    ThreadShellCommandResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.overrides import override
from codex.app_server.rpc import RpcError
from codex.app_server.threads import loaded
from codex.base.jsontext import JsonObject
from codex.protocol.op import Compact, RunUserShellCommand

_HOUR_MS = 3_600_000


async def compact(desk: Desk, params: ThreadCompactStartParams) -> ThreadCompactStartResponse:
    """Replace the history by a summary, in a turn of its own. Cancelled, it may go on."""
    feed = loaded(desk, params.thread_id)
    feed.hold(desk.client)
    desk.afterwards(lambda: feed.release(desk.client))
    await feed.thread.submit(Compact())
    return ThreadCompactStartResponse()


async def shell_command(desk: Desk, params: ThreadShellCommandParams) -> ThreadShellCommandResponse:
    """Run the user's own command line, without a sandbox. Cancelled, it may go on."""
    feed = loaded(desk, params.thread_id)
    if not params.command.strip():
        raise RpcError("command must not be empty")
    timeout_ms = _HOUR_MS if params.timeout_ms is None else params.timeout_ms
    if timeout_ms < 0:
        raise RpcError(f"Invalid request: `timeoutMs` is {timeout_ms}; it is a number of milliseconds")
    feed.hold(desk.client)
    desk.afterwards(lambda: feed.release(desk.client))
    await feed.thread.submit(RunUserShellCommand(params.command, timeout_ms / 1000))
    return ThreadShellCommandResponse()


async def inject(desk: Desk, params: ThreadInjectItemsParams) -> ThreadInjectItemsResponse:
    """Put items into the history, without a turn. They are with the thread when this is answered."""
    feed = loaded(desk, params.thread_id)
    if not params.items:
        raise RpcError("items must not be empty")
    for place, item in enumerate(params.items):
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            raise RpcError(f"items[{place}] is not a valid response item: it is an object with a `type`")
    feed.thread.inject_nowait(cast("tuple[JsonObject, ...]", params.items))
    await feed.thread.history()
    return ThreadInjectItemsResponse()


async def update_settings(desk: Desk, params: ThreadSettingsUpdateParams) -> ThreadSettingsUpdateResponse:
    """Let other settings hold from the next turn on. Cancelled, they may hold."""
    await override(desk, loaded(desk, params.thread_id), params)
    return ThreadSettingsUpdateResponse()


HANDLERS = {
    "thread/settings/update": update_settings,
    "thread/compact/start": compact,
    "thread/shellCommand": shell_command,
    "thread/inject_items": inject,
}
