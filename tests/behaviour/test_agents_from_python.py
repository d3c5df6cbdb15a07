"""Sub-agents started by a program: blocks that own them, results or causes, budgets, deadlines, places."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress

import pytest
import trio

from codex.base.errors import UserError
from codex.base.jsontext import Json, JsonObject
from codex.ports.agents import AgentFailure
from codex.protocol.budget import Budget
from codex.protocol.event import TurnFailed, Warning
from codex.protocol.item import AgentState
from codex.testing import TestCodex, call, open_test_codex, text
from codex.threads import ThreadEnded
from codex.threads.sub_agents import Outcome, SubAgentError

FOREVER: Json = {"type": "sleep", "seconds": 100_000}


def scripts(**agents: Sequence[Json]) -> JsonObject:
    """A script for each agent; `root` is the thread's own."""
    return {
        "scripts": {"root": [[text("root")]], **{name: [*turns] for name, turns in agents.items()}},
        "default": "root",
    }


def answer(*words: str) -> list[Json]:
    return [[text(word)] for word in words]


async def test_a_result_comes_back_and_nothing_is_left_after_the_block() -> None:
    async with open_test_codex(scripts(child=answer("42"))) as codex:
        async with codex.thread.agents.spawn("how many? [[script:child]]") as agent:
            assert await agent.result() == "42"
            assert agent.state == AgentState("completed", "42")
            assert len(codex.codex.threads) == 2
        assert codex.codex.threads == (codex.thread,)
        assert [info.state.status for info in codex.thread.agents] == ["shutdown"]


async def test_more_work_can_be_handed_to_an_agent() -> None:
    async with open_test_codex(scripts(child=answer("one", "two"))) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            assert await agent.result() == "one"
            await agent.send("and on")
            assert await agent.result() == "two"


async def test_a_failure_comes_back_as_its_cause_with_the_last_words_and_never_as_an_empty_result() -> None:
    broken: list[Json] = [
        [text("I found the file."), call("exec_command", "c1", cmd="true")],
        {"http_status": 400, "message": "no such thing"},
    ]
    async with open_test_codex(scripts(child=broken)) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
    assert caught.value.state.status == "errored"
    assert "no such thing" in str(caught.value)
    assert str(caught.value).endswith("What the agent had said by then:\nI found the file.")


async def test_leaving_the_block_by_an_error_ends_the_agent_with_its_command() -> None:
    command = call("exec_command", "c1", cmd="echo $$ > pid; sleep 1000", yield_time_ms=30_000)

    async def leave(codex: TestCodex) -> None:
        async with codex.thread.agents.spawn("go [[script:child]]"):
            with trio.fail_after(60):
                while not (codex.cwd / "pid").exists() or not (codex.cwd / "pid").read_text().endswith("\n"):
                    await trio.lowlevel.checkpoint()
            raise ZeroDivisionError

    async with open_test_codex(scripts(child=[[command]])) as codex:
        with pytest.raises(ZeroDivisionError):
            await leave(codex)
        pid = (codex.cwd / "pid").read_text().strip()
        assert not os.path.exists(f"/proc/{pid}")
        assert codex.codex.threads == (codex.thread,)


async def test_nobody_is_started_below_a_thread_that_has_ended_or_is_ending() -> None:
    async with open_test_codex(scripts(child=[[FOREVER]])) as codex:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(codex.thread.stop)
            while codex.thread.alive:
                with suppress(ThreadEnded, AgentFailure):
                    async with codex.thread.agents.spawn("go [[script:child]]"):
                        pass
                await trio.lowlevel.checkpoint()
        with pytest.raises(AgentFailure, match=r"has ended|is ending"):
            await codex.thread.agents.map(["go [[script:child]]"])
        assert codex.codex.threads == ()


async def test_a_thread_that_ends_takes_the_agents_of_its_blocks_along() -> None:
    async with open_test_codex(scripts(child=[[FOREVER]])) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            await codex.thread.stop()
            with pytest.raises(SubAgentError, match="shutdown"):
                await agent.result()


async def test_a_map_gives_the_results_in_the_order_of_the_prompts() -> None:
    slow: list[Json] = [[{"type": "sleep", "seconds": 0.05}, text("slow")]]
    async with open_test_codex(scripts(a=slow, b=answer("quick"))) as codex:
        assert await codex.thread.agents.map(["a [[script:a]]", "b [[script:b]]"]) == ["slow", "quick"]
        assert codex.codex.threads == (codex.thread,)


async def test_the_first_failure_of_a_map_ends_the_others() -> None:
    async with open_test_codex(scripts(a=[[FOREVER]], b=[{"http_status": 400, "message": "bad"}])) as codex:
        with pytest.raises(SubAgentError, match="bad"):
            await codex.thread.agents.map(["a [[script:a]]", "b [[script:b]]"])
        assert codex.codex.threads == (codex.thread,)


async def test_a_gather_keeps_what_succeeded_beside_what_failed() -> None:
    async with open_test_codex(scripts(a=answer("fine"), b=[{"http_status": 400, "message": "bad"}])) as codex:
        good, bad = await codex.thread.agents.gather(["a [[script:a]]", "b [[script:b]]"])
    assert good == Outcome("a [[script:a]]", "fine")
    assert (bad.result, "bad" in str(bad.error)) == (None, True)


async def test_a_race_is_won_by_the_first_result_and_the_others_end() -> None:
    async with open_test_codex(
        scripts(a=[[FOREVER]], b=[{"http_status": 400, "message": "bad"}], c=answer("won"))
    ) as codex:
        outcome = await codex.thread.agents.race([f"{name} [[script:{name}]]" for name in "abc"])
        assert outcome == Outcome("c [[script:c]]", "won")
        assert codex.codex.threads == (codex.thread,)


