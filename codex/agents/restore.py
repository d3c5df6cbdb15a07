"""A tree of agents as the rollouts of an earlier run tell it.  Pure, but for `load_tree`.

    its last turn ended          --> completed, errored or interrupted, as it was, with its last message
    its last turn never ended    --> interrupted: the program died in it
    it was closed                --> closed, as it stood then
    nothing was ever said to it  --> it is not there: its spawn never finished
Law: an agent keeps its id, path, parent, depth, names, model, budget and use; no agent of an earlier run holds a place.
A letter is under way when it stands in its author's rollout and not in that of its reader, who is still there.
Not decided here: when an agent is loaded as a thread again (tree).
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from codex.agents.final_answer import final_text
from codex.agents.letters import Letters, recover
from codex.agents.record import Agent
from codex.ports.agents import Generation
from codex.protocol.budget import Budget
from codex.protocol.item import AgentState
from codex.protocol.letter import Letter
from codex.protocol.usage import TokenUsage
from codex.rollout.agents import StartedAgent, ThreadTrace, read_tree

if TYPE_CHECKING:
    from codex.agents.accounts import Accounts
    from codex.agents.prices import Prices

_INTERRUPTED = AgentState("interrupted")


@attrs.frozen
class Settings:
    """What an agent worked with; None is not known. `stored`: it has a rollout to go on with."""

    model: str | None = None
    reasoning_effort: str | None = None
    role: str | None = None
    stored: bool = True


@attrs.frozen
class Use:
    """What a thread itself has used up of budgets."""

    tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    usage: TokenUsage = TokenUsage()
    model: str = ""


@attrs.frozen
class RestoredTree:
    """The agents below one root, parents first, with what is known of each by its id, and the letters under way.

    `use` has the root's, too; `budget` is the root's own.
    """

    root_id: str
    agents: tuple[Agent, ...] = ()
    settings: Mapping[str, Settings] = attrs.field(factory=dict[str, Settings])
    use: Mapping[str, Use] = attrs.field(factory=dict[str, Use])
    letters: Letters = attrs.field(factory=Letters)
    generation: Generation | None = None
    budget: Budget = Budget()

    def carry_on(self, accounts: "Accounts", prices: "Prices") -> None:
        """Book what was used, and what that costs today, so that the limits of all agents go on from there."""
        from codex.agents.prices import price_of

        for thread_id, path, budget in self._accounts():
            if thread_id != self.root_id:
                accounts.open(path, accounts.above(path), budget)
            use = self.use.get(thread_id, Use())
            accounts.carry(path, {"tokens": use.tokens, "model_calls": use.model_calls, "tool_calls": use.tool_calls})
            price = price_of(prices, use.model)
            if price is not None:
                accounts.carry(path, {"nano_usd": price.nano_usd(use.usage)})

    def _accounts(self) -> Iterator[tuple[str, str, Budget]]:
        yield self.root_id, "/root", self.budget
        for agent in self.agents:
            yield agent.agent_id, agent.path, agent.budget


def load_tree(codex_home: str, root_id: str) -> RestoredTree:
    """The tree of a stored root thread. Blocks while it reads.

    Raises: RolloutUnreadable when the root's rollout cannot be read.
    """
    return restored(root_id, read_tree(codex_home, root_id))


def restored(root_id: str, traces: Mapping[str, ThreadTrace]) -> RestoredTree:
    """The tree that these rollouts tell, by their threads' ids."""
    root = traces.get(root_id)
    if root is None:
        return RestoredTree(root_id)
    agents = _agents(root, traces)
    started = {agent.thread_id: agent for trace in traces.values() for agent in trace.agents}
    readers = {root_id: "/root"} | {agent.agent_id: agent.path for agent in agents.values() if not agent.closed}
    generation: Generation | None = None
    if agents:
        generation = "v2" if root.generation == "v2" else "v1"
    return RestoredTree(
        root_id,
        tuple(agents.values()),
        {agent_id: _settings(started[agent_id], traces.get(agent_id)) for agent_id in agents},
        {thread_id: _use(trace) for thread_id, trace in traces.items()},
        _letters(traces, agents, readers),
        generation,
        root.budget,
    )


