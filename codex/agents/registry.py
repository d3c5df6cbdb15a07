"""The agents below one root thread: who they are, and how many may be.  Pure.

    reserve --> reserved --commit--> at work <--> ended --closed--> gone      the place is free from the end of work on
Law: reserved plus working agents never exceed a limit; a reservation is committed or released.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from codex.agents.record import NO_BUDGET, Agent, Told
from codex.ports.agents import AgentFailure
from codex.protocol.budget import Budget
from codex.protocol.event import EventMsg
from codex.protocol.item import AgentState
from codex.protocol.usage import TokenUsage

_NICKNAMES = (
    "Ada", "Alan", "Barbara", "Carl", "Edsger", "Emmy", "Frances", "Grace", "Hedy", "Joe",
    "Karen", "Leslie", "Lynn", "Margaret", "Niklaus", "Radia", "Robin", "Sophie", "Tony", "Ursula",
)  # fmt: skip


class Registry:
    """All agents of one root thread.

    `max_agents` and `max_depth` are the configuration's, None is no limit; `limit` is the former as it stands there;
    `budget` is the root thread's own.
    """

    def __init__(
        self, root_id: str, *, max_agents: int, max_depth: int | None, limit: str = "", budget: Budget = NO_BUDGET
    ) -> None:
        self.root = Agent(root_id, "", "", "/root", 0, budget)
        self._max_agents = max_agents
        self._max_depth = max_depth
        self._limit = limit or f"agents.max_threads = {max_agents}"
        self._agents: dict[str, Agent] = {}
        self._children: dict[str, dict[str, Agent]] = {}
        self._at_path: dict[str, Agent] = {}
        # Places taken and reserved directly below each, and anywhere below it.
        self._taken_by_children: Counter[str] = Counter()
        self._taken_below: Counter[str] = Counter()
        self._claimed: set[str] = set()
        self._named: Counter[tuple[str, ...]] = Counter()

    @property
    def agents(self) -> Collection[Agent]:
        """All that were ever committed, in their order."""
        return self._agents.values()

    @property
    def working(self) -> list[str]:
        """The ids of those that hold a place."""
        return [agent.agent_id for agent in self._agents.values() if agent.working]

    def is_working(self, agent_id: str) -> bool:
        """Whether the agent holds a place."""
        agent = self._agents.get(agent_id)
        return agent is not None and agent.working

    def depth(self, thread_id: str) -> int:
        """0 for the root, 1 for its children."""
        agent = self._agents.get(thread_id)
        return agent.depth if agent else 0

    def may_spawn(self, thread_id: str) -> bool:
        """Whether the depth lets this thread have children."""
        return self._max_depth is None or self.depth(thread_id) < self._max_depth

    def reserve(self, parent_id: str) -> None:
        """Take a place before the agent is made; `commit` or `release` follows.

        Raises: AgentFailure over the limits of the configuration, or of a budget of the parent or any agent above it.
        """
        full = self._too_deep(parent_id) or self._full(parent_id)
        if full:
            raise AgentFailure(f"collab spawn failed: {full}")
        self._count(parent_id, 1)

    def reserve_if_free(self, parent_id: str) -> bool:
        """Take a place if there is one now.

        Raises: AgentFailure when there never will be one: the tree is too deep there.
        """
        too_deep = self._too_deep(parent_id)
        if too_deep:
            raise AgentFailure(f"collab spawn failed: {too_deep}")
        if self._full(parent_id):
            return False
        self._count(parent_id, 1)
        return True

    def release(self, parent_id: str) -> None:
        """Give a reserved place back."""
        self._count(parent_id, -1)

    def _count(self, parent_id: str, change: int) -> None:
        self._taken_by_children[parent_id] += change
        for owner in self.upwards(parent_id):
            self._taken_below[owner.agent_id] += change

    def _too_deep(self, parent_id: str) -> str:
        """Why there may be no agent at this depth; empty where there may."""
        if not self.may_spawn(parent_id):
            return f"agent depth limit reached (agents.max_depth = {self._max_depth}); solve the task yourself"
        for owner in self.upwards(parent_id):
            allowed = owner.budget.depth
            if allowed is not None and self.depth(parent_id) + 1 - owner.depth > allowed:
                return f"the budget of {owner.path} allows {allowed} levels of agents below it; solve the task yourself"
        return ""

    def _full(self, parent_id: str) -> str:
        """Why there is no place now; empty where there is one."""
        if self._taken_below[self.root.agent_id] >= self._max_agents:
            return f"agent thread limit reached ({self._limit}); wait for an agent to finish, or close one"
        for owner in self.upwards(parent_id):
            budget = owner.budget
            if budget.fan_out is not None and self._taken_by_children[parent_id] >= budget.fan_out:
                return (
                    f"the budget of {owner.path} allows each agent {budget.fan_out} children at once; "
                    "wait for one to finish, or close one"
                )
            if budget.agents is not None and self._taken_below[owner.agent_id] >= budget.agents:
                return (
                    f"the budget of {owner.path} allows {budget.agents} agents at once below it; "
                    "wait for one to finish, or close one"
                )
        return ""

    def upwards(self, thread_id: str) -> Iterator[Agent]:
        """The agent, its parent and so on; the root is the last."""
        agent = self._agents.get(thread_id)
        while agent is not None:
            yield agent
            agent = self._agents.get(agent.parent_id)
        yield self.root

    def nickname(self, candidates: tuple[str, ...] = ()) -> str:
        """The next name of these, or of the usual ones; used-up ones come again as the second of that name."""
        names = candidates or _NICKNAMES
        rounds, index = divmod(self._named[names], len(names))
        self._named[names] += 1
        return names[index] + (f" the {_ordinal(rounds + 1)}" if rounds else "")

    def path(self, agent_id: str) -> str:
        """Where an agent stands in the tree, or its id where it is unknown."""
        agent = self.root if agent_id == self.root.agent_id else self._agents.get(agent_id)
        return agent.path if agent else agent_id

    def claim_path(self, parent_id: str, name: str) -> str:
        """Where a child of this name will stand in the tree, for as long as it is being started.

        Raises: AgentFailure where somebody stands there.
        """
        parent = self._agents.get(parent_id)
        return self.claim(f"{parent.path if parent else '/root'}/{name.lower().replace(' ', '_')}")

    def claim(self, path: str) -> str:
        """The same for a whole path."""
        there = self._at_path.get(path)
        if path in self._claimed or (there is not None and not there.closed):
            raise AgentFailure(f"agent path `{path}` already exists")
        self._claimed.add(path)
        return path

    def unclaim_path(self, path: str) -> None:
        """The child is there, or will not be."""
        self._claimed.discard(path)

    def start_again(self, agent_id: str) -> None:
        """An agent that has ended its turn gets more to do, for which it needs a place.

        Raises: AgentFailure where there is none.
        """
        agent = self._agents[agent_id]
        if agent.working:
            return
        full = self._full(agent.parent_id)
        if full:
            raise AgentFailure(f"{agent.path} cannot start: {full}")
        agent.state = AgentState("running")

    def commit(self, agent: Agent) -> None:
        """The agent exists; its place is no longer only reserved."""
        agent.count = self._count
        self._count(agent.parent_id, agent.working - 1)
        self._agents[agent.agent_id] = agent
        self._children.setdefault(agent.parent_id, {})[agent.agent_id] = agent
        self._at_path[agent.path] = agent

    def detach(self, agent: Agent) -> None:
        """Let an agent, with all below it, stand directly below the root; its path stays.

        Raises: AgentFailure where the root may not have one more child at work.
        """
        root, old = self.root, agent.parent_id
        if old != root.agent_id:
            limit = root.budget.fan_out
            if agent.working and limit is not None and self._taken_by_children[root.agent_id] >= limit:
                raise AgentFailure(f"the budget of {root.path} allows it {limit} children at once; close one first")
            taken = self._taken_below[agent.agent_id] + agent.working
            for owner in self.upwards(old):
                self._taken_below[owner.agent_id] -= taken
            self._taken_below[root.agent_id] += taken
            self._taken_by_children[old] -= agent.working
            self._taken_by_children[root.agent_id] += agent.working
            del self._children[old][agent.agent_id]
            self._children.setdefault(root.agent_id, {})[agent.agent_id] = agent
            agent.parent_id = root.agent_id
        agent.detached = True

    def adopt(self, agents: Iterable[Agent]) -> None:
        """Know the agents of an earlier run, parents first, none of which is at work."""
        for agent in agents:
            self._count(agent.parent_id, 1)
            self.commit(agent)
            self._named[_NICKNAMES] += 1

    def find(self, agent_id: str) -> Agent | None:
        """The record of an agent, or of the one that began anew in its place."""
        agent = self._agents.get(agent_id)
        while agent is not None and agent.replaced_by is not None:
            agent = self._agents.get(agent.replaced_by)
        return agent

    def record(self, agent_id: str) -> Agent | None:
        """The record of exactly this agent."""
        return self._agents.get(agent_id)

    def children(self, parent_id: str) -> Collection[Agent]:
        """Those directly below a thread, in the order of their start."""
        return tuple(self._children.get(parent_id, {}).values())

    def below(self, agent_id: str) -> list[Agent]:
        """The agent and all below it, children first."""
        found, looked_at = list[Agent](), [agent_id]
        while looked_at:
            one = looked_at.pop()
            if one in self._agents:
                found.append(self._agents[one])
            looked_at.extend(self._children.get(one, ()))
        return found[::-1]

    def usage_below(self) -> dict[str, TokenUsage]:
        """What all descendants of each thread have used, the root's among them."""
        below = dict.fromkeys((self.root.agent_id, *self._agents), TokenUsage())
        # Children stand behind their parents: from the end, an agent's sum is whole when it is added above.
        for agent in reversed(self._agents.values()):
            above = self._agents.get(agent.parent_id, self.root)  # as in `upwards`
            below[above.agent_id] += below[agent.agent_id] + agent.usage
        return below

    def told(self, agent_id: str, msg: EventMsg) -> Told:
        """Follow an agent's events."""
        agent = self._agents.get(agent_id)
        return "nothing" if agent is None else agent.told(msg)


def _ordinal(number: int) -> str:
    tens, ones = number // 10 % 10, number % 10
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"
