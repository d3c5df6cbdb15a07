"""Values that a JSON Schema accepts, for the parts of draft 7 that protocol schemas are made of."""

import functools
from typing import Any

from hypothesis import strategies as st

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
MAX_DEPTH = 6


def values(schema: Any, definitions: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """What the schema accepts; below some depth only what must be there."""
    deeper = functools.partial(values, definitions=definitions, depth=depth + 1)
    if schema is True or not isinstance(schema, dict):
        return JSON_VALUES
    if "$ref" in schema:
        return st.deferred(lambda: deeper(definitions[schema["$ref"].rpartition("/")[2]]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    base = _object(schema, deeper, depth) if "properties" in schema else None
    if alternatives:
        if depth > MAX_DEPTH:
            alternatives = [it for it in alternatives if it.get("type") in ("null", "string")] or alternatives[:1]
        chosen = st.one_of([deeper(it) for it in alternatives])
        return chosen if base is None else st.tuples(base, chosen).map(lambda pair: {**pair[0], **pair[1]})
    if "allOf" in schema:
        parts = st.tuples(*[deeper(it) for it in schema["allOf"]])
        return parts.map(lambda found: functools.reduce(_join, found))
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of([_of_kind(kind, schema, deeper, depth) for kind in kinds]) if kinds else JSON_VALUES


def _join(one: Any, other: Any) -> Any:
    return {**one, **other} if isinstance(one, dict) else other


def _of_kind(kind: str, schema: Any, deeper: Any, depth: int) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "string":
            return st.text(min_size=1, max_size=5)
        case "integer":
            return st.integers(int(schema.get("minimum", -3)), int(schema.get("minimum", -3)) + 5)
        case "number":
            return st.floats(0, 5)
        case "array":
            return st.lists(deeper(schema.get("items", True)), max_size=0 if depth > MAX_DEPTH else 2)
        case _:
            return _object(schema, deeper, depth)


def _object(schema: Any, deeper: Any, depth: int) -> st.SearchStrategy[Any]:
    properties = schema.get("properties", {})
    required = {name: deeper(properties[name]) for name in schema.get("required", []) if name in properties}
    optional = (
        {name: deeper(it) for name, it in properties.items() if name not in required} if depth <= MAX_DEPTH else {}
    )
    known = st.fixed_dictionaries(required, optional=optional)
    more = schema.get("additionalProperties")
    if not more or properties:
        return known
    return st.dictionaries(st.text(max_size=3), deeper(more), max_size=2)