def _agents(root: ThreadTrace, traces: Mapping[str, ThreadTrace]) -> dict[str, Agent]:
    spoken_to = {one.recipient_id for trace in traces.values() for one in trace.written if isinstance(one, Letter)}
    agents: dict[str, Agent] = {}
    paths: set[str] = set()
    started_at: dict[str, str] = {}
    todo = [(root, "/root", "", 0)]
    for parent, path, was, depth in todo:
        for started in parent.agents:
            trace = traces.get(started.thread_id)
            if started.thread_id in agents or not (trace or started.thread_id in spoken_to):
                continue
            above = agents.get(parent.thread_id)
            agent = _agent(started, trace, parent.thread_id, path, depth + 1)
            if started.detached:
                agent.detached, agent.depth = True, (trace and trace.depth) or agent.depth
            if above is not None and above.closed:
                agent.state, agent.closed = AgentState("shutdown"), True
            told = agent.path
            if was and agent.path.startswith(f"{was}/"):
                agent.path = path + agent.path.removeprefix(was)
            if not agent.closed:  # of those that live, one stands at a path
                if agent.path in paths:
                    agent.path = f"{agent.path}_{agent.agent_id[-6:]}"
                paths.add(agent.path)
            agents[agent.agent_id] = agent
            if trace is not None:
                todo.append((trace, agent.path, "" if agent.path == told else told, agent.depth))
            # Ids tell the time; a child stands behind its parent whatever the clock did.
            started_at[agent.agent_id] = max(agent.agent_id, started_at.get(agent.parent_id, ""))
    return {agent_id: agents[agent_id] for agent_id in sorted(agents, key=lambda one: started_at[one])}


def _agent(started: StartedAgent, trace: ThreadTrace | None, parent_id: str, above: str, depth: int) -> Agent:
    nickname = started.nickname or (trace and trace.nickname) or ""
    name = nickname.lower().replace(" ", "_") or started.thread_id[-12:]
    state = _INTERRUPTED if trace is None or trace.working or not trace.turns else trace.state
    return Agent(
        started.thread_id,
        parent_id,
        nickname,
        started.path or (trace and trace.path) or f"{above}/{name}",
        depth,
        started.budget,
        (trace and trace.role) or started.role,
        state=started.closed or state,
        closed=started.closed is not None,
        usage=trace.usage if trace else TokenUsage(),
        restarts=started.starts - 1,
    )


def _settings(started: StartedAgent, trace: ThreadTrace | None) -> Settings:
    """What it worked with last, or was to start with."""
    return Settings(
        (trace and trace.model) or started.model,
        (trace and trace.reasoning_effort) or started.reasoning_effort,
        (trace and trace.role) or started.role,
        stored=trace is not None,
    )


def _use(trace: ThreadTrace) -> Use:
    return Use(trace.usage.total_tokens, trace.model_calls, trace.tool_calls, trace.usage, trace.model or "")


def _letters(traces: Mapping[str, ThreadTrace], agents: Mapping[str, Agent], readers: Mapping[str, str]) -> Letters:
    written: list[Letter] = []
    for author_id, trace in traces.items():
        agent = agents.get(author_id)
        for one in trace.written:
            if isinstance(one, Letter):  # the user goes on with the root: only tasks wake
                written.append(attrs.evolve(one, wake=one.kind == "NEW_TASK"))
            elif agent is not None:
                parent = readers.get(agent.parent_id, "")
                text = final_text(one.state)
                written.append(Letter(one.letter_id, "FINAL_ANSWER", agent.path, parent, agent.parent_id, text))
    read = {one.id for one in written if one.recipient_id in traces and one.id in traces[one.recipient_id].read}
    return recover((one for one in written if one.recipient_id in readers), read)
