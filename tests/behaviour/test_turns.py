"""Turns through the public door, with a scripted model and real tools."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.protocol.event import (
    EventMsg,
    ItemCompleted,
    ItemStarted,
    PlanUpdate,
    SessionConfigured,
    StreamErrorNotice,
    TaskComplete,
    TaskStarted,
    TurnAborted,
    TurnDiff,
    TurnFailed,
    Warning,
)
from codex.protocol.item import AgentMessage, CommandExecution, FileChange, UserMessage
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.user_input import LocalImageInput, TextInput
from codex.testing import call, cut, open_test_codex, patch, text


def completed(events: Sequence[EventMsg], kind: type) -> list[Any]:
    return [event.item for event in events if isinstance(event, ItemCompleted) and isinstance(event.item, kind)]


async def written(path: Path) -> list[str]:
    """The words in a file that a command is about to write."""
    with trio.fail_after(30):
        while not (path.exists() and path.read_text().endswith("\n")):
            await trio.lowlevel.checkpoint()
    return path.read_text().split()


async def test_a_text_turn_starts_speaks_and_completes() -> None:
    async with open_test_codex([[text("Hello there.", chunks=3)]]) as codex:
        events = await codex.run_turn("say hello")
    kinds = [type(event) for event in events]
    assert kinds[:2] == [SessionConfigured, TaskStarted]
    assert isinstance(events[-1], TaskComplete)
    assert events[-1].last_agent_message == "Hello there."
    assert [item.content for item in completed(events, UserMessage)] == [(TextInput("say hello"),)]
    assert [item.text for item in completed(events, AgentMessage)] == ["Hello there."]


async def test_a_command_runs_and_its_output_goes_back_to_the_model() -> None:
    turns = [[call("exec_command", cmd="echo hi; echo err >&2; exit 3")], [text("done")]]
    async with open_test_codex(turns) as codex:
        events = await codex.run_turn("run it")
        output = codex.requests[1].output_of("call_1")
    (command,) = completed(events, CommandExecution)
    assert (command.aggregated_output, command.exit_code, command.status) == ("hi\nerr\n", 3, "failed")
    assert output.splitlines()[2:] == ["Process exited with code 3", "Original token count: 2", "Output:", "hi", "err"]


async def test_the_prompt_of_each_request_is_a_prefix_of_the_next() -> None:
    turns = [[call("exec_command", f"call_{n}", cmd=f"echo {n}")] for n in range(3)] + [[text("done")], [text("again")]]
    async with open_test_codex(turns) as codex:
        await codex.run_turn("go")
        await codex.run_turn("go on")
        inputs = [request.input for request in codex.requests]
        tools = {str(request.body["tools"]) for request in codex.requests}
        keys = {str(request.body["prompt_cache_key"]) for request in codex.requests}
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(inputs))
    assert len(tools) == 1
    assert keys == {codex.thread.thread_id}


async def test_a_patch_is_written_and_shown_with_its_diff() -> None:
    body = "*** Add File: hello.txt\n+hello\n+world"
    async with open_test_codex([[patch(body)], [text("done")]], sandbox="workspace-write") as codex:
        events = await codex.run_turn("patch")
        assert (codex.cwd / "hello.txt").read_text() == "hello\nworld\n"
        output = codex.requests[1].output_of("call_1")
    assert "Success. Updated the following files:\nA hello.txt\n" in output
    (change,) = completed(events, FileChange)
    assert (change.status, [update.kind for update in change.changes]) == ("completed", ["add"])
    assert any(isinstance(event, TurnDiff) and "+hello" in event.unified_diff for event in events)


async def test_a_patch_that_does_not_fit_changes_nothing_and_is_told_to_the_model() -> None:
    body = "*** Add File: new.txt\n+new\n*** Update File: missing.txt\n@@\n-a\n+b"
    async with open_test_codex([[patch(body)], [text("done")]], sandbox="workspace-write") as codex:
        events = await codex.run_turn("patch")
        assert list(codex.cwd.iterdir()) == []
        assert codex.requests[1].output_of("call_1").startswith("apply_patch verification failed: ")
    assert completed(events, FileChange) == []


async def test_a_patch_in_a_read_only_sandbox_is_rejected() -> None:
    async with open_test_codex([[patch("*** Add File: a\n+a")], [text("done")]], sandbox="read-only") as codex:
        await codex.run_turn("patch")
        assert list(codex.cwd.iterdir()) == []
        assert codex.requests[1].output_of("call_1") == (
            "patch rejected: writing is blocked by read-only sandbox; rejected by user approval settings"
        )


async def test_a_patch_inside_a_command_is_applied_as_a_patch() -> None:
    heredoc = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: a.txt\n+a\n*** End Patch\nEOF\n"
    turns = [[call("exec_command", cmd=heredoc)], [text("done")]]
    async with open_test_codex(turns, sandbox="workspace-write") as codex:
        events = await codex.run_turn("patch")
        assert (codex.cwd / "a.txt").read_text() == "a\n"
    assert len(completed(events, FileChange)) == 1
    assert completed(events, CommandExecution) == []


async def test_the_plan_is_shown() -> None:
    plan = [{"step": "one", "status": "in_progress"}, {"step": "two", "status": "pending"}]
    turns = [[call("update_plan", plan=plan)], [text("done")]]
    async with open_test_codex(turns, update_plan_enabled=True) as codex:
        events = await codex.run_turn("plan")
        assert codex.requests[1].output_of("call_1") == "Plan updated"
    (update,) = [event for event in events if isinstance(event, PlanUpdate)]
    assert [step.status for step in update.plan] == ["in_progress", "pending"]


async def test_unknown_tools_and_broken_arguments_are_answered_and_the_turn_goes_on() -> None:
    calls = [
        call("no_such_tool", "call_1"),
        {"type": "function_call", "name": "exec_command", "call_id": "call_2", "arguments": "{broken"},
        call("exec_command", "call_3"),
    ]
    async with open_test_codex([calls, [text("done")]]) as codex:
        events = await codex.run_turn("go")
        request = codex.requests[1]
    assert request.output_of("call_1") == "unsupported call: no_such_tool"
    assert request.output_of("call_2").startswith("failed to parse function arguments: ")
    assert request.output_of("call_3").startswith("failed to parse function arguments: missing field `cmd`")
    assert isinstance(events[-1], TaskComplete)


async def test_a_cut_stream_is_asked_again_and_finished_items_are_kept() -> None:
    turns = [[call("exec_command", cmd="echo once >> count"), cut()], [text("recovered")]]
    async with open_test_codex(turns) as codex:
        events = await codex.run_turn("go")
        assert (codex.cwd / "count").read_text() == "once\n"
        assert "Process exited with code 0" in codex.requests[1].output_of("call_1")
    (notice,) = [event for event in events if isinstance(event, StreamErrorNotice)]
    assert notice.message.startswith("Reconnecting... 1/5 (stream disconnected before completion")
    assert isinstance(events[-1], TaskComplete)


async def test_a_refused_request_ends_the_turn_with_the_servers_words() -> None:
    async with open_test_codex([{"items": [], "http_status": 400, "message": "bad thing"}]) as codex:
        events = await codex.run_turn("go")
        again = await codex.run_turn("still there?")
    assert isinstance(events[-1], TurnFailed)
    assert "bad thing" in events[-1].message
    assert isinstance(again[-1], TaskComplete)


@pytest.mark.parametrize("told", [True, False])
async def test_an_interrupt_kills_the_command_and_answers_its_call(told: bool) -> None:
    turns = [
        [call("exec_command", cmd="sleep 60 & echo $! $$ > pids; sleep 61", yield_time_ms=30_000)],
        [text("and on")],
    ]
    async with open_test_codex(turns, interrupt_message=told) as codex:
        async with codex.thread.open_events() as events:
            await codex.thread.submit(TurnInput((TextInput("run"),)))
            async for event in events:
                if isinstance(event.msg, ItemStarted) and isinstance(event.msg.item, CommandExecution):
                    break
            pids = await written(codex.cwd / "pids")
            with trio.fail_after(30):
                await codex.thread.submit(Interrupt())
                async for event in events:
                    if isinstance(event.msg, TurnAborted):
                        break
        assert [pid for pid in pids if Path("/proc", pid).exists()] == []
        await codex.run_turn("go on")
        request = codex.requests[1]
    assert request.output_of("call_1") == "aborted"
    assert any("<turn_aborted>" in said for said in request.texts("user")) == told


async def test_a_long_command_goes_on_and_can_be_typed_into() -> None:
    turns = {
        "scripts": {
            "s": [
                [call("exec_command", cmd="read x; echo got $x", tty=True, login=False, yield_time_ms=300)],
                [call("write_stdin", "call_2", session_id="${int:re:session ID (\\d+)}", chars="hello\n")],
                [text("done")],
            ]
        },
        "default": "s",
    }
    async with open_test_codex(turns) as codex:
        events = await codex.run_turn("run")
        assert "got hello" in codex.requests[2].output_of("call_2")
    (command,) = completed(events, CommandExecution)
    assert command.exit_code == 0


async def test_the_rollout_holds_what_was_shown() -> None:
    async with open_test_codex([[call("exec_command", cmd="echo hi")], [text("done")]]) as codex:
        await codex.run_turn("go")
        lines = codex.rollout()
    assert [line["ordinal"] for line in lines] == list(range(len(lines)))
    kinds = [line["payload"].get("type", line["type"]) for line in lines]
    assert kinds[0] == "session_meta" or lines[0]["type"] == "session_meta"
    assert kinds[-1] == "task_complete"
    assert {"function_call", "function_call_output", "token_count"} <= set(kinds)


async def test_a_resumed_thread_remembers_its_history() -> None:
    async with open_test_codex([[text("first answer")]]) as first:
        await first.run_turn("first question")
        async with open_test_codex([[text("second answer")]], cwd=first.cwd, home=first.home) as second:
            await first.thread.stop()
            thread = await second.codex.resume_thread(first.thread.thread_id)
            assert await thread.ask("second question") == "second answer"
            texts = second.requests[-1].texts("user") + second.requests[-1].texts("assistant")
    assert {"first question", "first answer", "second question"} <= set(texts)


async def test_a_thread_that_goes_on_with_another_model_warns_of_it(tmp_path: Path) -> None:
    async with open_test_codex([[text("one")]], home=tmp_path) as codex:
        await codex.run_turn("first")
        thread_id = codex.thread.thread_id
    for model, warned in (("gpt-5.5", False), ("gpt-5.4", True)):
        async with open_test_codex([[text("two")]], home=tmp_path, model=model) as codex:
            thread = await codex.codex.resume_thread(thread_id)
            told = [e.msg.message async for e in thread.run("more") if isinstance(e.msg, Warning)]
        assert any("recorded with the model 'gpt-5.5'" in message for message in told) == warned


async def test_a_model_without_eyes_is_told_that_an_image_was_left_out() -> None:
    async with open_test_codex([[text("I cannot see it")]], model="gpt-oss:20b") as codex:
        async with codex.thread.run([TextInput("look"), LocalImageInput("/nowhere.png")]) as events:
            async for _ in events:
                pass
        said = codex.requests[0].texts("user")
    assert "[an image `/nowhere.png` was left out: the model gpt-oss:20b takes no images]" in said
    assert "view_image" not in codex.requests[0].tool_names
