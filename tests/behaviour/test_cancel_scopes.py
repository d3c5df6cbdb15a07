"""How much of an agent ends: its turn, all work of its subtree, or nothing: it is detached. With real commands."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.agents.stored import stored_tree
from codex.base.jsontext import Json, JsonObject
from codex.ports.agents import AgentFailure, AgentInfo
from codex.protocol.approval import Denied
from codex.protocol.event import ExecApprovalRequest
from codex.protocol.op import ExecApproval
from codex.testing import TestCodex, call, open_test_codex, text

WAIT = call("wait_agent", "c2", targets=['${re:"agent_id":"([^"]+)"}'], timeout_ms=3_600_000)
SPAWN = call("spawn_agent", "c1", message="go [[script:child]]")
HELD = call("exec_command", "d1", cmd="echo $$ > held; sleep 1000", yield_time_ms=30_000)
BEHIND = call("exec_command", "d2", cmd="echo $$ > behind; sleep 1000", yield_time_ms=250)
ASKS = call("exec_command", "d3", cmd="true", sandbox_permissions="require_escalated", justification="May I?")
STRANGER = "01234567-89ab-7def-8123-456789abcdef"
TREE: dict[str, Any] = {"max_depth": 2}


def scripts(**agents: Sequence[Any]) -> JsonObject:
    return {
        "scripts": {"root": [[text("root")]], **{name: [*turns] for name, turns in agents.items()}},
        "default": "root",
    }


async def wait_pid(path: Path) -> Path:
    """The process that wrote its id there."""
    with trio.fail_after(60):
        while not (path.exists() and path.read_text().endswith("\n")):
            await trio.lowlevel.checkpoint()
    return Path("/proc", path.read_text().strip())


async def wait_ended(codex: TestCodex, agent_id: str) -> None:
    with trio.fail_after(60):
        while codex.codex.find_living(agent_id) is not None:
            await trio.lowlevel.checkpoint()


def below(codex: TestCodex, lead: str) -> AgentInfo:
    """The child of the lead."""
    (child,) = [info for info in codex.thread.agents if info.path.startswith(f"{lead}/")]
    return child


async def test_an_interrupt_of_one_turn_leaves_all_below_it_at_work() -> None:
    script = scripts(lead=[[SPAWN], [WAIT], [text("still here")]], child=[[BEHIND], [HELD]])
    async with open_test_codex(script, **TREE) as codex, codex.thread.agents.spawn("go [[script:lead]]") as lead:
        held, behind = await wait_pid(codex.cwd / "held"), await wait_pid(codex.cwd / "behind")
        await lead.interrupt()
        child = codex.thread.agents.find(below(codex, lead.info.path).agent_id)
        assert (lead.state.status, child.state.status) == ("interrupted", "running")
        assert held.exists()
        assert behind.exists()
        await lead.send("and now?")
        assert await lead.result() == "still here"


async def test_an_interrupt_of_a_subtree_returns_when_no_turn_and_no_command_below_is_left() -> None:
    script = scripts(lead=[[SPAWN], [WAIT], [text("still here")]], child=[[BEHIND], [HELD], [text("me too")]])
    async with open_test_codex(script, **TREE) as codex, codex.thread.agents.spawn("go [[script:lead]]") as lead:
        held, behind = await wait_pid(codex.cwd / "held"), await wait_pid(codex.cwd / "behind")
        child = codex.thread.agents.find(below(codex, lead.info.path).path)
        await lead.interrupt(subtree=True)
        assert (held.exists(), behind.exists()) == (False, False)
        assert (lead.state.status, child.state.status) == ("interrupted", "interrupted")
        assert [thread.outbox.open_turn for thread in codex.codex.threads] == [None] * 3
        for agent, says in ((lead, "still here"), (child, "me too")):
            await agent.send("and now?")
            assert await agent.result() == says


async def test_a_detached_agent_outlives_its_parent_asks_the_root_and_is_the_roots_after_a_resume() -> None:
    settings: dict[str, Any] = {"sandbox": "read-only", "approval_policy": "on-request", **TREE}
    script = scripts(
        lead=[[SPAWN], [WAIT]],
        child=[
            [call("exec_command", "d1", cmd="while ! test -e go; do sleep 0.01; done", yield_time_ms=30_000)],
            [ASKS],
        ],
    )
    async with open_test_codex(script, **settings) as codex:
        await codex.run_turn("begin")
        root_id = codex.thread.thread_id
        async with codex.thread.agents.spawn("go [[script:lead]]") as lead:
            with trio.fail_after(60):
                while not any("sleep" in info.last_action for info in codex.thread.agents):
                    await trio.lowlevel.checkpoint()
            child = codex.thread.agents.find(below(codex, lead.info.path).agent_id)
            path = child.info.path
            await child.detach()
        await wait_ended(codex, lead.agent_id)
        assert (child.info.parent_id, child.info.path, child.info.detached) == (root_id, path, True)
        assert child.state.status == "running"
        (codex.cwd / "go").touch()
        with trio.fail_after(60):
            while not codex.thread.open_questions:
                await trio.lowlevel.checkpoint()
        (question,) = codex.thread.open_questions
        assert isinstance(question, ExecApprovalRequest)
        await codex.thread.submit(ExecApproval(question.id, Denied()))
        stored = stored_tree(str(codex.home), root_id)
        assert stored is not None
        assert [(one.path, one.parent_id, one.detached) for one in stored.agents if one.agent_id == child.agent_id] == [
            (path, root_id, True)
        ]
        await codex.thread.stop()
        assert codex.codex.find_living(child.agent_id) is None
        again = await codex.codex.resume_thread(root_id)
        found = again.agents.find(path)
        assert (found.agent_id, found.info.parent_id, found.info.detached) == (child.agent_id, root_id, True)


async def test_an_agent_that_is_detached_goes_on_after_the_block_that_started_it() -> None:
    script = scripts(child=[[HELD], [text("done")]])
    async with open_test_codex(script) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]") as agent:
            held = await wait_pid(codex.cwd / "held")
            await agent.detach()
        assert held.exists()
        assert codex.thread.agents.find(agent.agent_id).state.status == "running"
        await agent.close()
        assert not held.exists()
        with pytest.raises(AgentFailure, match="closed"):
            await agent.detach()


@pytest.mark.parametrize(
    ("scope", "child_status", "alive"),
    [("turn", "interrupted", 1), ("subtree", "interrupted", 0), ("detach", "running", 2)],
)
async def test_the_model_says_how_much_of_an_agent_ends(scope: str, child_status: str, alive: int) -> None:
    target = '${re:"agent_id":"([^"]+)"}'
    held: Json = call("exec_command", "c5", cmd="while ! test -s held; do sleep 0.01; done", yield_time_ms=30_000)
    lead = [[SPAWN], [held], [call("close_agent", "c6", target=target, scope=scope)], [text("done")]]
    script = scripts(lead=lead, child=[[BEHIND], [HELD]])
    async with open_test_codex(script, **TREE) as codex, codex.thread.agents.spawn("go [[script:lead]]") as agent:
        assert await agent.result() == "done"
        child = below(codex, agent.info.path)
        pids = [await wait_pid(codex.cwd / "held"), await wait_pid(codex.cwd / "behind")]
        assert (child.state.status, sum(pid.exists() for pid in pids)) == (child_status, alive)
        assert child.detached == (scope == "detach")


async def test_nobody_ends_a_part_of_an_agent_that_is_not_below_it() -> None:
    calls: list[Json] = [
        call("close_agent", "c1", target=STRANGER, scope="subtree"),
        call("close_agent", "c2", target=STRANGER, scope="all"),
    ]
    async with open_test_codex([calls, [text("done")]]) as codex:
        await codex.run_turn("try")
        assert codex.requests[1].output_of("c1") == f"agent with id {STRANGER} not found"
        assert "`scope` must be one of turn, subtree, detach" in codex.requests[1].output_of("c2")
