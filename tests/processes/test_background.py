"""Commands in the background: whose they are, how their end is told, how they are listed and ended; the user's own."""

from pathlib import Path

import attrs
import pytest
import trio

from codex.base.jsontext import JsonObject
from codex.protocol.event import EventMsg, ItemCompleted, ItemStarted, TaskComplete, TaskStarted, TurnAborted
from codex.protocol.item import CommandExecution
from codex.protocol.op import CleanBackgroundTerminals, Interrupt, RunUserShellCommand, TurnInput
from codex.protocol.user_input import TextInput
from codex.session import Subscription
from codex.testing import TestCodex as Kit
from codex.testing import call, open_test_codex, text
from tests.processes.machines import processes_with, wait_nobody_with, wait_true
from tests.processes.test_trees import mark

SESSION = "${int:re:session ID (\\d+)}"
NEWS = "<background_command_ended>"


def start(cmd: str, call_id: str = "call_1", **arguments: object) -> JsonObject:
    return call("exec_command", call_id, cmd=cmd, login=False, yield_time_ms=250, **arguments)


def script(*turns: list[JsonObject]) -> JsonObject:
    return {"scripts": {"s": list(turns)}, "default": "s"}


def let_go(codex: Kit, name: str = "go") -> None:
    (codex.cwd / name).touch()


UNTIL_GO = "echo early; until test -e go; do sleep 0.01; done; echo late; exit 3"


def is_waited_for(codex: Kit) -> bool:
    manager = codex.thread._processes.opened
    assert manager is not None
    return any(process.locked for process in manager.list(codex.thread.thread_id) if process.background)


def news_in(said: list[str]) -> list[str]:
    return [one for one in said if one.startswith(NEWS)]


async def until(events: Subscription, *kinds: type[EventMsg]) -> list[EventMsg]:
    """What comes, until one of these kinds has."""
    seen: list[EventMsg] = []
    with trio.fail_after(60):
        async for event in events:
            seen.append(event.msg)
            if isinstance(event.msg, kinds):
                break
    return seen


def commands_in(seen: list[EventMsg]) -> list[CommandExecution]:
    return [msg.item for msg in seen if isinstance(msg, ItemCompleted) and isinstance(msg.item, CommandExecution)]


async def test_the_end_of_a_background_command_is_told_to_the_model_with_what_it_has_not_read() -> None:
    async with open_test_codex(script([start(UNTIL_GO)], [text("waiting")], [text("done")])) as codex:
        await codex.run_turn("start it")
        assert news_in(codex.requests[1].texts("user")) == []
        events = codex.thread.outbox.subscribe()
        let_go(codex)
        (ended,) = commands_in(await until(events, ItemCompleted))
        await codex.run_turn("and?")
        (news,) = news_in(codex.requests[2].texts("user"))
        kept = [line for line in codex.rollout() if NEWS in str(line)]
    assert "exited by itself, with code 3" in news
    assert "unread output:\nlate\n" in news
    assert len(kept) == 1
    assert (ended.exit_code, ended.aggregated_output) == (3, "early\nlate\n")


async def test_with_background_wake_the_end_of_a_command_starts_a_turn_of_an_idle_agent() -> None:
    turns = script([start(UNTIL_GO)], [text("waiting")], [text("it ended")])
    async with open_test_codex(turns, features={"background_wake": True}) as codex:
        await codex.run_turn("start it")
        events = codex.thread.outbox.subscribe()
        let_go(codex)
        seen = await until(events, TaskComplete)
        assert len(codex.requests) == 3
        assert len(news_in(codex.requests[2].texts("user"))) == 1
    assert [msg.last_agent_message for msg in seen if isinstance(msg, TaskComplete)] == ["it ended"]


async def test_without_background_wake_an_idle_agent_stays_idle_and_keeps_the_news_on_disk() -> None:
    off = {"background_wake": False}
    async with open_test_codex(script([start(UNTIL_GO)], [text("waiting")]), features=off) as codex:
        await codex.run_turn("start it")
        let_go(codex)
        assert await wait_true(lambda: any(NEWS in str(line) for line in codex.rollout()), 10)
        assert len(codex.requests) == 2


async def test_whoever_waits_in_write_stdin_learns_of_the_end_there_and_only_there() -> None:
    turns = script(
        [start(UNTIL_GO)],
        [call("write_stdin", "call_2", session_id=SESSION, yield_time_ms=60_000)],
        [text("done")],
    )
    async with open_test_codex(turns, features={"background_wake": True}) as codex:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(codex.run_turn, "start it")
            assert await wait_true(lambda: len(codex.requests) == 2 and is_waited_for(codex), 30)
            let_go(codex)
        assert "Process exited with code 3" in codex.requests[2].output_of("call_2")
        assert news_in(codex.requests[2].texts("user")) == []
        await codex.thread.stop()
        assert not any(NEWS in str(line) for line in codex.rollout())


async def test_an_interrupt_ends_the_command_of_the_call_and_leaves_those_in_the_background() -> None:
    stays, goes = mark(), mark()
    turns = script(
        [start(f"sleep {stays}")],
        [call("exec_command", "call_2", cmd=f"sleep {goes}", login=False, yield_time_ms=30_000)],
    )
    async with open_test_codex(turns) as codex:
        async with codex.thread.run("start both") as events:
            await events.__anext__()
            assert await wait_true(lambda: bool(processes_with(goes)), 20)
            (terminal,) = codex.thread.background_terminals()
            assert terminal.command == f"sleep {stays}"
        assert processes_with(goes) == []
        assert len(processes_with(stays)) >= 1
    assert await wait_nobody_with(stays) == []


