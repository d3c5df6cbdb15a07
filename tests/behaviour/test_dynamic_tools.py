"""Tools that a program brings along: offered, called, shown, kept, refused."""

from typing import Never, cast

import pytest
import trio
from trio.testing import MockClock

from actors import Mailbox, open_runtime
from codex.base.errors import ToolFailure, UserError
from codex.base.jsontext import JsonObject
from codex.ports.dynamic_tools import CallTool, DynamicCall, DynamicResult, DynamicTool, DynamicTools
from codex.protocol.event import EventMsg, ItemCompleted, ItemStarted, TurnAborted
from codex.protocol.item import DynamicToolCall
from codex.protocol.op import Interrupt
from codex.testing import call, open_test_codex, text

SCHEMA: JsonObject = {"type": "object", "properties": {"x": {"type": "integer"}}}
DOUBLE = DynamicTool("double", "Twice a number.", SCHEMA)
INNER = DynamicTool("inner", "Inside.", SCHEMA, namespace="mine")


async def echo(asked: DynamicCall) -> DynamicResult:
    return DynamicResult.text(f"{asked.namespace}/{asked.tool}: {asked.arguments}")


def tools(do: CallTool = echo, *, within: float = 3600.0) -> DynamicTools:
    return DynamicTools((DOUBLE, INNER), do, {"mine": "My own."}, within=within)


def shown(msgs: list[EventMsg]) -> list[DynamicToolCall]:
    return [
        msg.item
        for msg in msgs
        if isinstance(msg, ItemStarted | ItemCompleted) and isinstance(msg.item, DynamicToolCall)
    ]


async def test_the_model_is_offered_them_as_codex_writes_them() -> None:
    async with open_test_codex([[text("ok")]], tools=tools()) as codex:
        await codex.run_turn("go")
        plain = {"type": "function", "strict": False, "parameters": SCHEMA}
        inner = {**plain, "name": "inner", "description": "Inside."}
        assert [tool for tool in codex.requests[0].body["tools"] if tool["name"] in ("double", "mine")] == [
            {**plain, "name": "double", "description": "Twice a number."},
            {"type": "namespace", "name": "mine", "description": "My own.", "tools": [inner]},
        ]


async def test_a_call_reaches_the_program_and_its_answer_the_model() -> None:
    seen = list[DynamicCall]()

    async def double(asked: DynamicCall) -> DynamicResult:
        seen.append(asked)
        return DynamicResult.text("42")

    async with open_test_codex([[call("double", "d1", x=21)], [text("ok")]], tools=tools(double)) as codex:
        started, completed = shown(await codex.run_turn("go"))
        assert codex.requests[1].output_of("d1") == "42"
        [asked] = seen
        assert (asked.thread_id, asked.call_id, asked.tool, asked.namespace) == (
            codex.thread.thread_id,
            "d1",
            "double",
            None,
        )
        assert asked.arguments == {"x": 21}
        assert started == DynamicToolCall("d1", "double", {"x": 21})
        assert (completed.status, completed.success) == ("completed", True)
        assert completed.content_items == ({"type": "inputText", "text": "42"},)


async def test_a_tool_in_a_namespace_knows_its_namespace() -> None:
    async with open_test_codex([[call("inner", "d1", x=1)], [text("ok")]], tools=tools()) as codex:
        await codex.run_turn("go")
        assert codex.requests[1].output_of("d1") == "mine/inner: {'x': 1}"


async def test_several_parts_and_images_stay_parts() -> None:
    async def both(_asked: DynamicCall) -> DynamicResult:
        return DynamicResult(
            ({"type": "inputText", "text": "see"}, {"type": "inputImage", "imageUrl": "data:image/png;base64,AA=="})
        )

    async with open_test_codex([[call("double", "d1")], [text("ok")]], tools=tools(both)) as codex:
        await codex.run_turn("go")
        [output] = [item for item in codex.requests[1].body["input"] if item.get("type") == "function_call_output"]
        assert output["output"] == [
            {"type": "input_text", "text": "see"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "high"},
        ]


@pytest.mark.parametrize("raises", [True, False])
async def test_a_failure_is_shown_as_one_and_told_to_the_model(raises: bool) -> None:
    async def fail(_asked: DynamicCall) -> DynamicResult:
        if raises:
            raise ToolFailure("no such city")
        return DynamicResult.text("no such city", success=False)

    async with open_test_codex([[call("double", "d1")], [text("ok")]], tools=tools(fail)) as codex:
        completed = shown(await codex.run_turn("go"))[-1]
        assert (completed.status, completed.success) == ("failed", False)
        assert codex.requests[1].output_of("d1") == "no such city"


async def test_an_answer_that_does_not_come_in_time_is_a_failure(autojump_clock: MockClock) -> None:
    async def never(_asked: DynamicCall) -> DynamicResult:
        await trio.sleep_forever()
        raise AssertionError

    async with open_test_codex([[call("double", "d1")], [text("ok")]], tools=tools(never, within=7)) as codex:
        assert shown(await codex.run_turn("go"))[-1].status == "failed"
        assert codex.requests[1].output_of("d1") == "no answer came within 7 seconds"


