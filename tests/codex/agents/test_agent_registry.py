"""Places of agents: never more than the limit, free at the end, counted once."""

from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.agents.record import Agent, is_final
from codex.agents.registry import Registry
from codex.ports.agents import AgentFailure
from codex.protocol.budget import Budget
from codex.protocol.event import (
    ErrorNotice,
    ItemCompleted,
    ShutdownComplete,
    TaskComplete,
    TaskStarted,
    TokenCount,
    TurnAborted,
    TurnFailed,
)
from codex.protocol.item import AgentMessage, AgentState
from codex.protocol.usage import TokenUsage

DONE = TaskComplete("turn", "the result", TokenUsage(), 1)


def spawn(registry: Registry, agent_id: str, parent: str = "root") -> Agent:
    registry.reserve(parent)
    name = registry.nickname()
    agent = Agent(agent_id, parent, name, registry.claim_path(parent, name), registry.depth(parent) + 1)
    registry.commit(agent)
    return agent


def test_the_place_of_a_finished_agent_is_free_at_once() -> None:
    registry = Registry("root", max_agents=1, max_depth=1)
    spawn(registry, "a")
    with pytest.raises(AgentFailure, match="agent thread limit reached"):
        registry.reserve("root")
    registry.told("a", DONE)
    spawn(registry, "b")


def test_a_child_may_not_have_children_below_the_depth_limit() -> None:
    registry = Registry("root", max_agents=6, max_depth=1)
    spawn(registry, "a")
    with pytest.raises(AgentFailure, match="depth limit"):
        registry.reserve("a")


def test_a_failed_agent_is_reported_with_its_cause() -> None:
    registry = Registry("root", max_agents=6, max_depth=1)
    agent = spawn(registry, "a")
    assert registry.told("a", TurnFailed("turn", "no network", "other", TokenUsage()))
    assert agent.state == AgentState("errored", "no network")


def test_an_interrupted_agent_is_final_for_those_who_wait() -> None:
    registry = Registry("root", max_agents=6, max_depth=1)
    agent = spawn(registry, "a")
    registry.told("a", TurnAborted("turn", "interrupted", TokenUsage()))
    assert is_final(agent.state)


def test_descendants_come_before_their_ancestors() -> None:
    registry = Registry("root", max_agents=6, max_depth=3)
    spawn(registry, "a")
    spawn(registry, "b", "a")
    spawn(registry, "c", "b")
    assert [agent.agent_id for agent in registry.below("a")] == ["c", "b", "a"]
    deepest = registry.find("c")
    assert deepest is not None
    assert deepest.path.count("/") == 4


def test_a_chain_of_agents_may_be_longer_than_the_interpreters_stack() -> None:
    registry = Registry("root", max_agents=3_000, max_depth=None)
    chain = ["root", *(f"agent{n}" for n in range(3_000))]
    for parent, child in pairwise(chain):
        spawn(registry, child, parent)
    assert [agent.agent_id for agent in registry.below("root")] == chain[:0:-1]


def test_nicknames_come_again_as_the_second_of_that_name() -> None:
    registry = Registry("root", max_agents=6, max_depth=1)
    names = [registry.nickname() for _ in range(45)]
    assert len(set(names)) == 45
    assert (names[20], names[40]) == (f"{names[0]} the 2nd", f"{names[0]} the 3rd")


BUDGETS = st.builds(Budget, agents=st.none() | st.integers(0, 2), fan_out=st.none() | st.integers(0, 2))