async def test_background_commands_are_listed_with_what_they_use_and_ended_one_by_one() -> None:
    busy, sleeper = mark(), mark()
    turns = script(
        [start(f"echo {busy}; while :; do :; done", "call_1"), start(f"sleep {sleeper}", "call_2")], [text("done")]
    )
    async with open_test_codex(turns) as codex:
        await codex.run_turn("start both")
        first, second = codex.thread.background_terminals()
        assert first.os_pid is not None
        assert attrs.evolve(first, age=0, cpu_percent=0, rss_kb=0, process_id="", os_pid=None) == attrs.evolve(
            first.__class__("call_1", "", f"echo {busy}; while :; do :; done", str(codex.cwd), 0),
            cpu_percent=0,
            rss_kb=0,
        )
        assert await wait_true(lambda: (codex.thread.background_terminals()[0].cpu_percent or 0) > 1, 20)
        assert (second.rss_kb or 0) > 100
        assert second.age > 0
        assert not await codex.thread.terminate_background("1")
        assert not await codex.thread.terminate_background("none")
        assert await codex.thread.terminate_background(first.process_id)
        assert processes_with(busy) == []
        assert [one.item_id for one in codex.thread.background_terminals()] == ["call_2"]
        assert await codex.thread.clean_background() == 1
        assert processes_with(sleeper) == []
        assert list(codex.thread.background_terminals()) == []


async def test_cleaning_by_an_operation_tells_the_ends_to_user_and_model() -> None:
    sleeper = mark()
    async with open_test_codex(script([start(f"sleep {sleeper}")], [text("ok")], [text("done")])) as codex:
        await codex.run_turn("start it")
        events = codex.thread.outbox.subscribe()
        await codex.thread.submit(CleanBackgroundTerminals())
        (ended,) = commands_in(await until(events, ItemCompleted))
        assert (ended.status, ended.exit_code) == ("failed", 137)
        assert processes_with(sleeper) == []
        await codex.run_turn("and?")
        (news,) = news_in(codex.requests[2].texts("user"))
    assert "ended from outside, with code 137" in news


async def test_a_command_of_the_user_runs_outside_of_the_sandbox_as_a_turn_that_the_model_learns_of() -> None:
    async with open_test_codex([[text("I see")]], sandbox="read-only") as codex:
        events = codex.thread.outbox.subscribe()
        await codex.thread.submit(RunUserShellCommand("echo mine > made; cat made; exit 4"))
        seen = await until(events, TaskComplete, TurnAborted)
        (item,) = commands_in(seen)
        assert (item.source, item.exit_code, item.aggregated_output, item.status) == (
            "user_shell",
            4,
            "mine\n",
            "failed",
        )
        assert [type(msg) for msg in seen if isinstance(msg, TaskStarted | TaskComplete)] == [TaskStarted, TaskComplete]
        await codex.run_turn("what did I do?")
        said = codex.requests[0].texts("user")
        assert any(one.startswith("<user_shell_command>") and "Exit code: 4" in one and "mine" in one for one in said)
        kept = [line["payload"]["item"] for line in codex.rollout() if line["payload"].get("type") == "item_completed"]
        assert [one["source"] for one in kept if one["type"] == "CommandExecution"] == ["user_shell"]
        assert Path(codex.cwd, "made").read_text() == "mine\n"


@pytest.mark.parametrize("timeout", [0.0, 0.3])
async def test_a_command_of_the_user_ends_at_its_timeout_with_124(timeout: float) -> None:
    sleeper = mark()
    async with open_test_codex([[text("unused")]]) as codex:
        events = codex.thread.outbox.subscribe()
        await codex.thread.submit(RunUserShellCommand(f"setsid sleep {sleeper} & sleep {sleeper}", timeout))
        seen = await until(events, TaskComplete, TurnAborted)
        (item,) = commands_in(seen)
        assert item.exit_code == 124
        assert processes_with(sleeper) == []


async def test_an_interrupt_ends_a_command_of_the_user_and_shows_its_end() -> None:
    sleeper = mark()
    async with open_test_codex([[text("unused")]]) as codex:
        events = codex.thread.outbox.subscribe()
        await codex.thread.submit(RunUserShellCommand(f"sleep {sleeper}"))
        assert await wait_true(lambda: bool(processes_with(sleeper)), 20)
        await codex.thread.submit(Interrupt())
        seen = await until(events, TurnAborted)
        assert processes_with(sleeper) == []
    (item,) = commands_in(seen)
    assert (item.status, item.exit_code) == ("failed", 137)


async def test_a_command_of_the_user_beside_a_turn_does_not_end_it() -> None:
    turns = script(
        [call("exec_command", cmd=UNTIL_GO, login=False, yield_time_ms=30_000)], [text("done")], [text("ok")]
    )
    async with open_test_codex(turns) as codex:
        events = codex.thread.outbox.subscribe()
        await codex.thread.submit(TurnInput((TextInput("start it"),)))
        seen = await until(events, ItemStarted)
        await codex.thread.submit(RunUserShellCommand("touch go"))
        while len(commands_in(seen)) < 2 or not any(isinstance(msg, TaskComplete) for msg in seen):
            seen += await until(events, ItemCompleted, TaskComplete)
        assert {command.source for command in commands_in(seen)} == {"user_shell", "unified_exec_startup"}
        assert len([msg for msg in seen if isinstance(msg, TaskStarted)]) == 1
        await codex.run_turn("and?")
        assert any("touch go" in one for one in codex.requests[-1].texts("user"))
