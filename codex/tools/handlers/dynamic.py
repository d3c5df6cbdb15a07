"""Calls of the tools that whoever started the thread brought along."""

import attrs
import trio

from codex.base.errors import ToolFailure
from codex.base.jsontext import Json, JsonObject, decode, get_str
from codex.ports.dynamic_tools import DynamicCall, DynamicResult
from codex.protocol.event import ItemCompleted, ItemStarted
from codex.protocol.item import DynamicToolCall
from codex.protocol.response_item import input_image, input_text
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite

_TOLD_WITHIN = 1.0


async def run(call: ToolCall, site: CallSite) -> OutputBody:
    """Pass it on, show it, and hand back what came. Cancelled, it is shown as failed."""
    context = site.context
    assert context.dynamic is not None
    tool = context.dynamic.find(call.name)
    asked = DynamicCall(
        context.thread_id, context.turn_id, site.call_id, tool.namespace, tool.name, _arguments(call.payload)
    )
    shown = DynamicToolCall(site.call_id, tool.name, asked.arguments, tool.namespace)
    await context.publisher.publish([ItemStarted(context.turn_id, shown)])
    began = trio.current_time()
    result = DynamicResult.text(f"no answer came within {context.dynamic.within:g} seconds", success=False)
    try:
        with trio.move_on_after(context.dynamic.within):
            result = await context.dynamic.call(asked)
    except ToolFailure as failure:
        result = DynamicResult.text(str(failure), success=False)
    except trio.Cancelled:
        result = DynamicResult.text("the call was cancelled before an answer came", success=False)
        with trio.move_on_after(_TOLD_WITHIN, shield=True):
            await context.publisher.publish([_ended(context.turn_id, shown, result, began)])
        raise
    await context.publisher.publish([_ended(context.turn_id, shown, result, began)])
    return _body(result.content)


def _ended(turn_id: str, shown: DynamicToolCall, result: DynamicResult, began: float) -> ItemCompleted:
    item = attrs.evolve(
        shown,
        status="completed" if result.success else "failed",
        content_items=result.content,
        success=result.success,
        duration=trio.current_time() - began,
    )
    return ItemCompleted(turn_id, item)


def _arguments(payload: str) -> Json:
    try:
        return decode((payload or "{}").encode())
    except ValueError as error:
        raise ToolFailure(f"failed to parse function arguments: {error}") from error


def _body(content: tuple[JsonObject, ...]) -> OutputBody:
    if len(content) == 1 and content[0].get("type") == "inputText":
        return get_str(content[0], "text")
    return [_part(part) for part in content]


def _part(part: JsonObject) -> JsonObject:
    if part.get("type") == "inputImage":
        return input_image(get_str(part, "imageUrl"))
    return input_text(get_str(part, "text"))
