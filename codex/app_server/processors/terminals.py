"""A thread's commands that go on in the background."""

import re

from codex.app_server.api.thread_edit import (
    ThreadBackgroundTerminal,
    ThreadBackgroundTerminalsCleanParams,
    ThreadBackgroundTerminalsCleanResponse,
    ThreadBackgroundTerminalsListParams,
    ThreadBackgroundTerminalsListResponse,
    ThreadBackgroundTerminalsTerminateParams,
    ThreadBackgroundTerminalsTerminateResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.pages import page
from codex.app_server.rpc import RpcError
from codex.app_server.threads import loaded

_LIMIT = 100
_PROCESS_ID = re.compile("-?[0-9]+", re.ASCII)


async def list_terminals(
    desk: Desk, params: ThreadBackgroundTerminalsListParams
) -> ThreadBackgroundTerminalsListResponse:
    """Those that run, the oldest first. Does not wait."""
    running = loaded(desk, params.thread_id).thread.background_terminals()
    shown = [
        ThreadBackgroundTerminal(
            item_id=terminal.item_id,
            process_id=terminal.process_id,
            command=terminal.command,
            cwd=terminal.cwd,
            os_pid=terminal.os_pid,
            cpu_percent=terminal.cpu_percent,
            rss_kb=terminal.rss_kb,
        )
        for terminal in running
    ]
    chosen, following, _ = page(
        shown, key=lambda one: one.process_id, cursor=params.cursor, limit=params.limit or _LIMIT, ascending=True
    )
    return ThreadBackgroundTerminalsListResponse(data=tuple(chosen), next_cursor=following)


async def terminate(
    desk: Desk, params: ThreadBackgroundTerminalsTerminateParams
) -> ThreadBackgroundTerminalsTerminateResponse:
    """End one of them; answered when nothing of it is left. Cancelled, it ends all the same."""
    if not _PROCESS_ID.fullmatch(params.process_id):
        raise RpcError(f"invalid background terminal process id: {params.process_id[:80]!r} is no whole number")
    ended = await loaded(desk, params.thread_id).thread.terminate_background(params.process_id)
    return ThreadBackgroundTerminalsTerminateResponse(terminated=ended)


async def clean(desk: Desk, params: ThreadBackgroundTerminalsCleanParams) -> ThreadBackgroundTerminalsCleanResponse:
    """End all of them. Cancelled, they end all the same."""
    await loaded(desk, params.thread_id).thread.clean_background()
    return ThreadBackgroundTerminalsCleanResponse()


HANDLERS = {
    "thread/backgroundTerminals/list": list_terminals,
    "thread/backgroundTerminals/terminate": terminate,
    "thread/backgroundTerminals/clean": clean,
}
