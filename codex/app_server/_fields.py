"""What a class of the wire says of itself: its fields, their names, and what happens to those left out.

x: str                       must be there
x: str | None = None         may be missing; left out when None
x: str | None = null()       may be missing; written as null when None
x: str | None | Unset = UNSET  missing and null are different things
x: bool = False              may be missing; always written
"""

import enum
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, cast, get_args, get_origin

import attrs


class Unset(enum.Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""The value of a field that was not there, where null means something else."""

Unsigned: TypeAlias = Annotated[int, "unsigned"]
"""A whole number that is not negative."""

_NULL = "null"


def null() -> Any:  # what attrs wants as a field is no value of the field's type
    """A field that may be missing, and is written as null when it is None."""
    return attrs.field(default=None, metadata={_NULL: True})


@attrs.frozen
class Field:
    """One field, as the wire sees it."""

    name: str
    wire_name: str
    type: Any  # a class, a union, a literal: whatever was written as the annotation
    required: bool
    default: object
    omitted: bool
    """Left out when its value is the default, None or UNSET."""


@attrs.frozen
class Tag:
    """The field that tells a class from the others of its union."""

    key: str
    value: str


def is_class(of_type: object) -> bool:
    """Whether the type is one of ours, to be written as an object."""
    return isinstance(of_type, type) and attrs.has(of_type)


def fields_of(cls: type) -> list[Field]:
    """The fields in the order they are written in; those in snake case on the wire say so by `SNAKE_CASE`."""
    snake = bool(getattr(cls, "SNAKE_CASE", False))
    found: list[Field] = []
    for attribute in cast("tuple[attrs.Attribute[Any], ...]", attrs.fields(cls)):
        default = attribute.default
        omitted = default is UNSET or (default is None and _NULL not in attribute.metadata)
        found.append(
            Field(
                attribute.name,
                wire_name(attribute.name, snake=snake),
                attribute.type,
                required=default is attrs.NOTHING,
                default=default,
                omitted=omitted,
            )
        )
    return found


def wire_name(name: str, *, snake: bool = False) -> str:
    """The field's name in JSON: camel case; `meta` is what MCP calls `_meta`."""
    if name == "meta":
        return "_meta"
    if snake:
        return name.rstrip("_")
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def tag_of(cls: type) -> Tag | None:
    """The tag of a class, from its `type: ClassVar[Literal["..."]]`."""
    for key, annotation in vars(cls).get("__annotations__", {}).items():
        if get_origin(annotation) is ClassVar and get_origin(get_args(annotation)[0]) is Literal:
            return Tag(key, getattr(cls, key))
    return None
