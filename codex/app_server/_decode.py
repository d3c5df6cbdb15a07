"""Reading: from JSON to instances, by a function that is built once a type.

Faults are worded as Codex words them, with the path of the field where it is not plain from the message.
"""

import types
from collections.abc import Callable, Collection
from typing import Annotated, Any, ForwardRef, Literal, TypeAlias, Union, get_args, get_origin

from codex.app_server._fields import fields_of, is_class, tag_of
from codex.base.jsontext import Json, encode

Decoder: TypeAlias = Callable[[Json], Any]

_MAX_TOLD = 80
_MISSING = object()
_decoders: dict[Any, Decoder] = {}


class BadParams(Exception):
    """A request's params do not fit: `path` is where, such as `input[0].text`; empty for the params themselves."""

    code = -32600

    def __init__(self, fault: str, path: str = "", *, names_field: bool = False) -> None:
        shown = path.rpartition(".")[0] if names_field else path
        super().__init__(f"Invalid request: {fault}" + (f" at `{shown}`" if shown else ""))
        self.fault, self.path, self._names_field = fault, path, names_field

    def inside(self, step: str) -> "BadParams":
        """The same fault, seen from one level further out; `step` is a field's name or `[3]`."""
        dot = "." if self.path and not self.path.startswith("[") else ""
        return BadParams(self.fault, f"{step}{dot}{self.path}", names_field=self._names_field)


def decoder_of(of_type: Any) -> Decoder:
    """The reader for a class, a union, a literal or a plain type."""
    decoder = _decoders.get(of_type)
    if decoder is None:
        decoder = _decoders[of_type] = _build(of_type)
    return decoder


def _build(of_type: Any) -> Decoder:
    origin, members = get_origin(of_type), get_args(of_type)
    if is_class(of_type):
        return _for_class(of_type)
    if isinstance(of_type, str | ForwardRef):  # `Json` is an alias by name: whatever came
        return lambda value: value
    if origin is Annotated:
        return _unsigned
    if origin is tuple:
        return _for_tuple(decoder_of(members[0]))
    if origin is dict:
        return _for_dict(decoder_of(members[1]))
    if origin is Union or origin is types.UnionType or origin is Literal:
        return _for_union(of_type)
    return _PLAIN[of_type]


def _for_class(cls: type) -> Decoder:
    fields = [(field.name, field.wire_name, decoder_of(field.type), field.required) for field in fields_of(cls)]

    def decode_class(value: Json) -> Any:
        if not isinstance(value, dict):
            raise _wrong_type(value, f"struct {cls.__name__}")
        arguments: dict[str, Any] = {}
        for name, wire_name, read, required in fields:
            found = value.get(wire_name, _MISSING)
            if found is not _MISSING:
                try:
                    arguments[name] = read(found)  # pyright: ignore[reportArgumentType]
                except BadParams as fault:
                    raise fault.inside(wire_name) from None
            elif required:
                raise BadParams(f"missing field `{wire_name}`", wire_name, names_field=True)
        return cls(**arguments)

    return decode_class


def _for_tuple(read: Decoder) -> Decoder:
    def decode_tuple(value: Json) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _wrong_type(value, "a sequence")
        done: list[Any] = []
        for position, element in enumerate(value):
            try:
                done.append(read(element))
            except BadParams as fault:
                raise fault.inside(f"[{position}]") from None
        return tuple(done)

    return decode_tuple


def _for_dict(read: Decoder) -> Decoder:
    def decode_dict(value: Json) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, "a map")
        done: dict[str, Any] = {}
        for key, element in value.items():
            try:
                done[key] = read(element)
            except BadParams as fault:
                raise fault.inside(key) from None
        return done

    return decode_dict


