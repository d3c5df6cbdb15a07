"""Questions to clients: approvals and tools of theirs, with several clients, and with those that come later."""

from pathlib import Path
from typing import Any

import trio
import trio.testing

from actors import open_runtime
from codex.app_server.feed import Feed
from codex.ports.dynamic_tools import DynamicCall, DynamicResult, DynamicTool, DynamicTools
from codex.testing import call, open_test_codex, text
from tests.codex.app_server.wires import WireClient, open_server, open_wire

_ASKS: dict[str, Any] = {
    "turns": [
        [
            {
                "type": "function_call",
                "name": "exec_command",
                "call_id": "c1",
                "arguments": {
                    "cmd": "touch out.txt",
                    "sandbox_permissions": "require_escalated",
                    "justification": "may I?",
                },
            }
        ],
        [{"type": "text", "text": "done"}],
    ]
}
_TOOL: dict[str, Any] = {
    "turns": [
        [{"type": "function_call", "name": "my_tool", "call_id": "d1", "arguments": {"x": 1}}],
        [{"type": "text", "text": "${out:d1}"}],
    ]
}
_SETTINGS: dict[str, Any] = {"approvalPolicy": "on-request", "sandbox": "read-only"}


async def ask(client: WireClient) -> tuple[str, dict[str, Any]]:
    """A thread whose turn asks; the thread and the question."""
    thread_id = await client.start_thread(**_SETTINGS)
    await client.call("turn/start", {"threadId": thread_id, "input": [{"type": "text", "text": "go"}]})
    return thread_id, await client.until("item/commandExecution/requestApproval")


async def test_an_approval_is_asked_told_and_resolved_in_codex_order(tmp_path: Path) -> None:
    async with open_server(tmp_path, _ASKS) as server, open_wire(server) as client:
        _, question = await ask(client)
        assert (question["params"]["itemId"], question["params"]["reason"]) == ("c1", "may I?")
        await client.send({"id": question["id"], "result": {"decision": "accept"}})
        await client.until("turn/completed")
        told = [told for told in client.told() if "outputDelta" not in told]
        start = told.index("thread/status/changed active waitingOnApproval")
        assert told[start : start + 6] == [
            "thread/status/changed active waitingOnApproval",
            "item/started commandExecution inProgress",
            "item/commandExecution/requestApproval",
            "serverRequest/resolved",
            "thread/status/changed active",
            "item/completed commandExecution completed",
        ]
        assert (tmp_path / "work" / "out.txt").exists()


async def test_a_declined_command_does_not_run_and_the_turn_goes_on(tmp_path: Path) -> None:
    async with open_server(tmp_path, _ASKS) as server, open_wire(server) as client:
        _, question = await ask(client)
        await client.send({"id": question["id"], "result": {"decision": "decline"}})
        done = await client.until("turn/completed")
        assert done["turn"]["status"] == "completed"
        assert "item/completed commandExecution declined" in client.told()
        assert not (tmp_path / "work" / "out.txt").exists()


async def test_a_cancelled_question_ends_the_turn(tmp_path: Path) -> None:
    async with open_server(tmp_path, _ASKS) as server, open_wire(server) as client:
        _, question = await ask(client)
        await client.send({"id": question["id"], "result": {"decision": "cancel"}})
        done = await client.until("turn/completed")
        assert done["turn"]["status"] == "interrupted"


async def test_an_answer_nobody_understands_and_an_error_are_a_no(tmp_path: Path) -> None:
    for place, answer in (("a", {"result": {"decision": 5}}), ("b", {"error": {"code": -1, "message": "no"}})):
        (tmp_path / place).mkdir()
        async with open_server(tmp_path / place, _ASKS) as server, open_wire(server) as client:
            _, question = await ask(client)
            await client.send({"id": question["id"], **answer})
            await client.until("turn/completed")
            assert "item/completed commandExecution failed" in client.told()


async def test_a_question_that_an_interrupt_withdraws_is_closed_after_the_turn(tmp_path: Path) -> None:
    async with open_server(tmp_path, _ASKS) as server, open_wire(server) as client:
        thread_id, question = await ask(client)
        await client.call("turn/interrupt", {"threadId": thread_id, "turnId": question["params"]["turnId"]})
        await client.until("serverRequest/resolved")
        assert client.told()[-3:] == ["thread/status/changed idle", "turn/completed", "serverRequest/resolved"]


