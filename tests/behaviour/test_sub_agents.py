"""Sub-agents through the public door: started, waited for, spoken to, closed; never left behind."""

import json
from pathlib import Path

import trio

from codex.base.jsontext import Json, JsonObject
from codex.protocol.event import ItemCompleted, ItemStarted, TaskComplete
from codex.protocol.item import CollabToolCall
from codex.testing import SeenRequest, call, open_test_codex, text

CHILD = '${re:"agent_id":"([^"]+)"}'


def scripts(root: list[Json], **others: list[Json]) -> JsonObject:
    return {"scripts": {"root": root, **others}, "default": "root"}


async def test_a_child_works_on_its_own_and_its_answer_comes_back() -> None:
    script = scripts(
        [
            [call("spawn_agent", "c1", message="look into it [[script:child]]")],
            [call("wait_agent", "c2", targets=[CHILD])],
            [text("thanks")],
        ],
        child=[[text("the answer is 42")]],
    )
    async with open_test_codex(script) as codex:
        events = await codex.run_turn("delegate")
        child, *_ = [request for request in codex.requests if request.headers["thread-id"] != codex.thread.thread_id]
        last = codex.requests[-1]
    agent_id = json.loads(last.output_of("c1"))["agent_id"]
    assert json.loads(last.output_of("c2")) == {
        "status": {agent_id: {"completed": "the answer is 42"}},
        "timed_out": False,
    }
    assert "look into it [[script:child]]" in child.texts("user")
    assert child.headers["session-id"] == codex.thread.thread_id
    assert child.headers["x-codex-parent-thread-id"] == codex.thread.thread_id
    assert child.body["prompt_cache_key"] == codex.thread.thread_id
    tools = [event.item.tool for event in events if isinstance(event, ItemCompleted) and is_collab(event.item)]
    assert tools == ["spawn_agent", "wait"]


def is_collab(item: object) -> bool:
    return isinstance(item, CollabToolCall)


async def test_the_end_of_a_child_is_told_in_the_parents_history() -> None:
    script = scripts(
        [
            [call("spawn_agent", "c1", message="go [[script:child]]")],
            [call("wait_agent", "c2", targets=[CHILD])],
            [text("done")],
        ],
        child=[[text("finished")]],
    )
    async with open_test_codex(script) as codex:
        await codex.run_turn("delegate")
        said = codex.requests[-1].texts("user")
    assert any("<subagent_notification>" in text and "finished" in text for text in said)


async def test_a_child_cannot_have_children_beyond_the_depth_and_solves_the_task_itself() -> None:
    script = scripts(
        [
            [call("spawn_agent", "c1", message="go [[script:child]]")],
            [call("wait_agent", "c2", targets=[CHILD])],
            [text("done")],
        ],
        child=[[call("spawn_agent", "d1", message="deeper")], [text("did it myself")]],
    )
    async with open_test_codex(script) as codex:
        await codex.run_turn("delegate")
        children = [request for request in codex.requests if "x-codex-parent-thread-id" in request.headers]
    assert "multi_agent_v1" not in children[0].tool_names
    assert "spawn_agent" not in children[0].tool_names
    assert children[1].output_of("d1") == "unsupported call: spawn_agent"


async def test_the_limit_counts_working_agents_only() -> None:
    script = scripts(
        [
            [call("spawn_agent", "c1", message="go [[script:quick]]")],
            [call("wait_agent", "c2", targets=[CHILD])],
            [call("spawn_agent", "c3", message="go [[script:slow]]")],
            [call("spawn_agent", "c4", message="go [[script:slow]]")],
            [text("done")],
        ],
        quick=[[text("quick")]],
        slow=[[{"type": "sleep", "seconds": 30}, text("slow")]],
    )
    async with open_test_codex(script, max_agents=1) as codex:
        await codex.run_turn("delegate")
        last = codex.requests[-1]
    assert "agent_id" in last.output_of("c3")
    assert last.output_of("c4").startswith("collab spawn failed: agent thread limit reached")


async def test_closing_an_agent_ends_its_command() -> None:
    command = call("exec_command", "d1", cmd="echo $$ > pid; sleep 60", yield_time_ms=30_000)
    script = scripts(
        [
            [call("spawn_agent", "c1", message="go [[script:child]]")],
            [call("exec_command", "c2", cmd="until [ -s pid ]; do sleep 0.01; done; cat pid")],
            [call("close_agent", "c3", target=CHILD)],
            [call("exec_command", "c4", cmd="kill -0 $(cat pid) && echo alive || echo gone")],
            [text("done")],
        ],
        child=[[command]],
    )
    async with open_test_codex(script) as codex:
        events = await codex.run_turn("delegate")
        last = codex.requests[-1]
    assert last.output_of("c4").endswith("\ngone\n")
    assert json.loads(last.output_of("c3")) == {"previous_status": "running"}
    assert isinstance(events[-1], TaskComplete)


