"""A Responses request as a chat completion, for servers that know nothing newer. Pure.

What chat completions cannot carry is left out: reasoning items, encrypted content, the cache key, verbosity. Images in
tool outputs follow as a user message, since few servers take them in a tool message.
"""

from collections.abc import Sequence

from codex.base.jsontext import Json, JsonObject, get_list, get_object, get_str
from codex.model.plain_tools import PlainTools


def chat_body(body: JsonObject, tools: PlainTools) -> JsonObject:
    """The chat request that asks the same as this Responses body.

    Args:
      tools: the body's tools, as functions.
    """
    chat: JsonObject = {
        "model": get_str(body, "model"),
        "messages": [*chat_messages(get_list(body, "input"), tools)],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if tools.tools:
        chat["tools"] = [{"type": "function", "function": tool.spec} for tool in tools.tools]
        chat["tool_choice"] = "auto"
        if body.get("parallel_tool_calls"):
            chat["parallel_tool_calls"] = True
    if effort := get_str(get_object(body, "reasoning"), "effort"):
        chat["reasoning_effort"] = effort
    schema = get_object(get_object(body, "text"), "format")
    if schema.get("type") == "json_schema":
        chat["response_format"] = {
            "type": "json_schema",
            "json_schema": {key: schema[key] for key in ("name", "strict", "schema") if key in schema},
        }
    if service_tier := get_str(body, "service_tier"):
        chat["service_tier"] = service_tier
    if "max_output_tokens" in body:
        chat["max_tokens"] = body["max_output_tokens"]
    return chat


def chat_messages(items: Sequence[Json], tools: PlainTools) -> list[JsonObject]:
    """The history as chat messages.

    Invariant: tool messages follow the assistant message with their calls, with nothing between them.
    """
    messages: list[JsonObject] = []
    images: list[Json] = []
    for item in items:
        if not isinstance(item, dict):
            continue
        kind = get_str(item, "type", "message")
        if images and kind not in ("function_call_output", "custom_tool_call_output"):
            messages.append(_shown(images))
            images = []
        match kind:
            case "message" | "agent_message":
                _add_message(messages, item)
            case "function_call" | "custom_tool_call":
                _add_call(messages, item, tools)
            case "function_call_output" | "custom_tool_call_output":
                text, seen = _output(item)
                images += seen
                messages.append({"role": "tool", "tool_call_id": get_str(item, "call_id"), "content": text})
            case _:
                pass
    if images:
        messages.append(_shown(images))
    return messages


def _add_message(messages: list[JsonObject], item: JsonObject) -> None:
    role = get_str(item, "role", "user")
    role = "system" if role == "developer" else role
    content = _content(item.get("content"))
    if content in ("", []):
        return
    last = messages[-1] if messages else None
    # Many chat templates take one system message only, at the beginning.
    if role == "system" and len(messages) == 1 and last is not None and last["role"] == "system":
        earlier = last["content"]
        if isinstance(earlier, str) and isinstance(content, str):
            last["content"] = f"{earlier}\n\n{content}"
            return
    messages.append({"role": role, "content": content})


def _add_call(messages: list[JsonObject], item: JsonObject, tools: PlainTools) -> None:
    name, arguments = tools.call_to_plain(item)
    call: JsonObject = {
        "id": get_str(item, "call_id"),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    last = messages[-1] if messages else None
    if last is None or last["role"] != "assistant":
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
    else:
        last["tool_calls"] = [*get_list(last, "tool_calls"), call]


def _content(content: Json) -> str | list[Json]:
    """A plain text where there are only texts: older servers take nothing else."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part for part in content if isinstance(part, dict)]
    if not any(part.get("type") == "input_image" for part in parts):
        return "\n".join(text for part in parts if (text := get_str(part, "text") or get_str(part, "refusal")))
    converted: list[Json] = []
    for part in parts:
        if part.get("type") == "input_image":
            converted.append(_image(part))
        elif text := get_str(part, "text"):
            converted.append({"type": "text", "text": text})
    return converted


def _image(part: JsonObject) -> JsonObject:
    return {"type": "image_url", "image_url": {"url": get_str(part, "image_url")}}


def _output(item: JsonObject) -> tuple[str, list[Json]]:
    """Text and images of a tool's output."""
    output = item.get("output")
    if isinstance(output, str):
        return output, []
    parts = [part for part in output if isinstance(part, dict)] if isinstance(output, list) else []
    images: list[Json] = [_image(part) for part in parts if part.get("type") == "input_image"]
    text = "\n".join(get_str(part, "text") for part in parts if part.get("text"))
    return text or ("(the image follows)" if images else ""), images


def _shown(images: list[Json]) -> JsonObject:
    return {"role": "user", "content": [{"type": "text", "text": "(the tool's images)"}, *images]}


def call_ids(body: JsonObject) -> list[str]:
    """The ids of all calls in the history."""
    items = (item for item in get_list(body, "input") if isinstance(item, dict))
    return [call_id for item in items if (call_id := get_str(item, "call_id"))]
