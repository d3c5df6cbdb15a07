"""JSON Schema of types and values of types: what is said of a type is what is taken for it."""

import enum
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.typed_json import NoSchema, NotOfType, parse_as, schema_of


class Kind(enum.Enum):
    CAT = "cat"
    DOG = "dog"


@attrs.frozen
class Place:
    city: str
    zip: int | None = None


@dataclass
class Visit:
    place: Place
    days: Annotated[int, "How many nights, plus one."]
    tags: list[str] = field(default_factory=list)


class Options(TypedDict):
    kind: Literal["fast", "slow"]
    note: NotRequired[str]


@attrs.define
class Loop:
    again: "Loop | None" = None


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (str, {"type": "string"}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (list[float], {"type": "array", "items": {"type": "number"}}),
        (tuple[bool, ...], {"type": "array", "items": {"type": "boolean"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (dict, {"type": "object", "additionalProperties": True}),
        (Any, {}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Kind, {"type": "string", "enum": ["cat", "dog"]}),
        (Annotated[str, "A city."], {"type": "string", "description": "A city."}),
        (
            Options,
            {
                "type": "object",
                "properties": {"kind": {"type": "string", "enum": ["fast", "slow"]}, "note": {"type": "string"}},
                "required": ["kind"],
                "additionalProperties": False,
            },
        ),
    ],
)
def test_a_type_has_a_schema(kind: Any, schema: object) -> None:
    assert schema_of(kind) == schema


def test_classes_nest_and_fields_with_a_default_may_be_left_out() -> None:
    place = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "zip": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    assert schema_of(Visit) == {
        "type": "object",
        "properties": {
            "place": place,
            "days": {"type": "integer", "description": "How many nights, plus one."},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["place", "days"],
        "additionalProperties": False,
    }
    assert schema_of(Visit, complete=True)["required"] == ["place", "days", "tags"]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (complex, "answer: complex has no JSON Schema here"),
        (dict[int, str], r"answer: dict\[int, str\] has no JSON Schema"),
        (tuple[int, str], r"answer: tuple\[int, str\] has no"),
        (Loop, "answer.again: contains itself: Loop has no"),
        (list[bytes], "answer: bytes has no"),
    ],
)
def test_a_type_without_a_schema_is_named_with_its_place(kind: Any, shown: str) -> None:
    with pytest.raises(NoSchema, match=shown):
        schema_of(kind, where="answer")


def test_a_value_is_made_of_json() -> None:
    value = {"place": {"city": "Bern", "zip": 3000}, "days": 2}
    assert parse_as(Visit, value) == Visit(Place("Bern", 3000), 2, [])
    assert parse_as(Options, {"kind": "slow"}) == {"kind": "slow"}
    assert parse_as(list[Kind], ["dog"]) == [Kind.DOG]


@pytest.mark.parametrize(
    ("kind", "value", "faults"),
    [
        (Visit, {"place": {"zip": "x"}, "days": 2}, ("$.place.city", "$.place.zip")),
        (Visit, {"place": {"city": "B"}, "days": "2"}, ("got '2', expected int",)),
        (Visit, {"place": {"city": "B"}, "days": 2, "extra": 1}, ("extra",)),
        (int, True, ("got True, expected int",)),
        (str, 5, ("got 5, expected str",)),
        (list[int], {"a": 1}, ("got {'a': 1}, expected a list",)),
        (list[str], "abc", ("got 'abc', expected a list",)),
        (list[int], [1, "2"], ("got '2', expected int @ $[1]",)),
        (Kind, "cow", ("cow",)),
        (Literal["a", "b"], "c", ("c",)),
    ],
)
def test_json_of_another_type_is_refused_with_every_fault(kind: Any, value: Any, faults: tuple[str, ...]) -> None:
    with pytest.raises(NotOfType) as refused:
        parse_as(kind, value)
    for fault in faults:
        assert any(fault in told for told in refused.value.faults), refused.value.faults


@given(st.builds(Visit, st.builds(Place, st.text(), st.none() | st.integers()), st.integers(), st.lists(st.text())))
def test_what_was_made_plain_comes_back(visit: Visit) -> None:
    plain = {"place": {"city": visit.place.city, "zip": visit.place.zip}, "days": visit.days, "tags": visit.tags}
    assert parse_as(Visit, plain) == visit
