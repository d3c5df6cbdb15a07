"""Hooks in a conversation, through the public door, as real commands."""

import json
from pathlib import Path
from typing import Any

import trio

from codex.protocol.approval import ExecApprovalRequest
from codex.protocol.event import (
    EventMsg,
    ItemCompleted,
    TaskComplete,
    TurnAborted,
    TurnFailed,
    Warning,
    ends_turn,
)
from codex.protocol.item import CommandExecution
from codex.protocol.op import Compact, Interrupt
from codex.testing import TestCodex, call, open_test_codex, text


def hooks(**commands: str) -> dict[str, Any]:
    """Settings with one trusted hook for each event."""
    table = {
        event: [{"hooks": [{"type": "command", "command": command, "timeout": 60}]}]
        for event, command in commands.items()
    }
    return {"hooks": (("managed", "/owner.toml", table),)}


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def warnings(events: list[EventMsg]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warning)]


async def test_hooks_are_told_what_happens_in_its_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    names = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd")
    settings = hooks(**dict.fromkeys(names, f"cat >> {log}"))
    async with open_test_codex(
        [[call("exec_command", cmd="echo hi", login=False)], [text("done")]], **settings
    ) as codex:
        await codex.run_turn("do it")
        thread, cwd, path = codex.thread.thread_id, str(codex.cwd), codex.thread.rollout_path
    seen = told(log)
    assert [each["hook_event_name"] for each in seen] == list(names)
    turn = seen[1]["turn_id"]
    common = {
        "session_id": thread,
        "transcript_path": path,
        "cwd": cwd,
        "model": "gpt-5.5",
        "permission_mode": "bypassPermissions",
    }
    tool = {"turn_id": turn, "tool_name": "Bash", "tool_input": {"command": "echo hi"}, "tool_use_id": "call_1"}
    facts = [
        {"source": "startup"},
        {"turn_id": turn, "prompt": "do it"},
        tool,
        {**tool, "tool_response": "hi\n"},
        {"turn_id": turn, "stop_hook_active": False, "last_assistant_message": "done"},
        {"reason": "other"},
    ]
    expected = [{**common, "hook_event_name": name, **each} for name, each in zip(names, facts, strict=True)]
    # The end of a session is held up for 2.5 seconds at most, which a busy machine may need for less.
    assert seen in (expected, expected[:-1])


async def test_what_hooks_say_at_the_start_reaches_the_model_behind_the_prompt() -> None:
    settings = hooks(SessionStart="echo Be kind.", UserPromptSubmit="echo Be quick.")
    async with open_test_codex([[text("ok")], [text("ok")]], **settings) as codex:
        await codex.run_turn("hello")
        await codex.run_turn("again")
        first, second = codex.requests
    assert first.texts("user")[-1] == "hello"
    assert first.texts("developer")[-2:] == ["Be kind.", "Be quick."]
    assert first.input == second.input[: len(first.input)]
    assert second.texts("developer").count("Be kind.") == 1


async def test_a_refused_prompt_never_reaches_the_model() -> None:
    async with open_test_codex(
        [[text("ok")]], **hooks(UserPromptSubmit="grep -q secret && echo leaks >&2 && exit 2 || true")
    ) as codex:
        events = await codex.run_turn("my secret")
        assert codex.requests == []
        assert isinstance(events[-1], TaskComplete)
        assert warnings(events) == ["a hook refused the prompt: leaks"]
        await codex.run_turn("hello")
        assert "my secret" not in codex.requests[0].texts("user")


async def test_a_refused_call_does_not_run_and_the_model_is_told_why(tmp_path: Path) -> None:
    script = [[call("exec_command", cmd=f"touch {tmp_path}/made", login=False)], [text("done")]]
    async with open_test_codex(script, **hooks(PreToolUse="echo not here >&2; exit 2")) as codex:
        events = await codex.run_turn("go")
        output = codex.requests[1].output_of("call_1")
    assert output == "A hook of the user's refused this Bash call: not here"
    assert not (tmp_path / "made").exists()
    assert [
        event for event in events if isinstance(event, ItemCompleted) and isinstance(event.item, CommandExecution)
    ] == []


