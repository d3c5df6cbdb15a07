"""Answers as values of a type: the schema is sent, one repair is asked for, then the fault is told."""

from dataclasses import dataclass
from typing import Literal, TypedDict

import attrs
import pytest

from codex.base.jsontext import get_object
from codex.base.typed_json import NoSchema
from codex.testing import SeenRequest, open_test_codex, text
from codex.threads.typed import NotTyped, ask_typed


@attrs.frozen
class Bug:
    file: str
    line: int


@dataclass
class Verdict:
    green: bool
    bugs: list[Bug]


class Place(TypedDict):
    path: str


WRONG, RIGHT = '{"file": "a.py", "line": "twelve"}', '{"file": "a.py", "line": 12}'
SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "string"}, "line": {"type": "integer"}},
    "required": ["file", "line"],
    "additionalProperties": False,
}


def schema(request: SeenRequest) -> object:
    return get_object(get_object(request.body, "text"), "format").get("schema")


async def test_the_schema_is_sent_and_the_answer_is_a_value_of_the_type() -> None:
    async with open_test_codex([[text(RIGHT)]]) as codex:
        assert await ask_typed(codex.thread, "where?", Bug) == Bug("a.py", 12)
    assert [schema(request) for request in codex.requests] == [SCHEMA]


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        (Verdict, '{"green": false, "bugs": [{"file": "a", "line": 1}]}', Verdict(green=False, bugs=[Bug("a", 1)])),
        (Place, '{"path": "a"}', {"path": "a"}),
        (list[int], '{"value": [1, 2]}', [1, 2]),
        (Literal["yes", "no"], '{"value": "no"}', "no"),
        (dict[str, int], '{"value": {"a": 1}}', {"a": 1}),
    ],
)
async def test_all_kinds_of_types_come_back(kind: type[object], answer: str, value: object) -> None:
    async with open_test_codex([[text(answer)]]) as codex:
        assert await ask_typed(codex.thread, "?", kind) == value


async def test_an_answer_that_does_not_fit_is_asked_for_once_more_with_what_is_wrong() -> None:
    async with open_test_codex([[text(WRONG)], [text(RIGHT)]]) as codex:
        assert await ask_typed(codex.thread, "where?", Bug) == Bug("a.py", 12)
    assert [schema(request) for request in codex.requests] == [SCHEMA, SCHEMA]
    repair = codex.requests[1].texts("user")[-1]
    assert "line" in repair
    assert "'twelve'" in repair


async def test_a_second_answer_that_does_not_fit_is_an_error_with_the_faults_and_the_text() -> None:
    async with open_test_codex([[text("no idea")], [text(WRONG)]]) as codex:
        with pytest.raises(NotTyped) as caught:
            await ask_typed(codex.thread, "where?", Bug)
    assert caught.value.text == WRONG
    assert len(caught.value.faults) == 1
    assert "line" in caught.value.faults[0]
    assert "the answer is no Bug: " in str(caught.value)


async def test_a_type_that_no_model_can_be_told_costs_no_request() -> None:
    async with open_test_codex([[text(RIGHT)]]) as codex:
        with pytest.raises(NoSchema):
            await ask_typed(codex.thread, "?", type(open))
    assert codex.requests == []


async def test_an_agent_gives_its_result_as_a_value_and_repairs_it_once() -> None:
    script = {"scripts": {"root": [[text("root")]], "child": [[text(WRONG)], [text(RIGHT)]]}, "default": "root"}
    async with open_test_codex(script) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", output_type=Bug) as agent:
            assert await agent.result(as_type=Bug) == Bug("a.py", 12)
    assert [schema(request) for request in codex.requests] == [SCHEMA, SCHEMA]


async def test_an_agent_that_was_not_told_the_type_is_told_it_with_the_repair() -> None:
    script = {"scripts": {"root": [[text("root")]], "child": [[text("it is a.py")], [text(RIGHT)]]}, "default": "root"}
    async with open_test_codex(script) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            assert await agent.result(as_type=Bug) == Bug("a.py", 12)
    assert [schema(request) for request in codex.requests] == [None, SCHEMA]
