"""A tree of agents that is resumed is the tree that was left: nobody is lost, doubled, renamed or paid for twice."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
import trio

from codex.base.jsontext import Json, JsonObject, get_list, get_str
from codex.protocol.budget import Budget
from codex.protocol.event import TurnFailed
from codex.protocol.item import AgentState
from codex.testing import SeenRequest, TestCodex, call, open_test_codex, text
from codex.threads import Thread

V2: dict[str, bool] = {"multi_agent_v2": True, "background_wake": False}
FOREVER: Json = {"type": "sleep", "seconds": 100_000}


def scripts(root: Sequence[object], **others: Sequence[object]) -> JsonObject:
    turns: Json = {name: cast("list[Json]", [*steps]) for name, steps in (("root", root), *others.items())}
    return {"scripts": turns, "default": "root"}


def spawn(call_id: str, name: str, script: str, **arguments: Json) -> JsonObject:
    return call("spawn_agent", call_id, task_name=name, message=f"go [[script:{script}]]", **arguments)


def wait(call_id: str) -> JsonObject:
    return call("wait_agent", call_id, timeout_ms=600_000)


def letters(request: SeenRequest) -> list[str]:
    return [
        "".join(get_str(part, "text") for part in get_list(item, "content") if isinstance(part, dict))
        for item in request.input
        if item["type"] == "agent_message"
    ]


async def ask(thread: Thread, prompt: str) -> str:
    with trio.fail_after(60):
        return await thread.ask(prompt)


def tree(codex: TestCodex, thread: Thread) -> list[tuple[str, str, str, str | None, int]]:
    return [
        (info.path, info.nickname, info.state.status, info.state.message, info.usage.total_tokens)
        for info in thread.agents
    ]


async def left_tree(home: Path) -> tuple[str, list[str], list[tuple[str, str, str, str | None, int]]]:
    """A root with a completed agent, one below it that is completed, and one at work; then the program ends."""
    script = scripts(
        [
            [spawn("c1", "scout", "scout", model="gpt-5.4", reasoning_effort="low"), wait("c2")],
            [spawn("c3", "worker", "slow")],
            [text("I have begun")],
        ],
        scout=[[spawn("d1", "digger", "digger"), wait("d2")], [text("42")]],
        digger=[[text("in the cellar")]],
        slow=[[FOREVER, text("never")]],
    )
    async with open_test_codex(script, home=home, features=V2, max_depth=3) as codex:
        await ask(codex.thread, "delegate")
        left = tree(codex, codex.thread)
        return codex.thread.thread_id, [info.agent_id for info in codex.thread.agents], left


async def test_resume_restores_ids_paths_parents_names_states_models_and_use(tmp_path: Path) -> None:
    root_id, ids, left = await left_tree(tmp_path)
    assert [(path, state, message) for path, _, state, message, _ in left] == [
        ("/root/scout", "completed", "42"),
        ("/root/scout/digger", "completed", "in the cellar"),
        ("/root/worker", "running", None),
    ]
    async with open_test_codex([[text("hi")]], home=tmp_path, features=V2, max_depth=3) as codex:
        thread = await codex.codex.resume_thread(root_id)
        infos = [*thread.agents]
        assert [info.agent_id for info in infos] == ids
        assert [info.parent_id for info in infos] == [root_id, ids[0], root_id]
        assert [info.model for info in infos] == ["gpt-5.4", "gpt-5.4", "gpt-5.5"]
        now = tree(codex, thread)
        assert now[:2] == left[:2]
        assert now[2] == ("/root/worker", left[2][1], "interrupted", None, left[2][4])
        assert len(codex.codex.threads) == 2  # nobody has spoken to an agent yet


async def test_a_task_for_a_restored_agent_loads_it_with_its_history_and_its_model(tmp_path: Path) -> None:
    root_id, ids, _ = await left_tree(tmp_path)
    script = scripts(
        [
            [call("list_agents", "l1")],
            [call("followup_task", "f1", target="scout", message="once more [[script:again]]"), wait("w1")],
            [text("done")],
        ],
        again=[[text("43")]],
    )
    async with open_test_codex(script, home=tmp_path, features=V2, max_depth=3) as codex:
        thread = await codex.codex.resume_thread(root_id)
        assert await ask(thread, "go on") == "done"
        last = codex.requests[-1]
        (again,) = [
            request
            for request in codex.requests
            if "once more [[script:again]]" in json.dumps(request.body) and request.body["model"] == "gpt-5.4"
        ]
        loaded = [thread.thread_id for thread in codex.codex.threads]
    assert json.loads(last.output_of("l1"))["agents"] == [
        {"agent_name": "/root", "agent_status": "running"},
        {"agent_name": "/root/scout", "agent_status": {"completed": "42"}},
        {"agent_name": "/root/scout/digger", "agent_status": {"completed": "in the cellar"}},
        {"agent_name": "/root/worker", "agent_status": "interrupted"},
    ]
    assert [letter.rpartition("\n")[2] for letter in letters(again)] == [
        "go [[script:scout]]",
        "in the cellar",
        "once more [[script:again]]",
    ]
    assert again.texts("assistant") == ["42"]
    assert [letter.rpartition("\n")[2] for letter in letters(last)] == ["42", "43"]
    assert set(loaded) == {codex.thread.thread_id, root_id, ids[0]}


CHILD = '${re:"agent_id":"([^"]+)"}'


async def test_a_closed_agent_of_an_earlier_run_is_resumed_and_an_open_one_takes_input(tmp_path: Path) -> None:
    script = scripts(
        [
            [call("spawn_agent", "c1", message="first [[script:one]]")],
            [call("wait_agent", "c2", targets=[CHILD])],
            [call("close_agent", "c3", target=CHILD)],
            [call("spawn_agent", "c4", message="second [[script:two]]")],
            [text("begun")],
        ],
        one=[[text("one is done")]],
        two=[[FOREVER, text("never")]],
    )
    async with open_test_codex(script, home=tmp_path) as codex:
        await ask(codex.thread, "delegate")
        root_id, (first, second) = codex.thread.thread_id, [info.agent_id for info in codex.thread.agents]
    script = scripts(
        [
            [call("send_input", "s1", target=first, message="too early")],
            [call("resume_agent", "r1", id=first)],
            [call("send_input", "s2", target=first, message="again [[script:one]]")],
            [call("wait_agent", "w1", targets=[first])],
            [call("send_input", "s3", target=second, message="go on [[script:two]]")],
            [call("wait_agent", "w2", targets=[second])],
            [text("done")],
        ],
        one=[[text("one again")]],
        two=[[text("two at last")]],
    )
    async with open_test_codex(script, home=tmp_path) as codex:
        thread = await codex.codex.resume_thread(root_id)
        assert [info.state for info in thread.agents] == [AgentState("shutdown"), AgentState("interrupted")]
        assert await ask(thread, "go on") == "done"
        last = codex.requests[-1]
    assert last.output_of("s1") == f"agent with id {first} not found"
    assert json.loads(last.output_of("r1")) == {"status": "pending_init"}
    assert json.loads(last.output_of("w1"))["status"] == {first: {"completed": "one again"}}
    assert json.loads(last.output_of("w2"))["status"] == {second: {"completed": "two at last"}}


async def test_what_was_used_of_budgets_stays_used(tmp_path: Path) -> None:
    script = scripts([[text("hello")], [text("hello again")]], child=[[text("42")]])
    async with open_test_codex(script, home=tmp_path) as codex:
        thread = await codex.codex.start_thread(budget=Budget(model_calls=4))
        root_id = thread.thread_id
        await ask(thread, "hi")
        async with thread.agents.spawn("go [[script:child]]", budget=Budget(model_calls=2)) as agent:
            assert await agent.result() == "42"
    async with open_test_codex([[text("third")], [text("fourth")], [text("fifth")]], home=tmp_path) as codex:
        thread = await codex.codex.resume_thread(root_id)
        assert [info.budget for info in thread.agents] == [Budget(model_calls=2)]
        await ask(thread, "go on")
        await ask(thread, "go on")
        async with thread.run("go on") as events:
            failed = [event.msg for event in [event async for event in events] if isinstance(event.msg, TurnFailed)]
    assert [msg.error_kind for msg in failed] == ["budget_exceeded"]
    assert "allows 4 model_calls, 0 are left" in failed[0].message


async def test_a_sub_agent_that_is_resumed_by_its_id_stands_in_its_tree(tmp_path: Path) -> None:
    root_id, ids, _ = await left_tree(tmp_path)
    script = scripts([[text("hi")]], digger=[[text("I am the digger")]])
    async with open_test_codex(script, home=tmp_path, features=V2, max_depth=3) as codex:
        digger = await codex.codex.resume_thread(ids[1])
        assert (digger.identity.agent_path, digger.identity.session_id) == ("/root/scout/digger", root_id)
        assert await ask(digger, "who are you?") == "I am the digger"
        assert {thread.thread_id for thread in codex.codex.threads} >= {root_id, ids[0], ids[1]}


async def test_a_fork_of_a_root_has_no_agents_and_the_root_keeps_its_own(tmp_path: Path) -> None:
    root_id, ids, _ = await left_tree(tmp_path)
    async with open_test_codex([[text("hi")]], home=tmp_path, features=V2, max_depth=3) as codex:
        fork = await codex.codex.fork_thread(root_id)
        assert [*fork.agents] == []
        root = await codex.codex.resume_thread(root_id)
        assert [info.agent_id for info in root.agents] == ids


def recorded(name: str, home: Path) -> str:
    """The rollouts of a tree that Codex 0.169 recorded, put where they belong; the root's id."""
    shared = Path(os.environ.get("CODEX_ACTORS_SHARED", Path(__file__).parents[3] / "shared"))
    files = sorted((shared / "conformance/rollouts").glob(f"{name}.*.jsonl"))
    if not files:
        pytest.skip(f"there are no recordings in {shared}")
    day = home / "sessions/2026/11/22"
    day.mkdir(parents=True)
    ids: list[str] = []
    for file in files:
        data = file.read_bytes()
        ids.append(json.loads(data.partition(b"\n")[0])["payload"]["id"])
        (day / f"rollout-2026-11-22T14-09-49-{ids[-1]}.jsonl").write_bytes(data)
    return ids[0]