async def test_a_hook_can_change_a_command_and_add_to_its_output() -> None:
    answer = {"hookSpecificOutput": {"updatedInput": {"command": "echo changed"}, "additionalContext": "Mind this."}}
    settings = hooks(PreToolUse=f"echo '{json.dumps(answer)}'", PostToolUse="echo look again >&2; exit 2")
    async with open_test_codex(
        [[call("exec_command", cmd="echo hi", login=False)], [text("done")]], **settings
    ) as codex:
        await codex.run_turn("go")
        output = codex.requests[1].output_of("call_1")
    assert output.endswith("Output:\nchanged\n\n\nMind this.\n\nA hook of the user's objects: look again")


async def test_a_hook_keeps_a_turn_going_until_it_is_content(tmp_path: Path) -> None:
    first = f"touch {tmp_path}/asked; echo test it >&2; exit 2"
    once = f"if [ -e {tmp_path}/asked ]; then cat > {tmp_path}/second; else {first}; fi"
    async with open_test_codex([[text("first")], [text("second")]], **hooks(Stop=once)) as codex:
        events = await codex.run_turn("go")
        second = codex.requests[1]
    assert second.texts("developer")[-1] == "test it"
    assert json.loads((tmp_path / "second").read_text())["stop_hook_active"] is True
    assert [event.last_agent_message for event in events if isinstance(event, TaskComplete)] == ["second"]


async def test_a_hook_that_is_never_content_is_overruled() -> None:
    script = {"turns": [[text("again")]] * 20}
    async with open_test_codex(script, **hooks(Stop="echo more >&2; exit 2")) as codex:
        events = await codex.run_turn("go")
        assert len(codex.requests) == 9
    assert warnings(events)[-1] == "a hook kept the turn from ending 8 times; it ends now"


async def test_hooks_that_fail_or_print_nonsense_change_nothing_and_are_told() -> None:
    settings = hooks(UserPromptSubmit="echo oops >&2; exit 1", Stop="echo nonsense")
    async with open_test_codex([[text("fine")]], **settings) as codex:
        events = await codex.run_turn("go")
    assert isinstance(events[-1], TaskComplete)
    assert warnings(events) == [
        "hook echo oops >&2; exit 1: ended with 1: oops",
        "hook echo nonsense: printed something that is no JSON object",
    ]


async def interrupt_when(codex: TestCodex, path: Path) -> list[EventMsg]:
    seen: list[EventMsg] = []
    async with codex.thread.run("go") as events:
        async for event in events:
            seen.append(event.msg)
            if type(event.msg).__name__ == "TaskStarted":
                with trio.fail_after(30):
                    while not path.exists():
                        await trio.sleep(0.01)
                await codex.thread.submit(Interrupt())
    return seen


async def test_an_interrupt_reaches_a_hook_that_hangs(tmp_path: Path) -> None:
    began = tmp_path / "began"
    async with open_test_codex([[text("never")]], **hooks(UserPromptSubmit=f"touch {began}; sleep 1000")) as codex:
        events = await interrupt_when(codex, began)
        assert codex.requests == []
    assert isinstance(events[-1], TurnAborted)


async def test_a_hook_that_nobody_trusted_does_not_run(tmp_path: Path) -> None:
    table = {"Stop": [{"hooks": [{"type": "command", "command": f"touch {tmp_path}/ran"}]}]}
    async with open_test_codex([[text("ok")], [text("ok")]], hooks=(("user", "/me.toml", table),)) as codex:
        events = await codex.run_turn("go")
    assert warnings(events)[0].startswith(
        "hooks not run, since you have not trusted them ('codex hooks trust'): /me.toml:stop:0:0"
    )
    assert not (tmp_path / "ran").exists()