class Places(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.budgets = {"root": Budget(agents=3)}
        self.parents: dict[str, str] = {}
        self.registry = Registry("root", max_agents=4, max_depth=3, budget=self.budgets["root"])
        self.reserved: list[str] = []
        self.working: set[str] = set()
        self.closed: set[str] = set()

    def upwards(self, agent_id: str) -> list[str]:
        return [agent_id, *(self.upwards(self.parents[agent_id]) if agent_id != "root" else [])]

    def full(self, parent: str) -> bool:
        """The same, counted from nothing."""
        taken = [*(self.parents[agent_id] for agent_id in self.working), *self.reserved]
        if len(taken) >= 4:
            return True
        for owner in self.upwards(parent):
            budget = self.budgets[owner]
            below = sum(owner in self.upwards(one) for one in taken)
            if budget.agents is not None and below >= budget.agents:
                return True
            if budget.fan_out is not None and taken.count(parent) >= budget.fan_out:
                return True
        return False

    @rule(data=st.data(), queue=st.booleans())
    def reserve(self, data: st.DataObject, queue: bool) -> None:
        parent = data.draw(st.sampled_from(["root", *sorted(self.parents.keys() - self.closed)]))
        deep, full = self.registry.depth(parent) >= 3, self.full(parent)
        if queue and not deep:
            assert self.registry.reserve_if_free(parent) == (not full)
        elif deep or full:
            with pytest.raises(AgentFailure):
                self.registry.reserve(parent)
            return
        else:
            self.registry.reserve(parent)
        self.reserved += [] if full else [parent]

    @precondition(lambda self: self.reserved)
    @rule(succeeds=st.booleans(), budget=BUDGETS)
    def spawn_ends(self, succeeds: bool, budget: Budget) -> None:
        parent = self.reserved.pop()
        if not succeeds:
            self.registry.release(parent)
            return
        agent_id = f"agent{len(self.parents)}"
        path, depth = f"/root/{agent_id}", self.registry.depth(parent) + 1
        self.registry.commit(Agent(agent_id, parent, "name", path, depth, budget))
        self.parents[agent_id], self.budgets[agent_id] = parent, budget
        self.working.add(agent_id)

    @precondition(lambda self: self.working)
    @rule(data=st.data(), msg=st.sampled_from([DONE, ShutdownComplete()]))
    def agent_ends(self, data: st.DataObject, msg: TaskComplete | ShutdownComplete) -> None:
        agent_id = data.draw(st.sampled_from(sorted(self.working)))
        self.working.remove(agent_id)
        if isinstance(msg, ShutdownComplete):
            self.closed.add(agent_id)
        self.registry.told(agent_id, msg)

    @rule(data=st.data())
    def agent_works_again(self, data: st.DataObject) -> None:
        agents = sorted(self.parents.keys() - self.closed)
        if agents:
            agent_id = data.draw(st.sampled_from(agents))
            self.registry.told(agent_id, TaskStarted("turn"))
            self.working.add(agent_id)

    @precondition(lambda self: self.parents)
    @rule(data=st.data())
    def agent_is_detached(self, data: st.DataObject) -> None:
        agent = self.registry.find(data.draw(st.sampled_from(sorted(self.parents))))
        assert agent is not None
        self.registry.detach(agent)
        self.parents[agent.agent_id] = "root"
        assert (agent.parent_id, agent.detached) == ("root", True)

    @precondition(lambda self: self.closed)
    @rule(data=st.data())
    def closed_agent_comes_back(self, data: st.DataObject) -> None:
        agent_id = data.draw(st.sampled_from(sorted(self.closed)))
        parent = self.parents[agent_id]
        if not self.full(parent) and not any(owner in self.closed for owner in self.upwards(parent)):
            self.registry.reserve(parent)
            depth = self.registry.depth(parent) + 1
            self.registry.commit(Agent(agent_id, parent, "name", f"/root/{agent_id}", depth, self.budgets[agent_id]))
            self.closed.remove(agent_id)
            self.working.add(agent_id)

    @invariant()
    def the_limit_holds(self) -> None:
        assert set(self.registry.working) == self.working

    @invariant()
    def all_below_are_found_children_first(self) -> None:
        for owner in ("root", *self.parents):
            found = [agent.agent_id for agent in self.registry.below(owner)]
            assert sorted(found) == sorted(one for one in self.parents if owner in self.upwards(one))
            assert all(
                found.index(one) < found.index(up) for one in found for up in self.upwards(one)[1:] if up in found
            )


TestPlaces = Places.TestCase
TestPlaces.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_an_interrupted_agent_gives_its_place_back() -> None:
    registry = Registry("root", max_agents=1, max_depth=1)
    spawn(registry, "a")
    registry.told("a", TurnAborted("turn", "interrupted", TokenUsage()))
    spawn(registry, "b")


def test_a_crash_is_not_hidden_by_the_end_that_follows_it() -> None:
    registry = Registry("root", max_agents=1, max_depth=1)
    agent = spawn(registry, "a")
    registry.told("a", ItemCompleted("turn", AgentMessage("m", "half of it")))
    assert registry.told("a", ErrorNotice(None, "the thread crashed")) == "ended"
    assert registry.told("a", ShutdownComplete()) == "changed"
    assert agent.closed
    assert agent.state == AgentState("errored", "the thread crashed\n\nWhat the agent had said by then:\nhalf of it")


def test_use_is_added_up_below_each_agent() -> None:
    registry = Registry("root", max_agents=6, max_depth=3)
    for agent_id, parent, tokens in (("a", "root", 1), ("b", "a", 10), ("c", "b", 100), ("d", "root", 1_000)):
        spawn(registry, agent_id, parent)
        registry.told(agent_id, TokenCount("turn", TokenUsage(total_tokens=tokens), TokenUsage()))
    below = registry.usage_below()
    assert [below[owner].total_tokens for owner in ("root", "a", "b", "c")] == [1_111, 110, 100, 0]
