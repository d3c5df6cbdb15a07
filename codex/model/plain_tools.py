"""Tools for servers that know only functions: custom tools and namespaces become functions and come back.

A custom tool takes one text, so its function takes `{"input": text}`. A tool in a namespace gets a longer name. What
has no meaning without OpenAI's server (web search, tool search) is left out. Pure.
"""

from collections.abc import Sequence

import attrs

from codex.base.jsontext import Json, JsonObject, decode, encode, get_list, get_object, get_str

_MAX_NAME = 64


@attrs.frozen
class PlainTool:
    """One function as the server sees it (`spec`), and the tool it stands for."""

    plain_name: str
    spec: JsonObject
    name: str
    namespace: str | None
    is_custom: bool


class PlainTools:
    """The tools of one request, in both tongues."""

    def __init__(self, tools: Sequence[Json]) -> None:
        self.tools: list[PlainTool] = []
        self._by_plain_name: dict[str, PlainTool] = {}
        self._by_name: dict[tuple[str | None, str], PlainTool] = {}
        for tool in tools:
            if isinstance(tool, dict):
                self._add(tool, None)

    def call_to_plain(self, item: JsonObject) -> tuple[str, str]:
        """Name and arguments of a call item, as the server knows them."""
        name = get_str(item, "name")
        namespace = item.get("namespace")
        known = self._by_name.get((namespace if isinstance(namespace, str) else None, name))
        plain_name = known.plain_name if known else _plain_name(namespace if isinstance(namespace, str) else None, name)
        if item.get("type") == "custom_tool_call":
            return plain_name, encode({"input": get_str(item, "input")})
        return plain_name, get_str(item, "arguments") or "{}"

    def call_from_plain(self, plain_name: str, arguments: str, *, item_id: str, call_id: str) -> JsonObject:
        """The call item for a function that the model called; an unknown name is passed on as it is."""
        known = self._by_plain_name.get(plain_name)
        if known is not None and known.is_custom:
            return {
                "type": "custom_tool_call",
                "id": item_id,
                "status": "completed",
                "call_id": call_id,
                "name": known.name,
                "input": _custom_input(arguments),
            }
        item: JsonObject = {
            "type": "function_call",
            "id": item_id,
            "status": "completed",
            "call_id": call_id,
            "name": known.name if known else plain_name,
            "arguments": arguments or "{}",
        }
        if known is not None and known.namespace is not None:
            item["namespace"] = known.namespace
        return item

    def _add(self, tool: JsonObject, namespace: str | None) -> None:
        name = get_str(tool, "name")
        kind = tool.get("type")
        if kind == "namespace":
            for inner in get_list(tool, "tools"):
                if isinstance(inner, dict):
                    self._add(inner, name)
            return
        if kind not in ("function", "custom") or not name:
            return
        plain_name = _plain_name(namespace, name)
        if plain_name in self._by_plain_name:
            return
        is_custom = kind == "custom"
        spec: JsonObject = {"name": plain_name}
        if is_custom:
            spec["description"] = _custom_description(tool)
            spec["parameters"] = {
                "type": "object",
                "properties": {"input": {"type": "string", "description": "The whole input of the tool, as text."}},
                "required": ["input"],
                "additionalProperties": False,
            }
        else:
            spec["description"] = get_str(tool, "description")
            spec["parameters"] = get_object(tool, "parameters") or {"type": "object", "properties": {}}
        plain = PlainTool(plain_name, spec, name, namespace, is_custom)
        self.tools.append(plain)
        self._by_plain_name[plain_name] = plain
        self._by_name[namespace, name] = plain


def _plain_name(namespace: str | None, name: str) -> str:
    return (f"{namespace}__{name}" if namespace else name)[-_MAX_NAME:]


def _custom_description(tool: JsonObject) -> str:
    # The grammar is what the server would have enforced; here it can only be told.
    grammar = get_str(get_object(tool, "format"), "definition")
    description = get_str(tool, "description")
    return f"{description}\n\nThe input follows this grammar:\n{grammar}" if grammar else description


def _custom_input(arguments: str) -> str:
    """The text in `{"input": …}`; a model that sends the bare text is understood too."""
    try:
        value = decode(arguments.encode("utf-8", "surrogatepass"))
    except ValueError:
        return arguments
    if isinstance(value, dict):
        inner = value.get("input")
        if isinstance(inner, str):
            return inner
        texts = [text for text in value.values() if isinstance(text, str)]
        return texts[0] if len(value) == len(texts) == 1 else arguments
    return value if isinstance(value, str) else arguments