async def compact(codex: TestCodex) -> list[EventMsg]:
    """Compact the thread's history; what was seen until the turn of it ended."""
    seen: list[EventMsg] = []
    async with codex.thread.open_events() as events:
        await codex.thread.submit(Compact())
        async for event in events:
            seen.append(event.msg)
            if ends_turn(event.msg):
                return seen
    raise AssertionError("the thread ended before its turn")


async def test_hooks_are_told_of_requests_and_compactions_as_codex_tells_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    names = ("PreModelRequest", "PostModelRequest", "PreCompact", "PostCompact", "SessionStart")
    settings = hooks(**dict.fromkeys(names, f"cat >> {log}"))
    async with open_test_codex([[text("done " * 500)], [text("a summary")]], **settings) as codex:
        await codex.run_turn("do it " * 500)
        await compact(codex)
    facts = [
        (each["hook_event_name"], each.get("source"), each.get("trigger"), each.get("status"), each.get("error"))
        for each in told(log)
    ]
    assert facts == [
        ("SessionStart", "startup", None, None, None),
        ("PreModelRequest", None, None, None, None),
        ("PostModelRequest", None, None, "completed", None),
        ("PreCompact", None, "manual", None, None),
        ("PostCompact", None, "manual", None, None),
        ("SessionStart", "compact", None, None, None),
    ]
    usage = told(log)[2]["token_usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


async def test_a_hook_can_refuse_a_compaction_and_the_history_stays() -> None:
    refusal = 'echo \'{"continue":false,"stopReason":"not now"}\''
    async with open_test_codex([[text("done")], [text("again")]], **hooks(PreCompact=refusal)) as codex:
        await codex.run_turn("first")
        events = await compact(codex)
        await codex.run_turn("second")
        last = codex.requests[-1]
    assert [event.message for event in events if isinstance(event, TurnFailed)] == ["a hook refused it: not now"]
    assert (len(codex.requests), last.texts("user")[-2:]) == (2, ["first", "second"])


async def test_a_hook_can_refuse_a_request() -> None:
    async with open_test_codex([[text("never")]], **hooks(PreModelRequest="echo too late >&2; exit 2")) as codex:
        events = await codex.run_turn("go")
        assert codex.requests == []
    assert [event.message for event in events if isinstance(event, TurnFailed)] == [
        "a hook refused the request: too late"
    ]


async def ask_for_a_command(decision: dict[str, Any], place: Path) -> tuple[list[EventMsg], str]:
    answer = json.dumps({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}})
    settings = hooks(PermissionRequest=f"cat > {place}/told; echo '{answer}'")
    script = [[call("exec_command", cmd=f"touch {place}/made", login=False)], [text("done")]]
    async with open_test_codex(script, approval_policy="untrusted", **settings) as codex:
        events = await codex.run_turn("go", on_approval=lambda _: False)
        return events, codex.requests[1].output_of("call_1")


async def test_a_hook_answers_a_question_before_anybody_is_asked(tmp_path: Path) -> None:
    events, _ = await ask_for_a_command({"behavior": "allow"}, tmp_path)
    assert (tmp_path / "made").exists()
    assert [event for event in events if isinstance(event, ExecApprovalRequest)] == []
    seen = json.loads((tmp_path / "told").read_text())
    assert (seen["tool_name"], seen["tool_input"], "tool_use_id" in seen) == (
        "Bash",
        {"command": f"touch {tmp_path}/made"},
        False,
    )


async def test_a_hook_that_denies_gives_the_model_its_message(tmp_path: Path) -> None:
    events, output = await ask_for_a_command({"behavior": "deny", "message": "keep out"}, tmp_path)
    assert not (tmp_path / "made").exists()
    assert [event for event in events if isinstance(event, ExecApprovalRequest)] == []
    assert "keep out" in output


async def test_a_question_that_no_hook_answers_is_asked(tmp_path: Path) -> None:
    events, _ = await ask_for_a_command({}, tmp_path)
    assert not (tmp_path / "made").exists()
    assert len([event for event in events if isinstance(event, ExecApprovalRequest)]) == 1


