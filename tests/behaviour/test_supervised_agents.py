"""Agents that fail: told with their cause, started again as their role says, given up beyond the intensity."""

from collections.abc import AsyncIterator, Sequence

import pytest
import trio

from codex.base.jsontext import Json, JsonObject
from codex.config.role import Role
from codex.protocol.budget import Budget
from codex.protocol.event import Event, Warning
from codex.protocol.item import AgentState
from codex.testing import TestCodex, call, open_test_codex, text
from codex.threads.sub_agents import SubAgentError

FOREVER: Json = {"type": "sleep", "seconds": 100_000}
BROKEN: Json = {"http_status": 400, "message": "no such thing"}
ROLES = {
    "steady": Role("steady", restart="on_crash"),
    "fresh": Role("fresh", restart="on_crash", restart_history=False),
    "quick": Role("quick", stall_seconds=5),
    "short": Role("short", deadline_seconds=5),
}


def scripts(**agents: Sequence[Json]) -> JsonObject:
    return {
        "scripts": {"root": [[text("root")]], **{name: [*turns] for name, turns in agents.items()}},
        "default": "root",
    }


def asked_by_agents(codex: TestCodex) -> list[list[str]]:
    """What the agents' models were told by the user's side, request for request."""
    told = [request.texts("user") for request in codex.requests]
    return [texts for texts in told if any("go [[" in said for said in texts)]


async def test_a_failed_agent_goes_on_with_its_history_when_its_role_says_so(autojump_clock: trio.abc.Clock) -> None:
    async with open_test_codex(scripts(child=[BROKEN, BROKEN, [text("42")]]), roles=ROLES, ephemeral=True) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="steady") as agent:
            assert await agent.result() == "42"
            assert (agent.info.restarts, agent.info.cause) == (2, "completed")
            assert [info.path for info in codex.thread.agents] == [agent.info.path]
    last = asked_by_agents(codex)[-1]
    assert sum("go [[script:child]]" in said for said in last) == 1
    assert sum("you were started again" in said for said in last) == 2


async def test_a_failed_agent_begins_anew_without_its_history_when_its_role_says_so(
    autojump_clock: trio.abc.Clock,
) -> None:
    script = scripts(child=[BROKEN, [text("never reached, since each begins at the first step")]])
    async with open_test_codex(script, roles=ROLES, ephemeral=True, max_restarts=1) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="fresh") as agent:
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
            first, second = codex.thread.agents
            assert (first.agent_id, first.replaced_by) == (agent.agent_id, second.agent_id)
            assert (second.path, second.nickname, second.restarts) == (first.path, first.nickname, 1)
            assert (caught.value.cause, agent.info) == ("failed", second)
        assert codex.codex.threads == (codex.thread,)
    assert [sum("go [[" in said for said in told) for told in asked_by_agents(codex)] == [1, 1]
    assert not any("you were started again" in said for told in asked_by_agents(codex) for said in told)


async def test_without_such_a_role_nothing_is_started_again() -> None:
    async with open_test_codex(scripts(child=[BROKEN, [text("42")]]), roles=ROLES, ephemeral=True) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
    assert (caught.value.cause, caught.value.state.status) == ("failed", "errored")


async def test_beyond_the_intensity_the_agent_is_given_up_and_the_user_is_told(autojump_clock: trio.abc.Clock) -> None:
    broken: list[Json] = [BROKEN] * 10
    async with open_test_codex(scripts(child=broken), roles=ROLES, ephemeral=True, max_restarts=2) as codex:
        async with codex.thread.open_events() as events:
            async with codex.thread.agents.spawn("go [[script:child]]", role="steady") as agent:
                with pytest.raises(SubAgentError) as caught:
                    await agent.result()
                assert agent.info.restarts == 2
            with trio.fail_after(60):
                told = await _warning(events)
    assert (caught.value.cause, caught.value.state.status) == ("failed", "errored")
    assert f"{agent.info.path} failed again after the agents here were started again 2 times in 60 s" in told


