"""What is promised of trees of agents, one test a promise: ends that are whole, waits that stay open to the world."""

from pathlib import Path

import trio

from codex.base.jsontext import Json, JsonObject
from codex.protocol.approval import Approved
from codex.protocol.event import ExecApprovalRequest, ShutdownComplete, TurnAborted
from codex.protocol.item import AgentState
from codex.protocol.op import ExecApproval, Interrupt, TurnInput
from codex.protocol.user_input import TextInput
from codex.testing import TestCodex, call, open_test_codex, text

WAIT = call("wait_agent", "c2", targets=['${re:"agent_id":"([^"]+)"}'], timeout_ms=600_000)
ASKS = call("exec_command", "d1", cmd="touch made", sandbox_permissions="require_escalated", justification="May I?")


def scripts(root: list[Json], **others: list[Json]) -> JsonObject:
    return {"scripts": {"root": root, **others}, "default": "root"}


async def wait_for_text(path: Path) -> str:
    with trio.fail_after(60):
        while not (path.exists() and path.read_text().endswith("\n")):
            await trio.lowlevel.checkpoint()
    return path.read_text().strip()


async def wait_question(codex: TestCodex) -> ExecApprovalRequest:
    with trio.fail_after(60):
        while not codex.thread.open_questions:
            await trio.lowlevel.checkpoint()
    (question,) = codex.thread.open_questions
    assert isinstance(question, ExecApprovalRequest)
    return question


async def test_the_end_of_an_agent_is_told_only_when_all_below_it_has_cleaned_up() -> None:
    lead: list[Json] = [[call("spawn_agent", "c1", message="go [[script:child]]")], [WAIT], [text("never")]]
    held = call("exec_command", "d1", cmd="echo $$ > pid; sleep 1000", yield_time_ms=30_000)
    async with open_test_codex(scripts([[text("root")]], lead=lead, child=[[held]]), max_depth=2) as codex:
        async with codex.thread.agents.spawn("go [[script:lead]]") as agent:
            pid = Path("/proc", await wait_for_text(codex.cwd / "pid"))
            alive_when_told: list[bool] = []

            def told(msg: object) -> None:
                if isinstance(msg, ShutdownComplete):
                    alive_when_told.append(pid.exists())

            for thread in codex.codex.threads[1:]:
                thread.outbox.listen(told)
            await agent.close()
            assert not pid.exists()
            assert codex.codex.threads == (codex.thread,)
            assert [info.state for info in codex.thread.agents] == [AgentState("shutdown")] * 2
    assert alive_when_told == [False, False]


async def test_a_parent_that_waits_for_a_child_takes_the_childs_question_and_the_answer() -> None:
    root: list[Json] = [[call("spawn_agent", "c1", message="go [[script:child]]")], [WAIT], [text("done")]]
    script = scripts(root, child=[[ASKS], [text("made it")]])
    async with open_test_codex(script, sandbox="read-only", approval_policy="on-request") as codex:
        await codex.thread.submit(TurnInput((TextInput("delegate"),)))
        question = await wait_question(codex)
        await codex.thread.submit(ExecApproval(question.id, Approved()))
        with trio.fail_after(60):
            while codex.thread.outbox.open_turn is not None:
                await trio.lowlevel.checkpoint()
        assert (codex.cwd / "made").exists()
        assert '"completed":"made it"' in codex.requests[-1].output_of("c2")


async def test_a_parent_that_waits_for_a_child_takes_a_cancel() -> None:
    root: list[Json] = [[call("spawn_agent", "c1", message="go [[script:child]]")], [WAIT], [text("never")]]
    script = scripts(root, child=[[ASKS], [text("made it")]])
    async with open_test_codex(script, sandbox="read-only", approval_policy="on-request") as codex:
        ended: list[object] = []
        codex.thread.outbox.listen(lambda msg: ended.append(msg) if isinstance(msg, TurnAborted) else None)
        await codex.thread.submit(TurnInput((TextInput("delegate"),)))
        await wait_question(codex)
        await codex.thread.submit(Interrupt())
        with trio.fail_after(60):
            while not ended:
                await trio.lowlevel.checkpoint()
        assert not (codex.cwd / "made").exists()
        assert codex.thread.outbox.open_turn is None
