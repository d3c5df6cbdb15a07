"""Writing: from instances to JSON, by a function that is generated once a class."""

import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from codex.app_server._fields import Field, Unset, fields_of, is_class, tag_of
from codex.base.jsontext import Json

_encoders: dict[type, Callable[[Any], Json]] = {}


def encode_value(value: Any) -> Json:
    """The JSON of an instance, of a tuple of them, or of a plain value."""
    encoder = _encoders.get(value.__class__)
    if encoder is None:
        encoder = _encoders[value.__class__] = _encoder_of(value.__class__)
    return encoder(value)


def _encoder_of(cls: type) -> Callable[[Any], Json]:
    if is_class(cls):
        return _compile(cls)
    if cls is tuple or cls is list:
        return lambda values: [encode_value(value) for value in values]
    if cls is dict:
        return lambda values: {key: encode_value(value) for key, value in values.items()}
    return lambda value: value


def _compile(cls: type) -> Callable[[Any], Json]:
    """One dict display a class, with a statement for each field that may be left out."""
    tag = tag_of(cls)
    lines = ["def encoder(it):", "    out = {"]
    if tag is not None:
        lines[-1] += f"{tag.key!r}: {tag.value!r}, "
    is_open = True
    for field in fields_of(cls):
        expression = _expression(field.type, f"it.{field.name}")
        if field.omitted:
            lines[-1] += "}" if is_open else ""
            is_open = False
            lines += _optional(field)
        elif is_open:
            lines[-1] += f"{field.wire_name!r}: {expression}, "
        else:
            lines.append(f"    out[{field.wire_name!r}] = {expression}")
    lines[-1] += "}" if is_open else ""
    lines.append("    return out")
    scope: dict[str, Any] = {"encode_value": encode_value, "UNSET": Unset.UNSET}
    exec("\n".join(lines), scope)  # names and tags of our own classes only, never text from outside
    return scope["encoder"]


def _optional(field: Field) -> list[str]:
    absent = "UNSET" if field.default is Unset.UNSET else "None"
    return [
        f"    value = it.{field.name}",
        f"    if value is not {absent}:",
        f"        out[{field.wire_name!r}] = {_expression(field.type, 'value')}",
    ]


def _expression(of_type: Any, value: str) -> str:
    if _is_plain(of_type):
        return value
    if get_origin(of_type) is tuple and _is_plain(get_args(of_type)[0]):
        return f"list({value})"
    return f"encode_value({value})"


def _is_plain(of_type: Any) -> bool:
    """Whether a value is its own JSON: text, numbers, literals, JSON that is passed on, and unions of these."""
    origin = get_origin(of_type)
    if origin is Annotated:
        return _is_plain(get_args(of_type)[0])
    if origin is dict:
        return _is_plain(get_args(of_type)[1])
    if origin is Union or origin is types.UnionType:
        return all(_is_plain(member) for member in get_args(of_type))
    return origin is Literal or of_type in (str, int, float, bool, types.NoneType) or _is_json(of_type)


def _is_json(of_type: Any) -> bool:
    return isinstance(of_type, str) or of_type.__class__.__name__ == "ForwardRef"
