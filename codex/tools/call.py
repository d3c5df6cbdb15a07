"""A call as the model made it, and what goes back."""

from typing import TypeAlias

import attrs

from codex.base.jsontext import JsonObject, get_str
from codex.protocol.response_item import ResponseItem, custom_tool_call_output, function_call_output

OutputBody: TypeAlias = str | list[JsonObject]


@attrs.frozen
class ToolCall:
    """One function or custom tool call.

    `payload` is the arguments' JSON text of a function, or a custom tool's free text. `key` tells calls of a
    turn apart also where a server repeats a `call_id`.
    """

    key: str
    call_id: str
    name: str
    namespace: str
    payload: str
    custom: bool
    parallel: bool = False

    @property
    def full_name(self) -> str:
        """Namespace and name glued, as Codex names an unknown tool."""
        return f"{self.namespace}{self.name}"

    def output_item(self, body: OutputBody) -> ResponseItem:
        """The history item that answers this call."""
        make = custom_tool_call_output if self.custom else function_call_output
        return make(self.call_id, body)


def call_of(item: ResponseItem) -> ToolCall | None:
    """The call in a finished item of the model, or None where it is no call of ours."""
    kind = item.get("type")
    if kind not in ("function_call", "custom_tool_call"):
        return None
    custom = kind == "custom_tool_call"
    call_id = get_str(item, "call_id") or get_str(item, "id")
    payload = get_str(item, "input" if custom else "arguments")
    return ToolCall(call_id, call_id, get_str(item, "name"), get_str(item, "namespace"), payload, custom)
