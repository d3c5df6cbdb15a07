"""Frozen data that costs next to nothing until the first of its kind is made.

attrs writes and compiles the methods of a class when the class is defined, half a millisecond each; a program that
imports two hundred and makes fifty of them pays for all. Here the class is defined with its slots, and attrs gives it
its methods when it is first needed: at the first instance, or when its fields are asked for.
"""

from threading import RLock
from typing import Any, ClassVar, Never, TypeVar, cast, dataclass_transform, get_origin

import attrs

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def frozen(cls: type[T]) -> type[T]:
    """A class as `attrs.frozen` makes it, completed when it is first used; it has no bases.

    Every annotation but `ClassVar` is a field; a default is a value or an `attrs.field`.

    Example:
      >>> @frozen
      ... class Point:
      ...     x: int
      ...     y: int = 0
      >>> Point(1)
      Point(x=1, y=0)
    """
    assert cls.__bases__ == (object,), f"{cls.__qualname__} has bases; use attrs.frozen"
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    names = [name for name, kind in cls.__annotations__.items() if not _is_class_var(kind)]
    fields = {name: _field(body.pop(name)) if name in body else attrs.field() for name in names}
    late = _Late(fields)

    def complete_first(self: Any, *args: Any, **kwargs: Any) -> None:
        late.complete(made)
        made.__init__(self, *args, **kwargs)

    body |= {"__slots__": (*names, "__weakref__"), "__match_args__": tuple(names)}
    body |= {"__init__": complete_first, "__attrs_attrs__": late}
    made = cast("type[Any]", type(cls)(cls.__name__, (), body))
    return made


class _Late:
    """Stands for a class's fields until somebody asks for them."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields: dict[str, Any] | None = fields

    def __get__(self, instance: object, owner: type[Any]) -> object:
        self.complete(owner)
        return owner.__attrs_attrs__

    def complete(self, owner: type[Any]) -> None:
        """Let attrs add its methods, once."""
        with _COMPLETING:
            if self._fields is None:
                return
            attrs.define(
                owner,
                these=self._fields,
                slots=False,  # they are there already
                init=True,
                unsafe_hash=True,
                getstate_setstate=True,
                on_setattr=attrs.setters.frozen,
            )
            owner.__setattr__ = _refuse
            owner.__delattr__ = _refuse  # pyright: ignore[reportAttributeAccessIssue]
            self._fields = None


def _refuse(self: object, name: str, *_: object) -> Never:
    raise attrs.exceptions.FrozenInstanceError


def _field(default: object) -> Any:
    return default if type(default) is _COUNTED else attrs.field(default=default)


def _is_class_var(kind: object) -> bool:
    if isinstance(kind, str):
        return kind.startswith(("ClassVar", "typing.ClassVar"))
    return kind is ClassVar or get_origin(kind) is ClassVar


_COUNTED = cast("type[Any]", type(attrs.field()))  # what `attrs.field` gives
# Two threads may make the first instances at once, and attrs may change a class only once.
_COMPLETING = RLock()