async def test_a_tree_that_codex_wrote_is_restored_in_both_generations(tmp_path: Path) -> None:
    root_id = recorded("sub_agents_v2", tmp_path / "v2")
    more = call("followup_task", "f1", target="/root/child_a", message="more [[script:more]]")
    third = [[text("A third result")]]
    script = scripts([], sub2=[[more, wait("w1")], [text("done")]], childA=third, childA2=third, more=third)
    async with open_test_codex(script, home=tmp_path / "v2") as codex:
        thread = await codex.codex.resume_thread(root_id)
        assert [(info.path, info.nickname, info.model, info.state.message) for info in thread.agents] == [
            ("/root/child_a", "Banach", "gpt-5.5", "A second result"),
            ("/root/child_b", "Copernicus", "gpt-5.5", "B result"),
        ]
        assert await ask(thread, "go on") == "done"  # with the tools of its generation
        assert letters(codex.requests[-1])[-1].endswith("\nA third result")
        assert len(letters(codex.requests[-1])) == 4
    root_id = recorded("sub_agents_v1", tmp_path / "v1")
    async with open_test_codex([[text("hi")]], home=tmp_path / "v1") as codex:
        thread = await codex.codex.resume_thread(root_id)
        assert [(info.path, info.nickname, info.state) for info in thread.agents] == [
            ("/root/poincare", "Poincare", AgentState("completed", "A second result")),
            ("/root/volta", "Volta", AgentState("interrupted")),
        ]
