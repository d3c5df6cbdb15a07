"""Functions as tools: what the model is told of them, what it may give them, and what it gets back."""

import os
from pathlib import Path
from typing import Annotated, Literal

import attrs
import pytest
import trio

from codex.base.errors import UserError
from codex.base.jsontext import Json
from codex.embed import FunctionTool, bring, tool
from codex.ports.dynamic_tools import DynamicCall, DynamicResult, DynamicTool
from codex.testing import call, open_test_codex, text
from tests.codex.embed import sync_tools


@attrs.frozen
class Place:
    city: str
    zip: int | None = None


@tool
async def weather(
    place: Place, days: Annotated[int, "How many."] = 1, unit: Literal["C", "F"] = "C"
) -> dict[str, object]:
    """What the weather will be."""
    return {"city": place.city, "days": days, "unit": unit}


async def answer(one: FunctionTool, arguments: Json) -> DynamicResult:
    brought = bring([one])
    return await brought.call(DynamicCall("t", "u", "c", None, one.name, arguments))


def test_the_model_is_told_the_docstring_and_a_schema_of_the_signature() -> None:
    place = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "zip": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    assert weather.spec == DynamicTool(
        "weather",
        "What the weather will be.",
        {
            "type": "object",
            "properties": {
                "place": place,
                "days": {"type": "integer", "description": "How many."},
                "unit": {"type": "string", "enum": ["C", "F"]},
            },
            "required": ["place"],
            "additionalProperties": False,
        },
    )


async def test_arguments_become_what_the_signature_says_and_the_value_becomes_json() -> None:
    assert await answer(weather, {"place": {"city": "Bern"}, "days": 3}) == DynamicResult.text(
        '{"city":"Bern","days":3,"unit":"C"}'
    )


async def test_all_faults_of_the_arguments_are_told_together_and_nothing_is_called() -> None:
    with pytest.raises(Exception, match="weather"):  # called by hand it is still the function
        await weather(1, 2, 3, 4)
    told = await answer(weather, {"days": "3", "unit": "K", "moon": 1})
    assert not told.success
    [part] = told.content
    for fault in ("unknown argument `moon`", "missing argument `place`", "`days`: got '3', expected int", "`unit`: "):
        assert fault in str(part["text"])


async def test_what_a_function_raises_is_told_to_the_model() -> None:
    @tool
    async def broken() -> str:
        raise LookupError("no such city")

    assert await answer(broken, {}) == DynamicResult.text("LookupError: no such city", success=False)
    assert await answer(sync_tools.fail, {}) == DynamicResult.text("LookupError: no such city", success=False)


async def test_a_sync_function_runs_in_a_process_of_its_own() -> None:
    assert await answer(sync_tools.add, {"a": 2}) == DynamicResult.text("3")
    [part] = (await answer(sync_tools.where, {})).content
    assert f'"parent":{os.getpid()}' in str(part["text"])
    refused = await answer(sync_tools.add, {"a": "2"})
    assert not refused.success
    assert "`a`: got '2', expected int" in str(refused.content)


async def test_a_process_that_dies_is_a_failure_that_says_so() -> None:
    assert await answer(sync_tools.die, {"code": 3}) == DynamicResult.text(
        "the process of `die` ended with code 3 and no answer", success=False
    )


async def test_cancelled_the_process_and_its_children_are_gone(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer, sync_tools.hang, {"told": str(told)})
        with trio.fail_after(60):
            while not told.exists():
                await trio.sleep(0.02)
        nursery.cancel_scope.cancel()
    worker, child = map(int, told.read_text().split())
    with trio.fail_after(60):
        for pid in (worker, child):
            while _alive(pid):
                await trio.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_thread_calls_them() -> None:
    turns = [[call("weather", "w", place={"city": "Bern"})], [call("add", "a", a=1, b=2)], [text("ok")]]
    async with open_test_codex(turns, tools=bring([weather, sync_tools.add])) as codex:
        await codex.run_turn("go")
        assert codex.requests[1].output_of("w") == '{"city":"Bern","days":1,"unit":"C"}'
        assert codex.requests[2].output_of("a") == "3"


def test_what_cannot_be_a_tool_is_refused_with_the_reason() -> None:
    def inner() -> str:
        return ""

    async def many(*words: str) -> str:
        return ""

    async def opaque(value: complex) -> str:
        return ""

    with pytest.raises(TypeError, match=r"inner: a tool that is not async runs in a process of its own"):
        tool(inner)
    with pytest.raises(TypeError, match=r"many: parameter \*words: str cannot be given by name"):
        tool(many)
    with pytest.raises(TypeError, match=r"opaque\(value\): complex has no JSON Schema here"):
        tool(opaque)
    with pytest.raises(UserError, match="duplicate dynamic tool name: weather"):
        bring([weather, weather])


def test_names_and_namespaces_can_be_given() -> None:
    @tool(name="wetter", namespace="sky")
    async def other() -> str:
        """Das Wetter."""
        return ""

    brought = bring([other], descriptions={"sky": "All above."})
    assert brought.json() == [
        {
            "type": "namespace",
            "name": "sky",
            "description": "All above.",
            "tools": [
                {
                    "type": "function",
                    "name": "wetter",
                    "description": "Das Wetter.",
                    "inputSchema": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
                }
            ],
        }
    ]
