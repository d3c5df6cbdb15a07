"""`initialize`, and what the server says of itself."""

import os
import platform
import re

from codex import CODEX_VERSION
from codex.app_server.api.server import (
    InitializeParams,
    InitializeResponse,
    ServerDiagnosticsGauge,
    ServerDiagnosticsParams,
    ServerDiagnosticsProcess,
    ServerDiagnosticsResponse,
)
from codex.app_server.audience import Profile
from codex.app_server.desk import Desk
from codex.app_server.rpc import RpcError

_HEADER_VALUE = re.compile("[\\t\\x20-\\x7e\\x80-\\U0010ffff]*")
_PAGE = os.sysconf("SC_PAGE_SIZE")


async def initialize(desk: Desk, params: InitializeParams) -> InitializeResponse:
    """Answer who we are. The connection takes the client's own words from here."""
    info, wishes = params.client_info, params.capabilities
    if not _HEADER_VALUE.fullmatch(info.name):
        raise RpcError(f"Invalid clientInfo.name: '{info.name[:80]}'. Must be a valid HTTP header value.")
    desk.introduce(
        Profile(
            name=info.name,
            version=info.version,
            title=info.title,
            experimental=wishes is not None and wishes.experimental_api,
            opted_out=frozenset((wishes.opt_out_notification_methods if wishes else None) or ()),
        )
    )
    return InitializeResponse(
        user_agent=f"{info.name}/{CODEX_VERSION} ({_system()}) {_terminal(desk)} ({info.name}; {info.version})",
        codex_home=desk.server.codex.config.codex_home,
        platform_family="windows" if os.name == "nt" else "unix",
        platform_os={"darwin": "macos"}.get(platform.system().lower(), platform.system().lower()),
    )


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


def _system() -> str:
    return f"{platform.system()} {platform.release()}; {platform.machine()}"


def _terminal(desk: Desk) -> str:
    return desk.server.environ.get("TERM_PROGRAM") or desk.server.environ.get("TERM") or "unknown"


HANDLERS = {"initialize": initialize, "server/diagnostics": diagnostics}
