"""Our data as msgpack, and back.  Pure.

Plain values are their own msgpack. Tuples, sets, and instances of our attrs classes are extension types: an instance is
the name of its class and the values of its fields, in their order, so both sides have to be of one version.
Only classes of `codex` are read: whatever comes in, nothing else is ever imported or called.
"""

from collections.abc import Callable, Mapping, Set
from functools import cache
from importlib import import_module
from typing import Any, cast

import attrs
import msgpack

from codex.base.errors import CodexError

_TUPLE, _SET, _INSTANCE = 1, 2, 3
_ROOT = "codex."
# The package has no types.
_packb = cast("Callable[..., bytes]", msgpack.packb)  # pyright: ignore[reportUnknownMemberType]
_unpackb = cast("Callable[..., Any]", msgpack.unpackb)  # pyright: ignore[reportUnknownMemberType]


class BadFrame(CodexError):
    """Bytes from a worker, or for one, that no message of ours is made of."""


def pack(value: object) -> bytes:
    """The bytes of a value. Raises: TypeError for what has none."""
    return _packb(value, default=_extended, strict_types=True)


def unpack(data: bytes) -> Any:  # Any: what comes back is whatever was packed
    """The value of the bytes. Raises: BadFrame."""
    try:
        return _unpackb(data, ext_hook=_read, strict_map_key=False)
    except BadFrame:
        raise
    except (
        ValueError,
        TypeError,
        AttributeError,
        ImportError,
        RecursionError,
        CodexError,
        msgpack.exceptions.UnpackException,
    ) as error:
        raise BadFrame(f"a frame cannot be read: {error}") from error


def _extended(value: object) -> object:
    if isinstance(value, tuple):
        return msgpack.ExtType(_TUPLE, pack([*cast("tuple[object, ...]", value)]))
    if isinstance(value, Set):
        return msgpack.ExtType(_SET, pack([*cast("Set[object]", value)]))
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    kind = type(value)
    if attrs.has(kind) and kind.__module__.startswith(_ROOT):
        name = f"{kind.__module__}:{kind.__qualname__}"
        return msgpack.ExtType(_INSTANCE, pack([name, *(getattr(value, name) for name in _fields(kind))]))
    raise TypeError(f"{kind.__qualname__} cannot go to another process")


def _read(code: int, data: bytes) -> object:
    value = unpack(data)
    match code, value:
        case (1, list()):
            return tuple(cast("list[object]", value))
        case (2, list()):
            return frozenset(cast("list[object]", value))
        case (3, [str(name), *values]):
            kind = _class(name)
            names = _fields(kind)
            if len(values) != len(names):
                raise ValueError(f"{name} has {len(names)} fields, not {len(values)}")
            return kind(**{field.lstrip("_"): value for field, value in zip(names, values, strict=True)})
        case _:
            raise ValueError(f"no value of ours has the type {code}")


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind) if field.init)


@cache
def _class(name: str) -> type[Any]:
    module, _, qualified = name.partition(":")
    if not module.startswith(_ROOT) or "." in qualified:
        raise ValueError(f"{name!r} is no class of ours")
    kind = getattr(import_module(module), qualified)
    if not isinstance(kind, type) or not attrs.has(kind) or kind.__module__ != module:
        raise ValueError(f"{name!r} is no class of ours")
    return kind
