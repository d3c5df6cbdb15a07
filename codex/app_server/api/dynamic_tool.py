"""Tools that the client runs."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.item_parts import DynamicToolCallOutputContentItem
from codex.app_server.wire import null
from codex.base.frozen import frozen
from codex.base.jsontext import Json


@frozen(kw_only=True)
class DynamicToolFunction:
    """A function that the client runs."""

    type: ClassVar[Literal["function"]] = "function"
    name: str
    description: str
    input_schema: Json
    defer_loading: bool = False


DynamicToolNamespaceTool: TypeAlias = DynamicToolFunction


@frozen(kw_only=True)
class DynamicToolNamespace:
    """Several functions of the client under one name."""

    type: ClassVar[Literal["namespace"]] = "namespace"
    name: str
    description: str
    tools: tuple[DynamicToolNamespaceTool, ...]


DynamicToolSpec: TypeAlias = DynamicToolFunction | DynamicToolNamespace


@frozen(kw_only=True)
class DynamicToolCallParams:
    """Asks the client `item/tool/call`: run a tool of yours."""

    thread_id: str
    turn_id: str
    call_id: str
    namespace: str | None = null()
    tool: str
    arguments: Json


@frozen(kw_only=True)
class DynamicToolCallResponse:
    """The client's answer to `item/tool/call`."""

    content_items: tuple[DynamicToolCallOutputContentItem, ...]
    success: bool
