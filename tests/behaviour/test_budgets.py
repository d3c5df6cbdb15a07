"""Money, processes and the budget of the configuration: refused before, told to the model or its parent, summed up."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import Json, JsonObject
from codex.protocol.budget import Budget
from codex.protocol.event import Event, TurnFailed, Warning
from codex.protocol.usage import TokenUsage
from codex.testing import call, open_test_codex, text
from codex.threads.sub_agents import SubAgentError

# USD per million tokens: a token of input costs 1 micro-dollar, one of output 10.
PRICES = {"gpt-5.5": (1.0, 0.1, 10.0)}


def scripts(**agents: list[Any]) -> JsonObject:
    return {"scripts": {"root": [[text("root")]], **agents}, "default": "root"}


def answering(output: int, *items: Json, cached: int = 0) -> JsonObject:
    return {"items": [*items], "usage": {"input": 1_000, "cached": cached, "output": output}}


async def until_warning(events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    async for event in events:
        yield event
        if isinstance(event.msg, Warning):
            return


# -- every limit -------------------------------------------------------------------------------------------------------

SPAWN = call("spawn_agent", "s1", message="deeper [[script:leaf]]")
AGAIN = call("spawn_agent", "s2", message="wider [[script:leaf]]")
GO_ON = [[call("exec_command", f"c{n}", cmd=f"echo {n} >> ran")] for n in range(9)]
LIMITS: list[Any] = [
    pytest.param(Budget(tokens=9_000), Budget(tokens=50_000), GO_ON, "allows 9000 tokens", id="tokens"),
    pytest.param(Budget(model_calls=1), Budget(model_calls=5), GO_ON, "allows 1 model_calls", id="model_calls"),
    pytest.param(Budget(tool_calls=0), Budget(tool_calls=5), GO_ON[:1], "allows 0 tool_calls", id="tool_calls"),
    pytest.param(Budget(usd=0.02), Budget(usd=5.0), GO_ON, "allows 0.0200 USD", id="usd"),
    pytest.param(Budget(processes=0), Budget(processes=5), GO_ON[:1], "allows 0 processes at once", id="processes"),
    pytest.param(Budget(depth=1), Budget(depth=5), [[SPAWN]], "allows 1 levels of agents", id="depth"),
    pytest.param(Budget(fan_out=1), Budget(fan_out=5), [[SPAWN, AGAIN]], "allows each agent 1 children", id="fan_out"),
    pytest.param(Budget(agents=1), Budget(agents=5), [[SPAWN]], "allows 1 agents at once", id="agents"),
]


@pytest.mark.parametrize(("above", "own", "turns", "said"), LIMITS)
async def test_what_an_agent_may_use_is_the_smaller_of_its_own_and_what_is_left_above_and_no_call_exceeds_it(
    above: Budget, own: Budget, turns: list[Any], said: str
) -> None:
    child = [{"items": turn, "usage": {"input": 4_500, "output": 900}} for turn in turns]
    script = scripts(child=[*child, [text("done")]], leaf=[[{"type": "sleep", "seconds": 100_000}]])
    async with open_test_codex(script, model_prices=PRICES, max_depth=5) as codex:
        parent = await codex.codex.start_thread(budget=above)
        async with parent.agents.spawn("go [[script:child]]", budget=own) as agent:
            try:
                await agent.result()
                told = str(codex.requests[-1].body)
            except SubAgentError as error:
                told = str(error)
    assert f"the budget of /root {said}" in told


# -- money -------------------------------------------------------------------------------------------------------------


async def test_the_call_that_would_cost_more_than_is_left_is_not_made() -> None:
    turns = [answering(1_000, call("exec_command", f"c{n}", cmd="true")) for n in range(5)]
    async with open_test_codex(scripts(child=turns), model_prices=PRICES) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(usd=0.0255)) as agent:
            with pytest.raises(SubAgentError, match=r"/root/ada allows 0\.0255 USD, 0\.0035 USD are left"):
                await agent.result()
            info = agent.info
        asked = [request.body["max_output_tokens"] for request in codex.requests]
    assert info.usd == 0.022
    first, second = asked
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert 1_000 <= second < first < 2_550


async def test_cached_input_costs_its_own_price() -> None:
    async with open_test_codex(scripts(child=[answering(100, text("done"), cached=600)]), model_prices=PRICES) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            await agent.result()
            assert agent.info.usd == pytest.approx((400 * 1.0 + 600 * 0.1 + 100 * 10.0) / 1_000_000)
        assert codex.thread.agents.usd == agent.info.usd
        assert codex.thread.agents.text().endswith(f"  {agent.info.usd:.4f} USD\n")


async def test_a_limit_of_money_without_a_price_says_what_to_configure() -> None:
    async with open_test_codex(scripts(child=[[text("done")]])) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(usd=1.0)) as agent:
            with pytest.raises(SubAgentError, match=r"no price of the model 'gpt-5\.5' is known.*model_prices"):
                await agent.result()
            assert agent.info.usd is None
        assert codex.requests == []
        assert codex.thread.agents.usd is None


async def test_a_provider_that_ignores_the_limit_costs_one_answer_more_which_is_told() -> None:
    turns = [answering(100_000, call("exec_command", "c1", cmd="true")), [text("never")]]
    async with open_test_codex(scripts(child=turns), model_prices=PRICES) as codex:
        async with codex.thread.open_events() as events:
            async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(usd=0.1)) as agent:
                with pytest.raises(SubAgentError, match=r"allows 0\.1000 USD, 0\.0000 USD are left"):
                    await agent.result()
            told = [event.msg async for event in until_warning(events)][-1]
            assert isinstance(told, Warning)
        assert len(codex.requests) == 1
    assert told.message == (
        "the budget of /root/ada allows 0.1000 USD and 1.0010 USD are used: the model answered at more length than it "
        "was allowed"
    )


async def test_what_a_grandchild_costs_is_missing_from_all_above_it() -> None:
    spawn = call("spawn_agent", "s1", message="deeper [[script:leaf]]")
    wait = call("wait_agent", "w1", targets=['${re:"agent_id":"([^"]+)"}'], timeout_ms=60_000)
    middle = [answering(100, spawn), answering(100, wait), answering(100, text("done"))]
    script = scripts(middle=middle, leaf=[answering(2_000, text("found"))])
    async with open_test_codex(script, model_prices=PRICES, max_depth=3) as codex:
        async with codex.thread.agents.spawn("go [[script:middle]]", budget=Budget(usd=0.0305)) as agent:
            assert await agent.result() == "done"
            info, below = agent.info, [each for each in codex.thread.agents if each.path != agent.info.path]
            await agent.send("more")
            with pytest.raises(
                SubAgentError, match=r"the budget of /root/ada allows 0\.0305 USD, 0\.0035 USD are left"
            ):
                await agent.result()
    assert [each.usd for each in below] == [0.021]
    assert info.usd == 0.006
    assert info.subtree == info.usage + below[0].usage
    assert info.subtree.output_tokens == 2_300


async def test_the_tokens_of_a_subtree_are_a_number_of_the_agent_and_of_the_thread() -> None:
    async with open_test_codex(scripts(child=[answering(10, text("one"))])) as codex:
        assert codex.thread.agents.usage == TokenUsage()
        await codex.thread.agents.map(["a [[script:child]]", "b [[script:child]]"])
        assert codex.thread.agents.usage.output_tokens == 20
        assert [info.subtree.output_tokens for info in codex.thread.agents] == [10, 10]


async def test_an_agent_waits_for_what_its_sibling_has_set_aside_instead_of_being_refused() -> None:
    hold = [{"type": "sleep", "seconds": 0.05}, text("slow")]
    script = scripts(a=[{"items": hold, "usage": {"input": 5_000, "output": 10}}], b=[answering(2_000, text("b"))])
    async with open_test_codex(script) as codex:
        thread = await codex.codex.start_thread(budget=Budget(tokens=18_000))
        assert await thread.agents.map(["a [[script:a]]", "b [[script:b]]"]) == ["slow", "b"]
        asked = [request.body["max_output_tokens"] for request in codex.requests]
    assert all(isinstance(most, int) and most > 8_000 for most in asked)


# -- processes ---------------------------------------------------------------------------------------------------------


async def test_a_process_over_the_budget_is_not_started_and_the_model_is_told() -> None:
    background = call("exec_command", "c1", cmd="echo one >> ran; exec sleep 1000", yield_time_ms=250)
    second = call("exec_command", "c2", cmd="echo two >> ran")
    async with open_test_codex(scripts(child=[[background], [second], [text("done")]])) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(processes=1)) as agent:
            assert await agent.result() == "done"
        assert (codex.cwd / "ran").read_text() == "one\n"
        assert codex.requests[-1].output_of("c2") == (
            "exec_command failed: the command was not started: the budget of /root/ada allows 1 processes at once, and "
            "0 more; wait until one has ended, or end one that goes on"
        )


async def test_a_process_that_has_ended_makes_room_for_the_next() -> None:
    commands = [[call("exec_command", f"c{n}", cmd=f"echo {n} >> ran")] for n in range(4)]
    async with open_test_codex(scripts(child=[*commands, [text("done")]])) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(processes=1)) as agent:
            assert await agent.result() == "done"
        assert (codex.cwd / "ran").read_text() == "0\n1\n2\n3\n"


async def test_a_command_that_cannot_be_started_holds_no_process() -> None:
    missing = call("exec_command", "c1", cmd="true", workdir="nowhere")
    good = call("exec_command", "c2", cmd="echo fine > ran")
    async with open_test_codex(scripts(child=[[missing], [good], [text("done")]])) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(processes=1)) as agent:
            assert await agent.result() == "done"
        assert (codex.cwd / "ran").read_text() == "fine\n"


async def test_the_processes_of_siblings_count_together_in_the_budget_above_them() -> None:
    hold = call("exec_command", "c1", cmd="touch held; until [ -e go ]; do sleep 0.01; done", yield_time_ms=30_000)
    wait = call("exec_command", "c0", cmd="until [ -e held ]; do sleep 0.01; done", yield_time_ms=30_000)
    over = call("exec_command", "c2", cmd="touch over")
    release = call("exec_command", "c3", cmd="touch go")
    script = scripts(first=[[hold], [text("first")]], second=[[wait], [over], [release], [text("second")]])
    async with open_test_codex(script) as codex:
        thread = await codex.codex.start_thread(budget=Budget(processes=2))
        results = await thread.agents.map(["a [[script:first]]", "b [[script:second]]"])
        assert results == ["first", "second"]
        assert (codex.cwd / "over").exists()
        thread = await codex.codex.start_thread(budget=Budget(processes=1))
        for name in ("held", "go", "over"):
            (codex.cwd / name).unlink()
        async with thread.agents.spawn("a [[script:first]]") as first:
            while not (codex.cwd / "held").exists():
                await trio.lowlevel.checkpoint()
            assert await thread.agents.map(["b [[script:second]]"]) == ["second"]
            assert not (codex.cwd / "over").exists()
            (codex.cwd / "go").touch()
            assert await first.result() == "first"


# -- the configuration -------------------------------------------------------------------------------------------------


async def test_the_budget_of_the_configuration_limits_every_root_thread_with_all_below_it() -> None:
    turns = [[call("exec_command", "c1", cmd="true")], [text("never")]]
    async with open_test_codex(turns, budget=Budget(model_calls=1)) as codex:
        *_, last = await codex.run_turn("go")
    assert isinstance(last, TurnFailed)
    assert (last.error_kind, last.message) == (
        "budget_exceeded",
        "the model was not asked: the budget of /root allows 1 model_calls, 0 are left, and 1 would be needed",
    )


async def test_of_the_programs_budget_and_that_of_the_configuration_the_smaller_limit_holds() -> None:
    assert Budget(tokens=5, usd=2.0).within(Budget(tokens=7, usd=1.0, depth=1)) == Budget(tokens=5, usd=1.0, depth=1)
    async with open_test_codex([[text("one")], [text("two")]], budget=Budget(model_calls=1)) as codex:
        thread = await codex.codex.start_thread(budget=Budget(model_calls=5))
        assert await thread.ask("one") == "one"
        async with thread.run("two") as events:
            last = [event.msg async for event in events][-1]
    assert isinstance(last, TurnFailed)
    assert last.error_kind == "budget_exceeded"


async def test_a_session_that_is_resumed_has_spent_what_it_had_spent_and_a_raised_limit_lets_it_go_on(
    tmp_path: Path,
) -> None:
    script = [answering(1_000, text("one")), answering(1_000, text("two"))]
    settings: dict[str, Any] = {"home": tmp_path / "home", "cwd": tmp_path / "cwd", "model_prices": PRICES}
    async with open_test_codex([answering(1_000, text("one"))], budget=Budget(usd=0.0145), **settings) as codex:
        assert await codex.thread.ask("one") == "one"
        thread_id = codex.thread.thread_id
    async with open_test_codex(script, budget=Budget(usd=0.0145), **settings) as codex:
        thread = await codex.codex.resume_thread(thread_id)
        async with thread.run("two") as events:
            last = [event.msg async for event in events][-1]
        assert isinstance(last, TurnFailed)
        assert "allows 0.0145 USD, 0.0035 USD are left" in last.message
    async with open_test_codex([answering(1_000, text("two"))], budget=Budget(usd=0.1), **settings) as codex:
        thread = await codex.codex.resume_thread(thread_id)
        assert await thread.ask("two") == "two"
