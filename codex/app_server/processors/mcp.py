"""`mcpServerStatus/list`: there are no MCP servers here, and so none is listed."""

from codex.app_server.api.mcp import ListMcpServerStatusParams, ListMcpServerStatusResponse, McpServerStatus
from codex.app_server.desk import Desk
from codex.app_server.offsets import page


async def list_servers(_desk: Desk, params: ListMcpServerStatusParams) -> ListMcpServerStatusResponse:
    """No server, whatever the configuration names. Does not wait."""
    data, following = page(list[McpServerStatus](), cursor=params.cursor, limit=params.limit, what="MCP servers")
    return ListMcpServerStatusResponse(data=data, next_cursor=following)


HANDLERS = {"mcpServerStatus/list": list_servers}
