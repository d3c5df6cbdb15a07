"""Tools that a client runs: offered to the model, and their calls put to whoever follows the thread."""

from collections.abc import Sequence

from codex.app_server.api.dynamic_tool import (
    DynamicToolCallParams,
    DynamicToolCallResponse,
    DynamicToolFunction,
    DynamicToolSpec,
)
from codex.app_server.rpc import RpcError
from codex.app_server.server import Server
from codex.app_server.wire import BadParams, decode, encode
from codex.base.jsontext import Json
from codex.ports.dynamic_tools import DynamicCall, DynamicResult, DynamicTool, DynamicTools

CALL = "item/tool/call"


def tools_of(server: Server, specs: Sequence[DynamicToolSpec] | None) -> DynamicTools | None:
    """The tools of a new thread; None where its client brings none.

    Raises:
      RpcError: a schema is none.
      UserError: a name cannot be used.
    """
    if not specs:
        return None
    tools: list[DynamicTool] = []
    descriptions: dict[str, str] = {}
    for spec in specs:
        if isinstance(spec, DynamicToolFunction):
            tools.append(_tool(spec, None))
        else:
            descriptions[spec.name] = spec.description
            tools += [_tool(tool, spec.name) for tool in spec.tools]

    async def call(asked: DynamicCall) -> DynamicResult:
        return await _call(server, asked)

    return DynamicTools(tuple(tools), call, descriptions)


def _tool(spec: DynamicToolFunction, namespace: str | None) -> DynamicTool:
    if not spec.name.strip():
        raise RpcError("dynamic tool name must not be empty")
    if not isinstance(spec.input_schema, dict):
        raise RpcError(f"dynamic tool input schema is not supported for {spec.name}: a JSON Schema is an object")
    return DynamicTool(spec.name, spec.description, spec.input_schema, namespace)


async def _call(server: Server, asked: DynamicCall) -> DynamicResult:
    """Have a client do it. Cancelled, the question is withdrawn."""
    feed = server.find(asked.thread_id)
    if feed is None:
        return DynamicResult.text("dynamic tool request failed", success=False)
    params = DynamicToolCallParams(
        thread_id=asked.thread_id,
        turn_id=asked.turn_id,
        call_id=asked.call_id,
        namespace=asked.namespace,
        tool=asked.tool,
        arguments=asked.arguments,
    )
    await feed.wait_shown(asked.call_id)
    result, error = await feed.ask(CALL, params)
    if error is not None:
        return DynamicResult.text("dynamic tool request failed", success=False)
    return _result(result)


def _result(answer: Json) -> DynamicResult:
    try:
        response = decode(DynamicToolCallResponse, answer)
    except BadParams:
        return DynamicResult.text("dynamic tool response was invalid", success=False)
    return DynamicResult(tuple(map(encode, response.content_items)), response.success)
