"""JSON Schema of a Python type, and values of the type from JSON.

Types: `str`, `int`, `float`, `bool`, `None`, `Any`, `list`, `tuple`, `set`, `dict` with string keys, `Literal`, enums,
unions, `Annotated` with a description, dataclasses, attrs classes, TypedDicts, and pydantic's models where it is there.
"""

import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args, get_origin

import attrs

from codex.base.jsontext import Json, JsonObject

if TYPE_CHECKING:
    import cattrs

T = TypeVar("T")
_PLAIN: dict[object, JsonObject] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    Any: {},
    object: {},
}
_LISTS = (list, tuple, set, frozenset, Collection)


class NoSchema(TypeError):
    """A type that has no JSON Schema here."""

    def __init__(self, kind: object, where: str) -> None:
        shown = kind.__qualname__ if inspect.isclass(kind) and get_origin(kind) is None else repr(kind)
        super().__init__(
            f"{where}: {shown} has no JSON Schema here; use plain types, lists, dicts with string keys, Literal, "
            "enums, dataclasses, attrs classes, TypedDicts or pydantic models"
        )


class NotOfType(ValueError):
    """JSON that is no value of a type; `faults` name what is wrong, with the place of each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def schema_of(kind: Any, *, where: str = "type", complete: bool = False) -> JsonObject:
    """The JSON Schema of a type; objects take no other keys, and those without a default are required.

    Args:
      where: what the error names the type by.
      complete: require every key, as servers do of the schema of an answer.

    Raises: NoSchema, also for classes that contain themselves.
    """
    return _Schemas(complete=complete).of(kind, where, ())


def parse_as(kind: type[T], value: Json) -> T:
    """The value of a type that this JSON is. Raises: NotOfType."""
    if _is_pydantic(kind):
        return _parse_pydantic(kind, value)
    import cattrs  # only whoever wants typed values pays for it

    converter = cattrs.Converter(forbid_extra_keys=True)
    for plain in (str, int, float, bool):
        converter.register_structure_hook(plain, _strictly)
    converter.register_structure_hook_factory(_is_list, _list_hook)
    try:
        return converter.structure(value, kind)
    except Exception as error:
        if not isinstance(error, cattrs.BaseValidationError):
            raise NotOfType((f"{error} @ $",)) from error
        raise NotOfType(tuple(cattrs.transform_error(error, format_exception=_fault))) from error


def _fault(error: BaseException, kind: type | None) -> str:
    if isinstance(error, KeyError):
        return "required field missing"
    return str(error) or f"not a {kind}"


def _strictly(value: Any, kind: Any) -> object:
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"got {value!r}, expected {kind.__name__}")
    return kind(value)


def _is_list(kind: Any) -> bool:
    return (get_origin(kind) or kind) in _LISTS


def _list_hook(kind: Any, converter: "cattrs.Converter") -> Callable[[object, Any], object]:
    """Structures a JSON list, and nothing else that could be iterated over."""
    import cattrs

    member = next(iter(get_args(kind)), Any)
    made = get_origin(kind) or kind
    make = cast("Callable[[list[object]], object]", list if made is Collection else made)
    told = cast("Any", cattrs)  # its stubs miss what both classes take

    def structure(value: object, _kind: Any) -> object:
        if not isinstance(value, list):
            raise TypeError(f"got {value!r}, expected a list")
        members, faults = list[object](), list[Exception]()
        for index, one in enumerate(cast("list[object]", value)):
            try:
                members.append(converter.structure(one, member))
            except Exception as fault:
                fault.add_note(told.IterableValidationNote(f"index {index}", index, member))
                faults.append(fault)
        if faults:
            raise told.IterableValidationError("a list", faults, kind)
        return make(members)

    return structure


class _Schemas:
    def __init__(self, *, complete: bool) -> None:
        self._complete = complete

    def of(self, kind: Any, where: str, inside: tuple[object, ...]) -> JsonObject:
        """The schema of a type; `inside` are the classes it is a field of."""
        origin, arguments = get_origin(kind), get_args(kind)
        try:
            if kind in _PLAIN:
                return dict(_PLAIN[kind])
        except TypeError as error:
            raise NoSchema(kind, where) from error
        if origin is typing.Annotated:
            texts = [text for text in arguments[1:] if isinstance(text, str)]
            schema = self.of(arguments[0], where, inside)
            return {**schema, "description": texts[0]} if texts else schema
        if origin in (typing.NotRequired, typing.Required):
            return self.of(arguments[0], where, inside)
        if origin is Literal:
            return _choice(arguments)
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(one, where, inside) for one in arguments]}
        if (origin or kind) in _LISTS:
            members = {one for one in arguments if one is not ...}
            if len(members) > 1:
                raise NoSchema(kind, where)
            return {"type": "array", "items": self.of(members.pop(), where, inside) if members else {}}
        if (origin or kind) in (dict, Mapping):
            if arguments and arguments[0] is not str:
                raise NoSchema(kind, where)
            values = self.of(arguments[1], where, inside) if arguments else True
            return {"type": "object", "additionalProperties": values}
        return self._class(kind, where, inside)

    def _class(self, kind: Any, where: str, inside: tuple[object, ...]) -> JsonObject:
        if not inspect.isclass(kind):
            raise NoSchema(kind, where)
        if issubclass(kind, enum.Enum):
            return _choice([member.value for member in kind])
        if _is_pydantic(kind):
            return cast("JsonObject", cast("Any", kind).model_json_schema())
        if kind in inside:
            raise NoSchema(kind, f"{where}: contains itself")
        fields = _fields(kind)
        if fields is None:
            raise NoSchema(kind, where)
        return object_schema(
            {name: self.of(field, f"{where}.{name}", (*inside, kind)) for name, (field, _) in fields.items()},
            [name for name, (_, required) in fields.items() if required or self._complete],
        )


def _choice(values: Collection[object]) -> JsonObject:
    names = {type(value): _PLAIN[type(value)]["type"] for value in values if type(value) in _PLAIN}
    kinds: list[Json] = [*names.values()]
    return {**({"type": kinds[0]} if len(kinds) == 1 else {}), "enum": [cast("Json", value) for value in values]}


def object_schema(properties: Mapping[str, JsonObject], required: Collection[str]) -> JsonObject:
    """The schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": {**properties},
        "required": [*required],
        "additionalProperties": False,
    }


def _fields(kind: Any) -> dict[str, tuple[Any, bool]] | None:
    """The fields of a class by name, and whether each is required; None for other classes."""
    if typing.is_typeddict(kind):
        required = cast("frozenset[str]", kind.__required_keys__)
        return {name: (hint, name in required) for name, hint in _hints(kind).items()}
    if dataclasses.is_dataclass(kind):
        missing = dataclasses.MISSING
        hints = _hints(kind)
        return {
            field.name: (hints[field.name], field.default is missing and field.default_factory is missing)
            for field in dataclasses.fields(kind)
            if field.init
        }
    if attrs.has(cast("type[object]", kind)):
        hints, members = _hints(kind), cast("tuple[Any, ...]", attrs.fields(kind))
        return {member.name: (hints[member.name], member.default is attrs.NOTHING) for member in members if member.init}
    return None


def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _is_pydantic(kind: object) -> bool:
    return inspect.isclass(kind) and hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")


def _parse_pydantic(kind: type[T], value: Json) -> T:
    try:
        return cast("Any", kind).model_validate(value)
    except ValueError as error:
        raise NotOfType((str(error),)) from error
