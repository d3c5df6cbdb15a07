"""Frozen data that costs next to nothing until the first of its kind is made.

attrs writes and compiles the methods of a class when the class is defined, half a millisecond each; a program that
imports two hundred and makes fifty of them pays for all. Here the class is defined with its slots, and attrs gives it
its methods when it is first needed: at the first instance, or when its fields are asked for.
"""

from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import Any, ClassVar, Never, TypeVar, cast, dataclass_transform, get_origin, overload

import attrs

T = TypeVar("T")


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def frozen(cls: type[Any] | None = None, /, *, kw_only: bool = False) -> Any:
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
    begin = partial(_begin, kw_only=kw_only)
    return begin if cls is None else begin(cls)


def _begin(cls: type[T], *, kw_only: bool) -> type[T]:
    """The class with its slots, and without attrs' methods."""
    assert cls.__bases__ == (object,), f"{cls.__qualname__} has bases; use attrs.frozen"
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    names = [name for name, kind in cls.__annotations__.items() if not _is_class_var(kind)]
    late = _Late({name: body.pop(name, attrs.NOTHING) for name in names}, kw_only=kw_only)

    def complete_first(self: Any, *args: Any, **kwargs: Any) -> None:
        late.complete(made)
        made.__init__(self, *args, **kwargs)

    body |= {"__slots__": (*names, "__weakref__"), "__match_args__": () if kw_only else tuple(names)}
    body |= {"__init__": complete_first, "__attrs_attrs__": late}
    made = cast("type[Any]", type(cls)(cls.__name__, (), body))
    return made


class _Late:
    """Stands for a class's fields until somebody asks for them."""

    __slots__ = ("_defaults", "_kw_only")

    def __init__(self, defaults: dict[str, Any], *, kw_only: bool) -> None:
        self._defaults: dict[str, Any] | None = defaults
        self._kw_only = kw_only

    def __get__(self, instance: object, owner: type[Any]) -> object:
        self.complete(owner)
        return owner.__attrs_attrs__

    def complete(self, owner: type[Any]) -> None:
        """Let attrs add its methods, once."""
        with _COMPLETING:
            if self._defaults is None:
                return
            attrs.define(
                owner,
                these={name: _field(default) for name, default in self._defaults.items()},
                slots=False,  # they are there already
                init=True,
                kw_only=self._kw_only,
                unsafe_hash=True,
                getstate_setstate=True,
                on_setattr=attrs.setters.frozen,
            )
            owner.__setattr__ = _refuse
            owner.__delattr__ = _refuse  # pyright: ignore[reportAttributeAccessIssue]
            self._defaults = None


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