async def test_more_agents_than_places_take_turns() -> None:
    slow: list[Json] = [[{"type": "sleep", "seconds": 0.01}, text("done")]]
    async with open_test_codex(scripts(a=slow), max_agents=2) as codex:
        assert await codex.thread.agents.map([f"{n} [[script:a]]" for n in range(7)]) == ["done"] * 7
        with pytest.raises(AgentFailure, match="thread limit reached"):
            await codex.thread.agents.map([f"{n} [[script:a]]" for n in range(7)], queue=False)


async def test_a_thread_that_may_have_no_agents_says_what_to_change() -> None:
    async with open_test_codex([[text("root")]], max_depth=0) as codex:
        with pytest.raises(UserError, match=r"agents\.max_depth"):
            await codex.thread.agents.map(["x"])


async def test_an_agent_over_its_deadline_is_ended_and_says_so() -> None:
    async with open_test_codex(scripts(child=[[FOREVER]])) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", deadline=0.05) as agent:
            with pytest.raises(SubAgentError, match=r"its time is over: the budget allows 0\.05 seconds"):
                await agent.result()
        assert codex.codex.threads == (codex.thread,)


# -- budgets -----------------------------------------------------------------------------------------------------------


async def test_a_model_call_over_the_budget_is_not_made() -> None:
    turns: list[Json] = [[call("exec_command", f"c{n}", cmd="true")] for n in range(5)]
    async with open_test_codex(scripts(child=turns)) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(model_calls=3)) as agent:
            with pytest.raises(SubAgentError, match="allows 3 model_calls, 0 are left, and 1 would be needed"):
                await agent.result()
        assert len(codex.requests) == 3


async def test_a_tool_call_over_the_budget_is_refused_and_the_model_is_told() -> None:
    turns: list[Json] = [[call("exec_command", f"c{n}", cmd=f"echo {n} >> ran")] for n in range(3)]
    async with open_test_codex(scripts(child=[*turns, [text("done")]])) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(tool_calls=2)) as agent:
            assert await agent.result() == "done"
        assert (codex.cwd / "ran").read_text() == "0\n1\n"
        assert codex.requests[-1].output_of("c2") == (
            "the tool was not called: the budget of /root/ada allows 2 tool_calls, 0 are left, and 1 would be needed; "
            "finish with what you have"
        )


async def test_what_is_left_limits_the_length_of_the_answer_and_an_overrun_is_reported() -> None:
    long = {"items": [call("exec_command", "c1", cmd="true")], "usage": {"input": 100, "output": 59_900}}
    turns: list[Json] = [long, [text("done")]]
    async with open_test_codex(scripts(child=turns)) as codex:
        async with codex.thread.open_events() as events:
            async with codex.thread.agents.spawn("go [[script:child]]", budget=Budget(tokens=20_000)) as agent:
                with pytest.raises(SubAgentError, match="allows 20000 tokens, 0 are left"):
                    await agent.result()
                assert agent.info.usage.total_tokens == 60_000
            async for event in events:
                if isinstance(event.msg, Warning):
                    warning = event.msg
                    break
        [request] = codex.requests
        asked = request.body["max_output_tokens"]
        assert isinstance(asked, int)
        assert 16 <= asked < 20_000
    assert warning.message == (
        "the budget of /root/ada allows 20000 tokens and 60000 are used: the model answered at more length than it "
        "was allowed"
    )


async def test_the_budget_of_a_thread_limits_it_together_with_all_agents_below_it() -> None:
    script = scripts(root=[[text("one")], [text("two")]], child=answer("child"))
    async with open_test_codex(script) as codex:
        thread = await codex.codex.start_thread(budget=Budget(model_calls=2))
        assert await thread.ask("go") == "one"
        assert await thread.agents.map(["go [[script:child]]"]) == ["child"]
        with pytest.raises(SubAgentError, match="the budget of /root allows 2 model_calls"):
            await thread.agents.map(["go [[script:child]]"])
        async with thread.run("more") as events:
            last = [event.msg async for event in events][-1]
        assert isinstance(last, TurnFailed)
        assert (last.error_kind, "the budget of /root allows 2" in last.message) == ("budget_exceeded", True)


async def test_depth_and_fan_out_of_a_budget_count_below_the_agent_that_has_it() -> None:
    deeper = call("spawn_agent", "s1", message="deeper [[script:leaf]]")
    wider = [call("spawn_agent", f"s{n}", message="wider [[script:leaf]]") for n in (1, 2)]
    script = scripts(deep=[[deeper], [text("said")]], wide=[wider, [text("said")]], leaf=[[FOREVER]])
    async with open_test_codex(script, max_depth=5) as codex:
        async with codex.thread.agents.spawn("go [[script:deep]]", budget=Budget(depth=0)) as agent:
            assert await agent.result() == "said"
        assert "the budget of /root/ada allows 0 levels of agents below it" in codex.requests[-1].output_of("s1")
        async with codex.thread.agents.spawn("go [[script:wide]]", budget=Budget(fan_out=1)) as agent:
            assert await agent.result() == "said"
            assert "agent_id" in codex.requests[-1].output_of("s1")
            assert "allows each agent 1 children at once" in codex.requests[-1].output_of("s2")
            tree = codex.thread.agents.text()
    assert re.sub(r"[\d,]{2,}", "N", tree).splitlines()[-2:] == [
        "    alan  completed  gpt-5.5  N tokens  spawn_agent",
        "      barbara  running  gpt-5.5  0 tokens",
    ]