async def test_an_interrupt_cancels_the_program_s_function_before_the_turn_is_told_to_have_ended() -> None:
    began, ended = trio.Event(), trio.Event()

    async def never(_asked: DynamicCall) -> DynamicResult:
        began.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()
        raise AssertionError

    async with open_test_codex([[call("double", "d1")], [text("ok")]], tools=tools(never)) as codex:
        async with codex.thread.run("go") as events, trio.open_nursery() as nursery:

            async def interrupt() -> None:
                await began.wait()
                await codex.thread.submit(Interrupt())

            nursery.start_soon(interrupt)
            seen = list[EventMsg]()
            async for event in events:
                seen.append(event.msg)
                if isinstance(event.msg, TurnAborted):
                    assert ended.is_set()
                    assert [item.status for item in shown(seen)] == ["in_progress", "failed"]
                    return
        raise AssertionError("the turn did not end")


async def test_calls_of_one_response_run_side_by_side() -> None:
    both, begun = trio.Event(), list[str]()

    async def meet(asked: DynamicCall) -> DynamicResult:
        begun.append(asked.call_id)
        if len(begun) == 2:
            both.set()
        await both.wait()
        return DynamicResult.text("met")

    async with open_test_codex(
        [[call("double", "d1"), call("double", "d2")], [text("ok")]], tools=tools(meet)
    ) as codex:
        with trio.fail_after(10):
            await codex.run_turn("go")
        assert [codex.requests[1].output_of(one) for one in ("d1", "d2")] == ["met", "met"]


async def test_a_call_whose_actor_was_stopped_below_it_ends_the_turn_as_stopped_and_not_as_failed() -> None:
    async def ends_at_once(mailbox: Mailbox[Never]) -> None:
        mailbox.started()

    async with open_runtime() as runtime:
        ref = runtime.spawn(ends_at_once)
        await ref.wait()

        async def ask_the_dead(_asked: DynamicCall) -> DynamicResult:
            return await ref.ask(lambda _reply: cast("Never", None))

        async with open_test_codex([[call("double", "d1")], [text("ok")]], tools=tools(ask_the_dead)) as codex:
            assert isinstance((await codex.run_turn("go"))[-1], TurnAborted)


async def test_the_first_line_of_the_rollout_names_them_and_the_call_is_kept() -> None:
    async with open_test_codex([[call("double", "d1", x=1)], [text("ok")]], tools=tools()) as codex:
        await codex.run_turn("go")
        lines = codex.rollout()
        assert lines[0]["payload"]["dynamic_tools"] == [
            {"type": "function", "name": "double", "description": "Twice a number.", "inputSchema": SCHEMA},
            {
                "type": "namespace",
                "name": "mine",
                "description": "My own.",
                "tools": [{"type": "function", "name": "inner", "description": "Inside.", "inputSchema": SCHEMA}],
            },
        ]
        [kept] = [
            line["payload"]["item"]
            for line in lines
            if line["payload"].get("type") == "item_completed" and line["payload"]["item"]["type"] == "DynamicToolCall"
        ]
        del kept["duration"]
        assert kept == {
            "type": "DynamicToolCall",
            "id": "d1",
            "tool": "double",
            "arguments": {"x": 1},
            "status": "completed",
            "content_items": [{"type": "inputText", "text": "None/double: {'x': 1}"}],
            "success": True,
        }


async def test_sub_agents_have_them_too() -> None:
    script: JsonObject = {
        "scripts": {"root": [[text("root")]], "child": [[call("double", "d1", x=4)], [text("${out:d1}")]]},
        "default": "root",
    }
    async with (
        open_test_codex(script, tools=tools()) as codex,
        codex.thread.agents.spawn("go [[script:child]]") as agent,
    ):
        assert await agent.result() == "None/double: {'x': 4}"


async def test_a_resumed_thread_has_those_it_is_given_then() -> None:
    async with open_test_codex([[text("ok")], [call("double", "d1", x=4)], [text("ok")]]) as codex:
        await codex.run_turn("go")
        await codex.thread.stop()
        thread = await codex.codex.resume_thread(codex.thread.thread_id, tools=tools())
        await thread.ask("again")
        assert codex.requests[2].output_of("d1") == "None/double: {'x': 4}"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("bad name",), "dynamic tool name must match ^[a-zA-Z0-9_-]+$ to match Responses API: bad name"),
        (("twice", "twice"), "duplicate dynamic tool name: twice"),
    ],
)
def test_names_that_cannot_be_are_refused_as_codex_does(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError) as refused:
        DynamicTools(tuple(DynamicTool(name, "", SCHEMA) for name in names), echo)
    assert str(refused.value) == message


async def test_a_tool_with_the_name_of_the_engines_own_is_refused_and_leaves_nothing() -> None:
    async with open_test_codex([[text("ok")]]) as codex:
        shadow = DynamicTools((DynamicTool("exec_command", "", SCHEMA),), echo)
        with pytest.raises(UserError, match=r"dynamic tool `exec_command` has the name of a tool that is always there"):
            await codex.codex.start_thread(tools=shadow)
        assert codex.codex.threads == (codex.thread,)
