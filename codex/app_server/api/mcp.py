"""MCP servers: their state and their start."""

from typing import Literal, TypeAlias

from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject

McpServerStatusDetail: TypeAlias = Literal["full", "toolsAndAuthOnly"]


@frozen(kw_only=True)
class ListMcpServerStatusParams:
    """Asks `mcpServerStatus/list`."""

    cursor: str | None = None
    limit: Unsigned | None = None
    detail: McpServerStatusDetail | None = None
    thread_id: str | None = None
    server_name: str | None = None


McpAuthStatus: TypeAlias = Literal["unknown", "unsupported", "notLoggedIn", "bearerToken", "oAuth"]

McpServerConnectionStatus: TypeAlias = Literal[
    "notStarted",
    "starting",
    "connected",
    "authenticationRequired",
    "failed",
    "cancelled",
    "disabled",
]


@frozen(kw_only=True)
class McpServerInfo:
    """What an MCP server says of itself."""

    name: str
    title: str | None = null()
    version: str
    description: str | None = null()
    icons: tuple[Json, ...] | None = null()
    website_url: str | None = null()


@frozen(kw_only=True)
class McpServerStatus:
    """An MCP server, its tools and its login."""

    name: str
    runtime_status: McpServerConnectionStatus | None = null()
    plugin_id: str | None = null()
    http_origin: str | None = null()
    server_info: McpServerInfo | None = null()
    server_capabilities: Json = null()
    tool_list_meta: Json = null()
    tools: dict[str, JsonObject]
    tools_error: str | None = null()
    resources: tuple[JsonObject, ...]
    resource_templates: tuple[JsonObject, ...]
    auth_status: McpAuthStatus


@frozen(kw_only=True)
class ListMcpServerStatusResponse:
    """Answers `mcpServerStatus/list`."""

    data: tuple[McpServerStatus, ...]
    next_cursor: str | None = null()


McpServerStartupFailureReason: TypeAlias = Literal["reauthenticationRequired"]

McpServerStartupState: TypeAlias = Literal["starting", "ready", "failed", "cancelled"]


@frozen(kw_only=True)
class McpServerStatusUpdatedNotification:
    """Tells `mcpServer/startupStatus/updated`."""

    thread_id: str | None = null()
    name: str
    status: McpServerStartupState
    error: str | None = null()
    failure_reason: McpServerStartupFailureReason | None = null()