async def test_more_input_for_a_finished_agent_starts_it_again() -> None:
    script = scripts(
        [
            [call("spawn_agent", "c1", message="go [[script:child]]")],
            [call("wait_agent", "c2", targets=[CHILD])],
            [call("send_input", "c3", target=CHILD, message="more [[script:more]]")],
            [call("wait_agent", "c4", targets=["${out:c1.agent_id}"])],
            [text("done")],
        ],
        child=[[text("one")]],
        more=[[text("two")]],
    )
    async with open_test_codex(script) as codex:
        await codex.run_turn("delegate")
        last = codex.requests[-1]
    assert '"completed":"two"' in last.output_of("c4")


async def test_a_stopped_parent_takes_its_children_along() -> None:
    script = scripts(
        [[call("spawn_agent", "c1", message="go [[script:child]]")], [text("done")]],
        child=[[call("exec_command", "d1", cmd="echo $$ > pid; sleep 60", yield_time_ms=30_000)]],
    )
    async with open_test_codex(script) as codex:
        await codex.run_turn("delegate")
        with trio.fail_after(10):
            pid = codex.cwd / "pid"
            while not (pid.exists() and pid.read_text().strip()):
                await trio.lowlevel.checkpoint()
            _, child = codex.codex.threads
            await codex.thread.stop()
        assert codex.codex.threads == ()
        assert not await trio.Path("/proc", pid.read_text().strip()).exists()
        last = Path(child.rollout_path or "").read_bytes().splitlines()[-1]
        assert json.loads(last)["payload"]["type"] == "turn_aborted"


async def test_a_fork_gives_the_child_the_history() -> None:
    script = scripts(
        [
            [text("I know a secret.")],
            [call("spawn_agent", "c1", message="go [[script:child]]", fork_context=True)],
            [call("wait_agent", "c2", targets=[CHILD])],
            [text("done")],
        ],
        child=[[text("I know it too")]],
    )
    async with open_test_codex(script) as codex:
        await codex.run_turn("remember")
        await codex.run_turn("delegate")
        child = next(request for request in codex.requests if "x-codex-parent-thread-id" in request.headers)
    assert "I know a secret." in child.texts("assistant")


def is_answered(request: SeenRequest, call_id: str) -> bool:
    return any(item.get("call_id") == call_id and "output" in item for item in request.input)


async def test_a_wait_that_would_close_a_circle_is_refused_with_the_path() -> None:
    """A child is told its parent's id, waits for it while the parent waits for the child, and works on instead."""
    script = scripts(
        [[call("spawn_agent", "c1", message="go [[script:parent]]")], [call("wait_agent", "c2", targets=[CHILD])]],
        parent=[
            [call("spawn_agent", "p1", message="go [[script:child]]")],
            [call("wait_agent", "p2", targets=[CHILD], timeout_ms=3_600_000)],
            [text("the child is done")],
        ],
        child=[
            [call("exec_command", "d1", cmd="until [ -s parent ]; do sleep 0.01; done; cat parent")],
            [call("wait_agent", "d2", targets=["${re:PARENT=([0-9a-f-]+)}"], timeout_ms=3_600_000)],
            [text("so I went on")],
        ],
    )
    async with open_test_codex(script, max_depth=3) as codex, trio.open_nursery() as nursery:
        nursery.start_soon(codex.run_turn, "delegate")
        with trio.fail_after(60):
            while not (waiting := [info for info in codex.thread.agents if info.path.count("/") == 3]):
                await trio.lowlevel.checkpoint()
            async with codex.codex.threads[1].open_events() as events:
                async for event in events:
                    if isinstance(event.msg, ItemStarted) and event.msg.item.id == "p2":
                        break
            (codex.cwd / "parent").write_text(f"PARENT={waiting[0].parent_id}")
            while not (told := [request for request in codex.requests if is_answered(request, "d2")]):
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    answer = told[0].output_of("d2")
    path, *_ = (info.path for info in waiting)
    parent = path.rpartition("/")[0]
    assert answer == (
        f"this wait would never end: {path} waits for {parent} waits for {path}; finish what they wait for, or send "
        "them a message"
    )
