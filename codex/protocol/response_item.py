"""The model's side of the history: Responses items, kept as the JSON objects they came as.

They are echoed back to the server word for word, so an unknown field or an unknown type is never lost.
"""

from typing import TypeAlias

from codex.base.ids import uuid7
from codex.base.jsontext import Json, JsonObject, get_list, get_str

ResponseItem: TypeAlias = JsonObject

_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


def input_text(text: str) -> JsonObject:
    """A text part of a message that goes to the model."""
    return {"type": "input_text", "text": text}


def input_image(image_url: str, detail: str = "high") -> JsonObject:
    """An image part that goes to the model; `high` is what Codex asks for where it does not know the model."""
    return {"type": "input_image", "image_url": image_url, "detail": detail}


def message(role: str, parts: list[JsonObject]) -> ResponseItem:
    """A message item of ours, with an id of its own."""
    content: list[Json] = [*parts]
    return {"type": "message", "id": f"msg_{uuid7()}", "role": role, "content": content}


def function_call_output(call_id: str, output: str | list[JsonObject]) -> ResponseItem:
    """The answer to a function call."""
    return {"type": "function_call_output", "id": f"fco_{uuid7()}", "call_id": call_id, "output": _body(output)}


def custom_tool_call_output(call_id: str, output: str | list[JsonObject]) -> ResponseItem:
    """The answer to a custom (free-form) tool call."""
    return {"type": "custom_tool_call_output", "id": f"ctco_{uuid7()}", "call_id": call_id, "output": _body(output)}


def _body(output: str | list[JsonObject]) -> Json:
    return output if isinstance(output, str) else [*output]


def is_call(item: ResponseItem) -> bool:
    """Whether the item is a call that must get exactly one output from us."""
    return item.get("type") in _CALLS


def is_output(item: ResponseItem) -> bool:
    """Whether the item is the output of such a call."""
    return item.get("type") in _OUTPUTS


def message_text(item: ResponseItem) -> str:
    """The texts of a message item, joined; a refusal is what the model has to say, too."""
    parts = (part for part in get_list(item, "content") if isinstance(part, dict))
    return "".join(get_str(part, "text") or get_str(part, "refusal") for part in parts)
