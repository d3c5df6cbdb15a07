"""Places of agents: never more than the limit, free at the end, counted once."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.agents.registry import Agent, Registry, is_final
from codex.ports.agents import AgentFailure
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


def test_nicknames_come_again_with_a_number() -> None:
    registry = Registry("root", max_agents=6, max_depth=1)
    names = [registry.nickname() for _ in range(45)]
    assert len(set(names)) == 45


class Places(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry("root", max_agents=3, max_depth=2)
        self.reserved: list[str] = []
        self.living: set[str] = set()
        self.made = 0

    @rule(data=st.data())
    def reserve(self, data: st.DataObject) -> None:
        parent = data.draw(st.sampled_from(["root", *sorted(self.living)]))
        deep = parent != "root" and self.registry.depth(parent) >= 2
        full = len(self.living) + len(self.reserved) >= 3
        if deep or full:
            with pytest.raises(AgentFailure):
                self.registry.reserve(parent)
        else:
            self.registry.reserve(parent)
            self.reserved.append(parent)

    @precondition(lambda self: self.reserved)
    @rule(succeeds=st.booleans())
    def spawn_ends(self, succeeds: bool) -> None:
        parent = self.reserved.pop()
        if not succeeds:
            self.registry.release(parent)
            return
        self.made += 1
        agent_id = f"agent{self.made}"
        depth = self.registry.depth(parent) + 1
        self.registry.commit(Agent(agent_id, parent, "name", "/root/name", depth))
        self.living.add(agent_id)

    @precondition(lambda self: self.living)
    @rule(data=st.data(), msg=st.sampled_from([DONE, ShutdownComplete()]))
    def agent_ends(self, data: st.DataObject, msg: TaskComplete | ShutdownComplete) -> None:
        agent_id = data.draw(st.sampled_from(sorted(self.living)))
        self.living.remove(agent_id)
        self.registry.told(agent_id, msg)

    @rule(data=st.data())
    def agent_works_again(self, data: st.DataObject) -> None:
        agents = [agent.agent_id for agent in self.registry.agents if not agent.closed]
        if agents and len(self.living) + len(self.reserved) < 3:
            agent_id = data.draw(st.sampled_from(agents))
            self.registry.told(agent_id, TaskStarted("turn"))
            self.living.add(agent_id)

    @invariant()
    def the_limit_holds(self) -> None:
        counted = sum(1 for agent in self.registry.agents if agent.state.status in ("pending_init", "running"))
        assert counted == len(self.living)


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