async def _warning(events: AsyncIterator[Event]) -> str:
    async for event in events:
        if isinstance(event.msg, Warning) and "failed again" in event.msg.message:
            return event.msg.message
    raise AssertionError("no warning came")


async def test_an_agent_whose_children_keep_failing_fails_too(autojump_clock: trio.abc.Clock) -> None:
    lead: list[Json] = [
        [call("spawn_agent", "c1", message="go [[script:child]]", agent_type="steady")],
        [call("wait_agent", "c2", targets=["${out:c1.agent_id}"], timeout_ms=600_000)],
        [FOREVER],
    ]
    script = scripts(lead=lead, child=[BROKEN] * 10)
    async with open_test_codex(script, roles=ROLES, ephemeral=True, max_restarts=1, max_depth=2) as codex:
        async with codex.thread.agents.spawn("lead [[script:lead]]") as agent:
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
            assert codex.codex.threads == (codex.thread,)
    assert caught.value.cause == "crashed"
    assert "failed again after the agents here were started again 1 times in 60 s" in str(caught.value)


async def test_an_agent_that_is_closed_while_it_waits_to_start_again_stays_closed(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with open_test_codex(scripts(child=[BROKEN, [text("42")]]), roles=ROLES, ephemeral=True) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="steady") as agent:
            with trio.fail_after(60):
                while not agent.info.restarts:
                    await trio.lowlevel.checkpoint()
            assert agent.state == AgentState("pending_init")
            await agent.close()
            assert agent.state == AgentState("shutdown")
            await trio.sleep(100)
            assert agent.state == AgentState("shutdown")
            assert len(asked_by_agents(codex)) == 1


async def test_a_model_that_says_nothing_is_ended_with_that_as_the_cause(autojump_clock: trio.abc.Clock) -> None:
    async with open_test_codex(scripts(child=[[FOREVER]]), roles=ROLES, ephemeral=True) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="quick") as agent:
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
            assert len(codex.codex.threads) == 2  # its thread goes on, and takes more work
    assert caught.value.cause == "stalled"
    assert "its model said nothing for 5 s" in str(caught.value)


async def test_a_model_that_streams_slowly_is_not_taken_for_dead(autojump_clock: trio.abc.Clock) -> None:
    slow: list[Json] = [{"type": "sleep", "seconds": 4}, text("one"), {"type": "sleep", "seconds": 4}, text("two")]
    async with open_test_codex(scripts(child=[slow]), roles=ROLES, ephemeral=True) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="quick") as agent:
            assert await agent.result() == "two"


async def test_a_deadline_ends_an_agent_and_is_told_only_when_all_of_it_is_gone(autojump_clock: trio.abc.Clock) -> None:
    async with open_test_codex(scripts(child=[[text("half"), FOREVER]]), roles=ROLES, ephemeral=True) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="short") as agent:
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
            assert codex.codex.threads == (codex.thread,)
    assert (caught.value.cause, caught.value.partial) == ("deadline", "half")
    assert "its time is over: the budget allows 5 seconds" in str(caught.value)


async def test_the_cause_of_an_end_is_a_word() -> None:
    tools: list[Json] = [[call("exec_command", "c1", cmd="true"), call("exec_command", "c2", cmd="true")], [text("x")]]
    async with open_test_codex(scripts(poor=tools, idle=[[FOREVER]]), roles=ROLES, ephemeral=True) as codex:
        agents = codex.thread.agents
        async with agents.spawn("go [[script:poor]]", budget=Budget(model_calls=1)) as poor:
            with pytest.raises(SubAgentError) as caught:
                await poor.result()
            assert caught.value.cause == "budget"
        async with agents.spawn("go [[script:idle]]") as idle:
            await idle.close()
            with pytest.raises(SubAgentError) as caught:
                await idle.result()
            assert caught.value.cause == "closed"
