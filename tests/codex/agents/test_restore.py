"""A tree from its rollouts: who is there, where each stands, and what is under way between them."""

from pathlib import Path
from typing import Any

import attrs

from codex.agents.accounts import RESOURCES, Accounts
from codex.agents.record import Agent
from codex.agents.restore import RestoredTree, Settings, Use, restored
from codex.base.jsontext import encode
from codex.protocol.budget import Budget
from codex.protocol.item import AgentState
from codex.protocol.letter import Letter
from codex.protocol.usage import TokenUsage
from codex.rollout import RolloutFile
from codex.rollout.agents import Answer, StartedAgent, ThreadTrace, agent_closed, agent_spawned, read_trace

SCOUT = StartedAgent("id-scout", "/root/scout", "Ada", model="small", budget=Budget(tokens=1_000))
DIGGER = StartedAgent("id-scout-digger", "/root/scout/digger", "Alan")
TASK = Letter("amsg_1", "NEW_TASK", "/root", "/root/scout", "id-scout", "look", wake=True)
HINT = Letter("amsg_2", "MESSAGE", "/root", "/root/scout", "id-scout", "there")
ROOT = ThreadTrace("root", "root", generation="v2", agents=(SCOUT,), written=(TASK, HINT))


def thread(agent: StartedAgent, parent: str = "root", **known: object) -> ThreadTrace:
    names = {"parent_id": parent, "path": agent.path, "nickname": agent.nickname, "turns": 1}
    return attrs.evolve(ThreadTrace(agent.thread_id, "root"), **{**names, **known})


def tree(*threads: ThreadTrace) -> RestoredTree:
    return restored("root", {one.thread_id: one for one in threads})


def test_states_are_those_that_the_agents_were_left_in() -> None:
    cases: list[tuple[dict[str, Any], AgentState]] = [
        ({"state": AgentState("completed", "42")}, AgentState("completed", "42")),
        ({"state": AgentState("errored", "why")}, AgentState("errored", "why")),
        ({"state": AgentState("interrupted")}, AgentState("interrupted")),
        ({"state": AgentState("running"), "working": True}, AgentState("interrupted")),
        ({"turns": 0}, AgentState("interrupted")),
    ]
    for left, state in cases:
        (agent,) = tree(ROOT, thread(SCOUT, **left)).agents
        assert agent == Agent(
            "id-scout", "root", "Ada", "/root/scout", 1, Budget(tokens=1_000), state=state, usage=TokenUsage()
        )
        assert not agent.working


def test_a_closed_agent_stays_closed_with_all_below_it() -> None:
    closed = attrs.evolve(SCOUT, closed=AgentState("shutdown"))
    found = tree(
        attrs.evolve(ROOT, agents=(closed,)),
        thread(SCOUT, agents=(DIGGER,), state=AgentState("completed", "42")),
        thread(DIGGER, "id-scout", state=AgentState("completed", "gold")),
    )
    assert [(agent.path, agent.closed, agent.state) for agent in found.agents] == [
        ("/root/scout", True, AgentState("shutdown")),
        ("/root/scout/digger", True, AgentState("shutdown")),
    ]
    assert found.letters.unread("id-scout") == ()


def test_a_path_is_its_agent_s_own_whoever_stood_there_before() -> None:
    gone = attrs.evolve(SCOUT, thread_id="id-first", closed=AgentState("shutdown"))
    found = tree(attrs.evolve(ROOT, agents=(gone, SCOUT)), thread(gone), thread(SCOUT))
    assert [(agent.agent_id, agent.path) for agent in found.agents] == [
        ("id-first", "/root/scout"),
        ("id-scout", "/root/scout"),
    ]


def test_of_two_that_live_at_one_path_the_second_stands_beside_with_all_below_it() -> None:
    first = attrs.evolve(SCOUT, thread_id="id-first")
    found = tree(
        attrs.evolve(ROOT, agents=(first, SCOUT)),
        thread(first),
        thread(SCOUT, agents=(DIGGER,)),
        thread(DIGGER, "id-scout"),
    )
    assert [agent.path for agent in found.agents] == [
        "/root/scout",
        "/root/scout_-scout",
        "/root/scout_-scout/digger",
    ]


