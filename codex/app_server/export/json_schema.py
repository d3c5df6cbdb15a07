"""JSON Schema (draft 7) of the protocol: one file a message, and one with all of it."""

import inspect
import json
import types
from typing import Annotated, Any, ForwardRef, Literal, cast, get_args, get_origin

from codex.app_server._fields import Field, is_class, tag_of
from codex.app_server.export._names import Named, Names, is_union, without_null
from codex.base.jsontext import Json, JsonObject

_DRAFT = "http://json-schema.org/draft-07/schema#"
_BUNDLE = "codex_app_server_protocol.schemas.json"
_PLAIN: dict[type, JsonObject] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    types.NoneType: {"type": "null"},
}


def json_schema_files(*, experimental: bool) -> dict[str, str]:
    """The text of each file by its path, named and laid out as Codex's export is.

    Args:
      experimental: with the methods and fields that a client must opt in to.
    """
    names = Names(experimental=experimental)
    files: dict[str, JsonObject] = {}
    for root in names.roots():
        files[f"{root.folder}{root.named.name}.json"] = schema_of(root.named, names)
    for name, envelope in _envelopes(names).items():
        files[f"{name}.json"] = envelope
    files[_BUNDLE] = _bundle(names)
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in sorted(files.items())}


def schema_of(named: Named, names: Names) -> JsonObject:
    """The schema of one type by itself, with all it refers to as definitions."""
    schemas = _Schemas(names)
    schema = schemas.definition(named)
    return {"$schema": _DRAFT, **schemas.all_definitions(), **schema}


def _bundle(names: Names) -> JsonObject:
    """Everything under `definitions`, the messages' envelopes too."""
    schemas = _Schemas(names)
    definitions: JsonObject = {}
    for name, envelope in _envelopes(names).items():
        definitions[name] = {key: value for key, value in envelope.items() if key not in ("$schema", "definitions")}
    for root in names.roots():
        schemas.refer(root.named)
    found = cast("JsonObject", schemas.all_definitions().get("definitions", {}))
    return {
        "$schema": _DRAFT,
        "title": "CodexAppServerProtocol",
        "type": "object",
        "definitions": dict(sorted((found | definitions).items())),
    }


def _envelopes(names: Names) -> dict[str, JsonObject]:
    roots = {root.named.name: root.named for root in names.roots()}
    sides: dict[str, dict[str, Named | None]] = {
        "ClientRequest": {method: roots.get(it.params_name) for method, it in names.requests().items()},
        "ServerRequest": {method: roots.get(it.params_name) for method, it in names.server_requests().items()},
        "ServerNotification": {method: roots.get(it.params_name) for method, it in names.notifications().items()},
        "ClientNotification": {"initialized": None},
    }
    return {title: _envelope(names, title, methods) for title, methods in sides.items()}


def _envelope(names: Names, title: str, methods: dict[str, Named | None]) -> JsonObject:
    """A message of one side: a request or a notification, told apart by its method."""
    schemas = _Schemas(names)
    is_request = title.endswith("Request")
    messages: list[Json] = []
    for method, params in methods.items():
        properties: JsonObject = {"method": {"type": "string", "enum": [method]}}
        if is_request:
            properties["id"] = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
        if params is not None:
            properties["params"] = schemas.refer(params)
        if title == "ServerNotification":
            properties["emittedAtMs"] = {"type": "integer"}
        required: list[Json] = [name for name in properties if name != "emittedAtMs"]
        messages.append({"type": "object", "properties": properties, "required": required})
    return {"$schema": _DRAFT, "title": title, "oneOf": messages, **schemas.all_definitions()}


class _Schemas:
    """Schemas of types, and the definitions that they came to need."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._definitions: dict[str, JsonObject] = {}

    def all_definitions(self) -> JsonObject:
        if not self._definitions:
            return {}
        return {"definitions": cast("JsonObject", dict(sorted(self._definitions.items())))}

    def refer(self, named: Named) -> JsonObject:
        """A reference to a named type, which is defined once."""
        if named.name not in self._definitions:
            self._definitions[named.name] = {}
            self._definitions[named.name] = self.definition(named)
        return {"$ref": f"#/definitions/{named.name}"}

    def definition(self, named: Named) -> JsonObject:
        if is_class(named.type):
            return self._of_class(named.type, named.module)
        return {"title": named.name, **self._of_shape(named.type, named.module)}

    def _of_class(self, cls: type, module: str) -> JsonObject:
        tag = tag_of(cls)
        fields = self._names.fields(cls)
        properties: JsonObject = {tag.key: {"type": "string", "enum": [tag.value]}} if tag else {}
        properties |= {field.wire_name: self._of_field(field, module) for field in fields}
        required: list[Json] = [tag.key] if tag else []
        required += [field.wire_name for field in fields if field.required]
        schema: JsonObject = {"title": cls.__name__, "description": inspect.getdoc(cls) or "", "type": "object"}
        if properties:
            schema["properties"] = properties
        if required:
            schema["required"] = required
        return schema

    def _of_field(self, field: Field, module: str) -> JsonObject:
        shape, nullable = without_null(field.type)
        schema = self._of_type(shape, module)
        return {"anyOf": [schema, {"type": "null"}]} if nullable else schema

    def _of_type(self, of_type: Any, module: str) -> JsonObject:
        named = self._names.named(of_type, module)
        return self.refer(named) if named else self._of_shape(of_type, module)

    def _of_shape(self, of_type: Any, module: str) -> JsonObject:
        """The schema of a type that has no name, or of what a name stands for."""
        if isinstance(of_type, str | ForwardRef):
            return {}
        if of_type in _PLAIN:
            return dict(_PLAIN[of_type])
        origin, parts = get_origin(of_type), get_args(of_type)
        if origin is Annotated:
            return {"type": "integer", "minimum": 0}
        if origin is Literal:
            return {"type": "string", "enum": list(parts)}
        if origin is tuple:
            return {"type": "array", "items": self._of_type(parts[0], module)}
        if origin is dict:
            return {"type": "object", "additionalProperties": self._of_type(parts[1], module) or True}
        assert is_union(of_type), f"no schema for {of_type!r}"
        return {"anyOf": [self._of_type(member, module) for member in parts]}
