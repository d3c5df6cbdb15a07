"""Agents in worker processes: they do what agents in this process do, and their crash, kill or hang is an exit like any
other, with nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import Json
from codex.ports.agents import AgentFailure
from codex.ports.dynamic_tools import DynamicCall, DynamicResult, DynamicTool, DynamicTools
from codex.protocol.approval import Approved, ExecApprovalRequest, Question
from codex.protocol.budget import Budget
from codex.protocol.event import ApprovalResolved
from codex.protocol.op import Interrupt, OverrideTurnContext
from codex.protocol.permission import SandboxPolicy
from codex.testing import call, open_test_codex, text
from codex.threads.sub_agents import Outcome, SubAgentError
from tests.processes.machines import processes_with, wait_nobody_with, wait_true
from tests.processes.workers import (
    FOREVER,
    Place,
    open_place,
    scripts,
    wait_no_worker,
    wait_worker,
    workers_of,
)

ROOT = Path(__file__).resolve().parents[2]
HERE = os.getpid()
SAID_THEN_SILENT: Json = [text("half of it"), FOREVER]


def mark() -> str:
    """An odd number of seconds to sleep, by which to find the sleepers."""
    return f"3600.{int.from_bytes(os.urandom(5), 'big')}"


def make_repository(directory: Path) -> None:
    for command in ("init -q", "-c user.name=a -c user.email=a@b commit -q --allow-empty -m x"):
        subprocess.run(["git", *command.split()], cwd=directory, check=True)


async def wait_said(place: Place, words: str) -> None:
    """Wait until the only agent has said this."""
    await wait_true(lambda: any(info.last_words == words for info in place.thread.agents), within=20)


async def test_an_agent_in_a_worker_process_works_and_answers_its_parent(tmp_path: Path) -> None:
    child: list[Json] = [[call("exec_command", "c1", cmd="echo $PPID > started-by")], [text("42")]]
    async with open_place(tmp_path, scripts(child=child)) as place:
        async with place.thread.agents.spawn("go [[script:child]]", placement="worker") as agent:
            assert await agent.result() == "42"
            worker = await wait_worker()
            assert agent.info.usage.input_tokens > 0
            assert agent.info.last_action.endswith("echo $PPID > started-by")
            await agent.send("and now")
            (thread,) = [one for one in place.codex.threads if one.thread_id == agent.agent_id]
            assert "go [[script:child]]" in str(await thread.history())
        assert not workers_of(HERE)
        rollout = Path(thread.rollout_path or "").read_text()
    assert (tmp_path / "cwd" / "started-by").read_text() != f"{HERE}\n"
    assert worker != HERE
    assert '"agent_path":"/root/ada"' in rollout
    assert "and now" in rollout


async def test_the_role_or_the_configuration_says_where_agents_run(tmp_path: Path) -> None:
    async with open_place(tmp_path, scripts(child=[[text("42")]]), placement="worker") as place:
        for role, placement, count in (("apart", None, 1), ("apart", "here", 0), ("default", None, 1)):
            options: dict[str, Any] = {"role": role} | ({"placement": placement} if placement else {})
            async with place.thread.agents.spawn("go [[script:child]]", **options) as agent:
                assert await agent.result() == "42"
                assert len(workers_of(HERE)) == count


async def test_a_killed_worker_is_told_as_a_crash_with_what_the_agent_had_said(tmp_path: Path) -> None:
    sleep = mark()
    child: list[Json] = [[text("half of it"), call("exec_command", "c1", cmd=f"sleep {sleep}")]]
    async with open_place(tmp_path, scripts(child=child)) as place:
        async with place.thread.agents.spawn("go [[script:child]]", role="apart") as agent:
            await wait_said(place, "half of it")
            await wait_true(lambda: bool(processes_with(sleep)), within=20)
            os.kill(await wait_worker(), signal.SIGKILL)
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
            assert (caught.value.cause, caught.value.partial) == ("crashed", "half of it")
            assert "worker process was ended by SIGKILL" in str(caught.value)
            assert not place.codex.agents_at_work
            assert await wait_nobody_with(sleep) == []
            assert "ended by SIGKILL" in str(await place.thread.history())
        async with place.thread.agents.spawn("go [[script:root]]", role="apart") as agent:
            assert await agent.result() == "root"


async def test_errors_of_several_workers_all_come_back_with_whose_they_are(tmp_path: Path) -> None:
    async with open_place(tmp_path, scripts(child=[SAID_THEN_SILENT]), placement="worker") as place:
        outcomes: list[Outcome] = []

        async def gather() -> None:
            outcomes.extend(await place.thread.agents.gather(["go [[script:child]]"] * 2))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(gather)
            await wait_true(lambda: [info.last_words for info in place.thread.agents] == ["half of it"] * 2, within=20)
            for worker in workers_of(HERE):
                os.kill(worker, signal.SIGKILL)
        errors = [outcome.error for outcome in outcomes]
        paths = [error.path for error in errors if isinstance(error, SubAgentError) and "SIGKILL" in str(error)]
        assert sorted(paths) == sorted(info.path for info in place.thread.agents)


async def test_the_agent_of_a_killed_worker_is_started_again_as_its_role_says(tmp_path: Path) -> None:
    child: list[Json] = [SAID_THEN_SILENT, [text("42")]]
    async with open_place(tmp_path, scripts(child=child)) as place:
        async with place.thread.agents.spawn("go [[script:child]]", role="steady") as agent:
            await wait_said(place, "half of it")
            killed = await wait_worker()
            os.kill(killed, signal.SIGKILL)
            assert await agent.result() == "42"
            assert (agent.info.restarts, agent.info.cause) == (1, "completed")
            (again,) = workers_of(HERE)
            assert again != killed
    await wait_no_worker(HERE)


async def test_a_worker_that_hangs_is_noticed_and_ended(tmp_path: Path) -> None:
    async with open_place(tmp_path, scripts(child=[SAID_THEN_SILENT]), worker_silence_seconds=1) as place:
        async with place.thread.agents.spawn("go [[script:child]]", role="apart") as agent:
            await wait_said(place, "half of it")
            os.kill(await wait_worker(), signal.SIGSTOP)
            with pytest.raises(SubAgentError, match="gave no sign of life for 1 s and was killed") as caught:
                await agent.result()
            assert (caught.value.cause, caught.value.partial) == ("crashed", "half of it")
            await wait_no_worker(HERE)


async def test_an_interrupt_ends_the_turn_there_and_keeps_the_worker(tmp_path: Path) -> None:
    sleep = mark()
    child: list[Json] = [[call("exec_command", "c1", cmd=f"sleep {sleep}")], [text("went on")]]
    async with open_place(tmp_path, scripts(child=child)) as place:
        async with place.thread.agents.spawn("go [[script:child]]", role="apart") as agent:
            await wait_true(lambda: bool(processes_with(sleep)), within=20)
            (thread,) = [one for one in place.codex.threads if one.thread_id == agent.agent_id]
            await thread.submit(Interrupt())
            with pytest.raises(SubAgentError) as caught:
                await agent.result()
            assert caught.value.cause == "interrupted"
            assert await wait_nobody_with(sleep) == []
            assert len(workers_of(HERE)) == 1
            await agent.send("go on")
            assert await agent.result() == "went on"


async def test_closing_an_agent_and_leaving_the_engine_leave_no_worker(tmp_path: Path) -> None:
    sleep = mark()
    child: list[Json] = [[call("exec_command", "c1", cmd=f"trap '' TERM; sleep {sleep}")]] * 2
    async with open_place(tmp_path, scripts(child=child)) as place:
        async with place.thread.agents.spawn("go [[script:child]]", role="apart") as agent:
            await wait_true(lambda: bool(processes_with(sleep)), within=20)
            await agent.close()
            assert not workers_of(HERE)
            assert await wait_nobody_with(sleep) == []
            assert agent.info.cause == "closed"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_hold, place)
            await wait_true(lambda: bool(processes_with(sleep)), within=20)
            nursery.cancel_scope.cancel()
        assert not workers_of(HERE)
        assert await wait_nobody_with(sleep) == []


async def _hold(place: Place) -> None:
    async with place.thread.agents.spawn("go [[script:child]]", role="apart"):
        await trio.sleep_forever()


PROGRAM = """
import sys
import trio
sys.path.insert(0, {root!r})
from pathlib import Path
from codex.engine import open_codex
from tests.processes.workers import config_of