def test_a_spawn_that_never_finished_leaves_nothing_registered() -> None:
    nobody = attrs.evolve(ROOT, written=())
    found = tree(nobody)
    assert (found.agents, found.settings, found.use) == ((), {}, {"root": Use()})


def test_an_agent_that_had_not_begun_its_task_is_there_and_has_it_still() -> None:
    found = tree(ROOT)
    assert [(agent.path, agent.state, agent.closed) for agent in found.agents] == [
        ("/root/scout", AgentState("interrupted"), False)
    ]
    assert found.settings == {"id-scout": Settings("small", stored=False)}
    assert found.letters.unread("id-scout") == (TASK, HINT)


def test_letters_are_under_way_until_their_reader_s_rollout_has_them() -> None:
    answer = Answer("amsg_turn", AgentState("completed", "42"))
    scout = thread(SCOUT, read=frozenset(["amsg_1"]), written=(answer,), state=answer.state)
    found = tree(ROOT, scout)
    assert found.letters.unread("id-scout") == (HINT,)
    final = Letter("amsg_turn", "FINAL_ANSWER", "/root/scout", "/root", "root", "42")
    assert found.letters.unread("root") == (final,)
    read = attrs.evolve(ROOT, read=frozenset(["amsg_turn", "amsg_2"]))  # the second one was read by somebody else
    assert tree(read, scout).letters.unread("root") == ()
    assert tree(read, scout).letters.unread("id-scout") == (HINT,)


def test_the_books_go_on_from_what_was_used() -> None:
    found = tree(
        attrs.evolve(ROOT, budget=Budget(tokens=5_000), usage=TokenUsage(total_tokens=300), model_calls=3),
        thread(SCOUT, usage=TokenUsage(total_tokens=400), model_calls=2, tool_calls=1, agents=(DIGGER,)),
        thread(DIGGER, "id-scout", model="m", usage=TokenUsage(50, total_tokens=50), model_calls=1),
    )
    accounts = Accounts("/root", found.budget)
    found.carry_on(accounts, {"m": (2.0, 2.0, 8.0)})
    none = dict.fromkeys(RESOURCES, 0)
    cost = 50 * 2_000
    assert accounts.used("/root") == none | {"tokens": 750, "model_calls": 6, "tool_calls": 1, "nano_usd": cost}
    assert accounts.used("/root/scout") == none | {"tokens": 450, "model_calls": 3, "tool_calls": 1, "nano_usd": cost}
    assert accounts.left("/root/scout/digger", "tokens") == 550


def test_our_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "rollout.jsonl"
    lines = [
        agent_spawned(SCOUT, 1.0),
        agent_spawned(DIGGER, 1.0),
        agent_spawned(attrs.evolve(DIGGER, detached=True), 1.0),
        agent_spawned(SCOUT, 1.5),
        agent_closed("id-scout", AgentState("errored", "too late"), 2.0),
    ]
    rows = [("session_meta", {"id": "root"}), *((line.kind, line.payload) for line in lines)]
    stamp = "2026-11-22T14:09:49.335Z"
    path.write_text(
        "".join(
            encode({"timestamp": stamp, "ordinal": number, "type": kind, "payload": payload}) + "\n"
            for number, (kind, payload) in enumerate(rows)
        )
    )
    closed = attrs.evolve(SCOUT, closed=AgentState("errored", "too late"), starts=2)
    assert read_trace([RolloutFile(str(path), "root", "")]) == ThreadTrace(
        "root", "root", last_at=stamp, agents=(closed, attrs.evolve(DIGGER, detached=True))
    )


def test_restarts_are_counted_on_and_a_detached_agent_is_the_roots_wherever_it_began() -> None:
    lead = thread(SCOUT, agents=(attrs.evolve(DIGGER, starts=1),))
    root = attrs.evolve(ROOT, agents=(attrs.evolve(SCOUT, starts=3), attrs.evolve(DIGGER, detached=True)))
    found = {agent.agent_id: agent for agent in tree(root, lead, thread(DIGGER, "id-scout", depth=2)).agents}
    scout, digger = found["id-scout"], found["id-scout-digger"]
    assert (scout.restarts, scout.detached) == (2, False)
    assert (digger.parent_id, digger.path, digger.depth, digger.detached) == ("root", DIGGER.path, 2, True)
