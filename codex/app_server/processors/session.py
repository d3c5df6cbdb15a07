"""`initialize`, and what the server says of itself."""

import os

from codex.app_server.api.server import (
    InitializeParams,
    InitializeResponse,
    ServerDiagnosticsGauge,
    ServerDiagnosticsParams,
    ServerDiagnosticsProcess,
    ServerDiagnosticsResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.greeting import profile_of, response_to

_PAGE = os.sysconf("SC_PAGE_SIZE")


async def initialize(desk: Desk, params: InitializeParams) -> InitializeResponse:
    """Answer who we are. The connection takes the client's own words from here."""
    desk.introduce(profile_of(params))
    server = desk.server
    return response_to(params, codex_home=server.codex.config.codex_home, environ=server.environ)


async def diagnostics(desk: Desk, params: ServerDiagnosticsParams) -> ServerDiagnosticsResponse:
    """What the process uses, and how much is going on. Does not wait."""
    server = desk.server
    feeds = [feed for feed in server.feeds.values() if feed.thread.alive]
    gauges = {
        "connections": len(server.clients),
        "live_threads": len(server.codex.threads),
        "active_turns": sum(feed.translator.turn is not None for feed in feeds),
        "open_questions": sum(feed.open_questions for feed in feeds),
    }
    return ServerDiagnosticsResponse(
        process=ServerDiagnosticsProcess(id=os.getpid(), resident_memory_bytes=_resident_bytes()),
        gauges=tuple(ServerDiagnosticsGauge(name=name, value=value) for name, value in gauges.items()),
    )


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return None


HANDLERS = {"initialize": initialize, "server/diagnostics": diagnostics}