class _Union:
    """The members of a union, by the kind of JSON they are read from."""

    def __init__(self, of_type: Any) -> None:
        self.literals: list[str] = []
        self.tag_key = ""
        self.tagged: dict[str, Decoder] = {}
        self.keyed: dict[str, Decoder] = {}
        """Classes without a tag, by the name of their first field: `{"granular": {...}}`."""
        self.by_kind: dict[type, Decoder] = {}
        for member in get_args(of_type) if get_origin(of_type) is not Literal else (of_type,):
            self._add(member)

    def _add(self, member: Any) -> None:
        if get_origin(member) is Literal:
            self.literals += get_args(member)
        elif is_class(member) and (tag := tag_of(member)) is not None:
            self.tag_key = tag.key
            self.tagged[tag.value] = decoder_of(member)
        elif is_class(member):
            self.keyed[fields_of(member)[0].wire_name] = decoder_of(member)
        elif member is not types.NoneType and getattr(member, "__name__", "") != "Unset":
            base = get_origin(member)
            kind = list if base is tuple else int if base is Annotated else base or member
            self.by_kind[kind] = decoder_of(member)
        elif member is types.NoneType:
            self.by_kind[types.NoneType] = _none

    def decode(self, value: Json) -> Any:
        if isinstance(value, str) and self.literals:
            return self._literal(value)
        if isinstance(value, dict) and (self.tagged or self.keyed):
            return self._object(value)
        read = self.by_kind.get(value.__class__)
        if read is None and isinstance(value, int) and not isinstance(value, bool):
            read = self.by_kind.get(float)
        if read is None:
            raise self._mismatch(value)
        return read(value)

    def _literal(self, value: str) -> str:
        if value in self.literals or str in self.by_kind:
            return value
        raise _unknown_variant(value, [*self.literals, *self.keyed])

    def _object(self, value: dict[str, Json]) -> Any:
        if self.tagged:
            tag = value.get(self.tag_key)
            if isinstance(tag, str) and tag in self.tagged:
                return self.tagged[tag](value)
            if self.tag_key not in value:
                raise BadParams(f"missing field `{self.tag_key}`", self.tag_key, names_field=True)
            if not isinstance(tag, str):
                raise _wrong_type(tag, "a string").inside(self.tag_key)
            raise _unknown_variant(tag, self.tagged)
        for key, read in self.keyed.items():
            if key in value or (len(self.keyed) == 1 and not self.literals):
                return read(value)
        if dict in self.by_kind:
            return self.by_kind[dict](value)
        raise _unknown_variant(next(iter(value), ""), [*self.literals, *self.keyed])

    def _mismatch(self, value: Json) -> BadParams:
        others = [kind for kind in self.by_kind if kind is not types.NoneType]
        if len(others) == 1 and not (self.literals or self.tagged or self.keyed):
            try:
                self.by_kind[others[0]](value)
            except BadParams as fault:
                return fault
        words = ["string"] * bool(self.literals or str in others) + ["map"] * bool(self.tagged or self.keyed)
        words += [_KINDS[kind] for kind in others if kind is not str]
        return _wrong_type(value, " or ".join(words))


def _for_union(of_type: Any) -> Decoder:
    return _Union(of_type).decode


def _none(value: Json) -> None:
    if value is not None:
        raise _wrong_type(value, "null")


def _string(value: Json) -> str:
    if isinstance(value, str):
        return value
    raise _wrong_type(value, "a string")


def _boolean(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong_type(value, "a boolean")


def _integer(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _wrong_type(value, "i64")


def _unsigned(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(value, "u64")
    if value < 0:
        raise BadParams(f"invalid value: integer `{value}`, expected u64")
    return value


def _number(value: Json) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _wrong_type(value, "f64")


_PLAIN: dict[Any, Decoder] = {
    str: _string,
    bool: _boolean,
    int: _integer,
    float: _number,
    types.NoneType: _none,
}
_KINDS: dict[type, str] = {str: "string", bool: "boolean", int: "i64", float: "f64", list: "sequence", dict: "map"}


def _wrong_type(value: Json, expected: str) -> BadParams:
    return BadParams(f"invalid type: {_describe(value)}, expected {expected}")


def _unknown_variant(value: str, known: Collection[str]) -> BadParams:
    names = [f"`{name}`" for name in known]
    told = f"one of {', '.join(names)}" if len(names) > 2 else " or ".join(names)
    return BadParams(f"unknown variant `{_shorten(value)}`, expected {told}")


def _describe(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{'true' if value else 'false'}`"
        case int():
            return f"integer `{_shorten(str(value))}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {_shorten(encode(value))}"
        case list():
            return "sequence"
        case _:
            return "map"


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_TOLD else text[:_MAX_TOLD] + "…"