async def test_hooks_are_told_of_an_interrupt(tmp_path: Path) -> None:
    began, log = tmp_path / "began", tmp_path / "log"
    settings = hooks(UserPromptSubmit=f"touch {began}; sleep 1000", Interrupt=f"cat > {log}.part; mv {log}.part {log}")
    async with open_test_codex([[text("never")]], **settings) as codex:
        events = await interrupt_when(codex, began)
        with trio.fail_after(60):
            while not log.exists():
                await trio.sleep(0.01)
    (seen,) = told(log)
    ended = [event.turn_id for event in events if isinstance(event, TurnAborted)]
    assert (seen["hook_event_name"], [seen["turn_id"]]) == ("Interrupt", ended)


async def test_a_hook_that_nothing_waits_for_is_told_before_the_next_request_and_refuses_nothing() -> None:
    said = {
        "systemMessage": "looked at it",
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "no",
            "additionalContext": "It is old.",
        },
    }
    hook = {"type": "command", "async": True, "command": f"echo '{json.dumps(said)}'"}
    table = {"PreToolUse": [{"hooks": [hook]}]}
    script = [[call("exec_command", cmd="echo hi", login=False)], [text("done")], [text("ok")]]
    async with open_test_codex(script, hooks=(("managed", "/owner.toml", table),)) as codex:
        async with codex.thread.open_events() as stream:
            await codex.run_turn("do it")
            async for event in stream:
                if isinstance(event.msg, Warning):
                    assert event.msg.message.endswith(": looked at it")
                    break
        await codex.run_turn("again")
        assert "hi" in codex.requests[1].output_of("call_1")
        assert codex.requests[2].texts("developer").count("It is old.") == 1


async def test_a_thread_runs_eight_hooks_beside_itself_and_kills_them_at_its_end(tmp_path: Path) -> None:
    started = tmp_path / "started"
    hook = {"type": "command", "async": True, "command": f"echo $$ >> {started}; sleep 600"}
    table = {"UserPromptSubmit": [{"hooks": [hook] * 12}]}
    async with open_test_codex([[text("ok")]], hooks=(("managed", "/owner.toml", table),)) as codex:
        await codex.run_turn("hello")
        with trio.fail_after(60):
            while not started.exists() or len(started.read_text().split()) < 8:
                await trio.sleep(0.01)
    pids = started.read_text().split()
    assert len(pids) == 8
    assert not [pid for pid in pids if Path("/proc", pid).exists()]


async def test_a_program_is_told_of_the_end_of_each_turn(tmp_path: Path) -> None:
    told_to = tmp_path / "told"
    program = ("/bin/sh", "-c", f'echo "$1" >> {told_to}', "sh")
    async with open_test_codex([[text("one")], [text("two")]], notify=program) as codex:
        await codex.run_turn("first")
        await codex.run_turn("second")
        thread, cwd = codex.thread.thread_id, str(codex.cwd)
        with trio.fail_after(60):
            while not told_to.exists() or len(told(told_to)) < 2:
                await trio.sleep(0.01)
    seen = sorted(told(told_to), key=lambda each: len(each["input-messages"]))
    turns = [each.pop("turn-id") for each in seen]
    assert len(set(turns)) == 2
    common = {"type": "agent-turn-complete", "thread-id": thread, "cwd": cwd, "client": seen[0]["client"]}
    assert seen == [
        {**common, "input-messages": ["first"], "last-assistant-message": "one"},
        {**common, "input-messages": ["first", "second"], "last-assistant-message": "two"},
    ]


async def test_a_program_that_cannot_be_told_is_named_and_the_turn_ends() -> None:
    async with open_test_codex([[text("one")]], notify=("/no/such/program",)) as codex:
        events = await codex.run_turn("first")
    assert warnings(events) == ["notify: '/no/such/program' cannot be started: No such file or directory"]
    assert isinstance(events[-1], TaskComplete)