async def test_a_clients_tool_that_is_interrupted_is_told_as_failed(tmp_path: Path) -> None:
    tool = {"type": "function", "name": "lookup", "description": "", "inputSchema": {"type": "object"}}
    script = [[{"type": "function_call", "name": "lookup", "call_id": "c1", "arguments": {}}]]
    async with open_server(tmp_path, script) as server, open_wire(server) as client:
        thread_id = await client.start_thread(dynamicTools=[tool])
        said = [{"type": "text", "text": "go"}]
        turn_id = (await client.call("turn/start", {"threadId": thread_id, "input": said}))["turn"]["id"]
        await client.until("item/tool/call")
        await client.call("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
        await client.until("turn/completed")
        assert "item/completed dynamicToolCall failed" in client.told()
        entries = (await client.call("thread/items/list", {"threadId": thread_id}))["data"]
        assert [(entry["item"]["type"], entry["item"].get("success")) for entry in entries] == [
            ("userMessage", None),
            ("dynamicToolCall", False),
        ]


async def test_a_client_that_comes_later_is_asked_too_and_the_first_answer_counts(tmp_path: Path) -> None:
    async with open_server(tmp_path, _ASKS) as server, open_wire(server) as first, open_wire(server) as second:
        thread_id, question = await ask(first)
        await second.call("thread/resume", {"threadId": thread_id, "excludeTurns": True})
        again = await second.until("item/commandExecution/requestApproval")
        assert again == question
        await second.send({"id": again["id"], "result": {"decision": "decline"}})
        resolved = await first.until("serverRequest/resolved")
        assert resolved == {"threadId": thread_id, "requestId": question["id"]}
        await first.send({"id": question["id"], "result": {"decision": "accept"}})
        await first.until("turn/completed")
        assert not (tmp_path / "work" / "out.txt").exists()


async def test_a_question_outlives_the_client_that_was_asked(tmp_path: Path) -> None:
    async with open_server(tmp_path, _ASKS) as server:
        async with open_wire(server) as first:
            thread_id, question = await ask(first)
        async with open_wire(server) as second:
            await second.call("thread/resume", {"threadId": thread_id, "excludeTurns": True})
            again = await second.until("item/commandExecution/requestApproval")
            assert again == question
            await second.send({"id": again["id"], "result": {"decision": "accept"}})
            done = await second.until("turn/completed")
            assert done["turn"]["status"] == "completed"


async def test_a_tool_of_the_client_is_called_and_its_answer_reaches_the_model(tmp_path: Path) -> None:
    tool = {"type": "function", "name": "my_tool", "description": "mine", "inputSchema": {"type": "object"}}
    async with open_server(tmp_path, _TOOL) as server, open_wire(server) as client:
        thread_id = await client.start_thread(dynamicTools=[tool])
        await client.call("turn/start", {"threadId": thread_id, "input": [{"type": "text", "text": "go"}]})
        question = await client.until("item/tool/call")
        assert question["params"]["arguments"] == {"x": 1}
        content = [{"type": "inputText", "text": "forty-two"}]
        await client.send({"id": question["id"], "result": {"contentItems": content, "success": True}})
        done = await client.until("turn/completed")
        assert done["turn"]["items"][0]["text"] == "forty-two"
        told = client.told()
        assert "item/completed dynamicToolCall completed" in told
        assert "serverRequest/resolved" not in told


async def test_each_call_waits_until_it_is_shown_also_beside_others() -> None:
    waiting = ["d1", "d2"]
    none_left = trio.Event()

    async def answer(asked: DynamicCall) -> DynamicResult:
        await none_left.wait()
        return DynamicResult.text("done")

    async def wait_shown(feed: Feed, call_id: str) -> None:
        await feed.wait_shown(call_id)
        waiting.remove(call_id)
        if not waiting:
            none_left.set()

    tools = DynamicTools((DynamicTool("my_tool", "mine", {"type": "object"}),), answer)
    turns = [[call("my_tool", call_id) for call_id in waiting], [text("done")]]
    async with open_test_codex(turns, tools=tools) as codex, open_runtime() as runtime, trio.open_nursery() as nursery:
        feed = Feed(codex.thread, lambda: 0)
        runtime.spawn(feed.run, name="feed")
        for call_id in [*waiting]:
            nursery.start_soon(wait_shown, feed, call_id)
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(30):
            await codex.run_turn("go")
    assert waiting == []
