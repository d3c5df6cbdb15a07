"""What the model is told about a tool: the JSON of the Responses API."""

from collections.abc import Sequence

from codex.base.jsontext import Json, JsonObject


def prop(kind: str, description: str) -> JsonObject:
    """A parameter of a plain type."""
    return {"type": kind, "description": description}


def choice(options: Sequence[str], description: str) -> JsonObject:
    """A string parameter with the values it may have."""
    return {"type": "string", "enum": [*options], "description": description}


def array(items: JsonObject, description: str) -> JsonObject:
    """A list parameter."""
    return {"type": "array", "items": items, "description": description}


def obj(properties: dict[str, JsonObject], required: Sequence[str] = ()) -> JsonObject:
    """An object schema that takes nothing else."""
    props: dict[str, Json] = {**properties}
    return {"type": "object", "properties": props, "required": [*required], "additionalProperties": False}


def function(name: str, description: str, parameters: JsonObject) -> JsonObject:
    """A function tool."""
    return {
        "type": "function",
        "name": name,
        "description": description,
        "strict": False,
        "parameters": parameters,
    }


def custom(name: str, description: str, lark: str) -> JsonObject:
    """A free-form tool whose input follows a Lark grammar."""
    grammar: JsonObject = {"type": "grammar", "syntax": "lark", "definition": lark}
    return {"type": "custom", "name": name, "description": description, "format": grammar}


def namespace(name: str, description: str, tools: Sequence[JsonObject]) -> JsonObject:
    """A group of functions."""
    return {"type": "namespace", "name": name, "description": description, "tools": [*tools]}