async def main():
    async with open_codex(config_of(Path({directory!r}), {model!r})) as codex:
        thread = await codex.start_thread()
        async with thread.agents.spawn("go [[script:child]]", role="apart"):
            print("there", flush=True)
            await trio.sleep_forever()

trio.run(main)
"""


async def test_a_killed_main_program_leaves_no_worker(tmp_path: Path) -> None:
    sleep = mark()
    child: list[Json] = [[call("exec_command", "c1", cmd=f"sleep {sleep}")]]
    async with open_place(tmp_path, scripts(child=child)) as place:
        program = PROGRAM.format(root=str(ROOT), directory=str(tmp_path), model=f"{place.model}/v1")
        main = await trio.lowlevel.open_process([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert await wait_true(lambda: bool(processes_with(sleep)), within=30)
        (worker,) = workers_of(main.pid)
        os.kill(worker, signal.SIGSTOP)  # also one that cannot notice it
        os.kill(main.pid, signal.SIGKILL)
        await main.wait()
        await wait_no_worker(main.pid)
        assert not workers_of(main.pid)
        assert await wait_nobody_with(sleep) == []


async def test_what_an_agent_in_a_worker_must_ask_is_answered_by_its_parents_program(tmp_path: Path) -> None:
    ask = call("exec_command", "t1", cmd="touch made", sandbox_permissions="require_escalated", justification="May I?")
    root: list[Json] = [
        [call("spawn_agent", "c1", message="go [[script:child]]", agent_type="apart")],
        [call("wait_agent", "c2", targets=['${re:"agent_id":"([^"]+)"}'], timeout_ms=60_000)],
        [text("done")],
    ]
    script = {"scripts": {"root": root, "child": [[ask], [text("finished")]]}, "default": "root"}
    seen: list[Question] = []

    def answer(question: Question) -> bool:
        seen.append(question)
        return True

    policy = SandboxPolicy("read-only")
    async with open_place(tmp_path, script, sandbox_policy=policy, approval_policy="on-request") as place:
        events: list[object] = []
        async with place.thread.run("delegate", on_approval=answer) as turn:
            events = [event.msg async for event in turn]
        (agent,) = place.thread.agents
        assert agent.state.message == "finished"
    (question,) = seen
    assert isinstance(question, ExecApprovalRequest)
    assert (question.agent_path, question.thread_id, question.reason) == ("/root/ada", agent.agent_id, "May I?")
    assert [one.decision for one in events if isinstance(one, ApprovalResolved)] == [Approved()]
    assert (tmp_path / "cwd" / "made").exists()


async def test_a_question_of_an_agent_that_is_interrupted_in_a_worker_is_withdrawn(tmp_path: Path) -> None:
    ask = call("exec_command", "t1", cmd="touch made", sandbox_permissions="require_escalated", justification="May I?")
    policy = SandboxPolicy("read-only")
    script = scripts(child=[[ask], [text("finished")]])
    async with open_place(tmp_path, script, sandbox_policy=policy, approval_policy="on-request") as place:
        async with place.thread.agents.spawn("go [[script:child]]", role="apart") as agent:
            assert await wait_true(lambda: len(place.thread.open_questions) == 1, within=20)
            (thread,) = [one for one in place.codex.threads if one.thread_id == agent.agent_id]
            await thread.submit(Interrupt())
            assert await wait_true(lambda: not place.thread.open_questions, within=20)
            assert not thread.open_questions
    assert not (tmp_path / "cwd" / "made").exists()


async def test_a_budget_is_kept_across_processes(tmp_path: Path) -> None:
    child: list[Json] = [[call("exec_command", f"c{n}", cmd=f"echo {n} >> ran")] for n in range(5)]
    other: list[Json] = [
        [call("exec_command", "d1", cmd="echo told >> ran"), call("exec_command", "d2", cmd="echo told >> ran")],
        [text("done")],
    ]
    async with open_place(tmp_path, scripts(child=child, other=other)) as place:
        parent = await place.codex.start_thread(budget=Budget(model_calls=2))
        async with parent.agents.spawn("go [[script:child]]", role="apart") as agent:
            with pytest.raises(SubAgentError, match=r"the budget of /root allows 2 model_calls") as caught:
                await agent.result()
            assert caught.value.cause == "budget"
        assert (tmp_path / "cwd" / "ran").read_text() == "0\n1\n"
        # The tokens are enough for two requests where the first one gives back what it did not use.
        for budget, ran in ((Budget(tool_calls=1), 1), (Budget(processes=0), 1), (Budget(tokens=30_000), 3)):
            limited = await place.codex.start_thread(budget=budget)
            with trio.fail_after(60):
                async with limited.agents.spawn("go [[script:other]]", role="apart") as agent:
                    assert await agent.result() == "done"
            assert (tmp_path / "cwd" / "ran").read_text().count("told") == ran


async def test_what_a_killed_worker_had_set_aside_is_free_again(tmp_path: Path) -> None:
    script = scripts(child=[SAID_THEN_SILENT], other=[[text("enough")]])
    async with open_place(tmp_path, script) as place:
        parent = await place.codex.start_thread(budget=Budget(tokens=30_000))
        async with parent.agents.spawn("go [[script:child]]", role="apart") as agent:
            await wait_true(lambda: agent.info.last_words == "half of it", within=20)
            os.kill(await wait_worker(), signal.SIGKILL)
            with pytest.raises(SubAgentError):
                await agent.result()
            async with parent.agents.spawn("go [[script:other]]", role="apart") as other:
                assert await other.result() == "enough"


async def test_an_agent_in_a_worker_has_agents_and_letters_as_any_other(tmp_path: Path) -> None:
    middle: list[Json] = [
        [call("spawn_agent", "c1", task_name="leaf", message="go [[script:leaf]]", fork_turns="none")],
        [call("send_message", "m1", target="/root/middle/leaf", message="a hint")],
        [call("wait_agent", "w1", timeout_ms=60_000)],
        [call("list_agents", "l1")],
        [text("the middle is done")],
    ]
    root: list[Json] = [
        [call("spawn_agent", "c1", task_name="middle", message="go [[script:middle]]", fork_turns="none")],
        [call("wait_agent", "w1", timeout_ms=60_000)],
        [text("done")],
    ]
    script = {"scripts": {"root": root, "middle": middle, "leaf": [[text("the leaf")]] * 3}, "default": "root"}
    settings = {"placement": "worker", "features": {"multi_agent_v2": True}, "max_depth": 2}
    async with open_place(tmp_path, script, **settings) as place:
        assert await place.thread.ask("delegate") == "done"
        states = {info.path: info.state.message for info in place.thread.agents}
        told = str(await place.thread.history())
        (leaf,) = [one for one in place.codex.threads if one.identity.agent_path == "/root/middle/leaf"]
        assert str(await leaf.history()).count("a hint") == 1
    assert states == {"/root/middle": "the middle is done", "/root/middle/leaf": "the leaf"}
    assert told.count("the middle is done") == 1
    assert not workers_of(HERE)


async def test_what_belongs_to_the_main_process_is_there_for_an_agent_in_a_worker(tmp_path: Path) -> None:
    called: list[DynamicCall] = []

    async def call_tool(one: DynamicCall) -> DynamicResult:
        called.append(one)
        return DynamicResult.text("the answer is 42")

    tools = DynamicTools((DynamicTool("ask_oracle", "Knows.", {"type": "object", "properties": {}}),), call_tool)
    child: list[Json] = [
        [call("ask_oracle", "o1", question="?")],
        [call("exec_command", "c1", cmd="echo mine > made && pwd > $OLD/where")],
        [text("first")],
        [text("second")],
    ]
    async with open_place(tmp_path, scripts(child=child), environ={**os.environ, "OLD": str(tmp_path)}) as place:
        make_repository(tmp_path / "cwd")
        thread = await place.codex.start_thread(tools=tools)
        async with thread.agents.spawn("go [[script:child]]", role="apart", isolation="worktree") as agent:
            assert await agent.result() == "first"
            assert (tmp_path / "cwd" / "made").read_text() == "mine\n"
            await thread.submit(OverrideTurnContext(sandbox_policy=SandboxPolicy("read-only")))
            await agent.send("again")
            assert await agent.result() == "second"
            (there,) = [one for one in place.codex.threads if one.thread_id == agent.agent_id]
            assert "the answer is 42" in str(await there.history())
            lines = [json.loads(line) for line in Path(there.rollout_path or "").read_text().splitlines()]
    contexts = [line["payload"] for line in lines if line["type"] == "turn_context"]
    assert [one["sandbox_policy"]["type"] for one in contexts] == ["danger-full-access", "read-only"]
    assert [one.thread_id for one in called] == [agent.agent_id]
    assert "worktrees" in (tmp_path / "where").read_text()
    assert not list((tmp_path / "home" / "worktrees").iterdir())


async def test_a_worker_that_cannot_work_fails_the_spawn(tmp_path: Path) -> None:
    async with open_test_codex([[text("root")]]) as codex:
        with pytest.raises(AgentFailure, match="cannot have the model client that this program brought along"):
            async with codex.thread.agents.spawn("go", placement="worker"):
                pass
        assert not list(codex.thread.agents)
