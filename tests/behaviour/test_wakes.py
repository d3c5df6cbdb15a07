"""News start a turn of an idle thread, where that is on: nobody has to poll for them, and waiting costs nothing."""

from collections.abc import Mapping

import pytest
import trio

from codex.base.jsontext import Json, JsonObject
from codex.config import load_config
from codex.protocol.event import TaskComplete
from codex.testing import TestCodex, call, open_test_codex, text

HELD = call("exec_command", "d1", cmd="until [ -e go ]; do sleep 0.01; done", yield_time_ms=30_000)


def script(spawn: JsonObject, *child: Json) -> JsonObject:
    root: list[Json] = [[spawn], [text("I go on later")], [text("I have read it")]]
    return {"scripts": {"root": root, "child": [[HELD], *child]}, "default": "root"}


async def woken(codex: TestCodex) -> str | None:
    """Let the child go on; what the root says in the turn that starts then."""
    async with codex.thread.open_events() as events:
        (codex.cwd / "go").touch()
        with trio.fail_after(60):
            async for event in events:
                if isinstance(event.msg, TaskComplete):
                    return event.msg.last_agent_message
    return None


async def test_the_end_of_an_agent_of_the_first_generation_wakes_its_idle_parent() -> None:
    spawn = call("spawn_agent", "c1", message="go [[script:child]]")
    async with open_test_codex(script(spawn, [text("42")])) as codex:
        await codex.run_turn("delegate")
        assert await woken(codex) == "I have read it"
        said = codex.requests[-1].texts("user")
    assert any("<subagent_notification>" in one and "42" in one for one in said)


async def test_a_message_from_below_wakes_an_idle_parent_before_the_agent_ends() -> None:
    spawn = call("spawn_agent", "c1", task_name="scout", message="go [[script:child]]")
    ask = call("send_message", "d2", target="/root", message="which file?")
    rest: JsonObject = {"type": "sleep", "seconds": 100_000}
    plan = script(spawn, [ask], [rest, text("never")])
    async with open_test_codex(plan, features={"multi_agent_v2": True}) as codex:
        await codex.run_turn("delegate")
        assert await woken(codex) == "I have read it"
        assert [info.state.status for info in codex.thread.agents] == ["running"]
        assert any("which file?" in str(item) for item in codex.requests[-1].input)


async def test_the_end_of_an_agent_that_a_program_started_wakes_nobody() -> None:
    plan: JsonObject = {"scripts": {"root": [[text("hello")]], "child": [[text("42")]]}, "default": "root"}
    async with open_test_codex(plan) as codex:
        await codex.run_turn("hi")
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            assert await agent.result() == "42"
        await codex.thread.history()  # its session has taken what came before
        assert codex.thread.outbox.open_turn is None
        assert len(codex.requests) == 2


@pytest.mark.parametrize(
    ("flags", "overrides", "wakes"),
    [
        ({}, [], True),
        ({"exec_defaults": True}, [], False),
        ({"exec_defaults": True}, ["features.background_wake=true"], True),
        ({}, ["features.background_wake=false"], False),
    ],
)
def test_wakes_are_on_but_in_exec_unless_they_are_configured(
    tmp_path_factory: pytest.TempPathFactory, flags: Mapping[str, object], overrides: list[str], wakes: bool
) -> None:
    home = tmp_path_factory.mktemp("home")
    environ = {"CODEX_HOME": str(home), "HOME": str(home)}
    config = load_config(cwd=str(home), flags=flags, overrides=overrides, environ=environ)
    assert config.background_wake is wakes
