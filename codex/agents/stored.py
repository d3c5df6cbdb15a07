"""Trees of agents as they are shown to people: from the rollouts, with what is under way and who works now."""

from collections.abc import Callable, Iterator
from functools import partial

import attrs

from codex.agents.prices import Prices, in_usd, price_of
from codex.agents.restore import restored
from codex.base.jsontext import JsonObject
from codex.protocol.item import AgentState
from codex.protocol.usage import TokenUsage
from codex.rollout.agents import Files, ThreadTrace, read_tree
from codex.rollout.lock import is_written

_NO_PRICES: Prices = {}


@attrs.frozen
class StoredAgent:
    """One agent, or the root at `/root`.

    `usd` is what its own use costs today, None where no price of its model is known.
    `detached`: it was another agent's, and belongs to the root now.
    `restarts`: how often it was started again after it had been closed, or had crashed. Times are RFC 3339 in UTC;
    `seconds` is how long its turns took that have ended; `unread` counts the letters that are under way to it.
    """

    agent_id: str
    parent_id: str | None
    path: str
    nickname: str
    state: AgentState
    closed: bool
    model: str
    usage: TokenUsage
    model_calls: int
    tool_calls: int
    turns: int
    restarts: int
    unread: int
    began_at: str
    last_at: str
    seconds: float
    last_action: str
    detached: bool
    usd: float | None

    def json(self) -> JsonObject:
        """The agent as plain data."""
        return {
            "agent_id": self.agent_id,
            "parent_id": self.parent_id,
            "path": self.path,
            "nickname": self.nickname,
            "status": self.state.status,
            "message": self.state.message,
            "closed": self.closed,
            "model": self.model,
            "tokens": self.usage.total_tokens,
            "input_tokens": self.usage.input_tokens,
            "cached_input_tokens": self.usage.cached_input_tokens,
            "output_tokens": self.usage.output_tokens,
            "model_calls": self.model_calls,
            "tool_calls": self.tool_calls,
            "turns": self.turns,
            "restarts": self.restarts,
            "unread": self.unread,
            "began_at": self.began_at,
            "last_at": self.last_at,
            "seconds": round(self.seconds, 3),
            "last_action": self.last_action,
            "detached": self.detached,
            "usd": self.usd,
        }


@attrs.frozen
class StoredTree:
    """The root first, then its agents, each behind the one above it."""

    root_id: str
    cwd: str
    agents: tuple[StoredAgent, ...]

    @property
    def tokens(self) -> int:
        """What all of them have used."""
        return sum(agent.usage.total_tokens for agent in self.agents)

    @property
    def usd(self) -> float | None:
        """What all of that costs; None where a price is not known."""
        costs = [agent.usd for agent in self.agents if agent.usage.total_tokens]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def json(self) -> JsonObject:
        """The tree as plain data."""
        return {
            "root_id": self.root_id,
            "cwd": self.cwd,
            "tokens": self.tokens,
            "usd": self.usd,
            "agents": [agent.json() for agent in self.agents],
        }


def stored_tree(
    codex_home: str, root_id: str, *, files: Files | None = None, prices: Prices = _NO_PRICES
) -> StoredTree | None:
    """The tree of a root; None where the root has no rollout. Blocks while it reads.

    Args:
      files: those of all threads, where they are known already.
      prices: those of the configuration.

    Raises: RolloutUnreadable when the root's rollout cannot be read.
    """
    traces = read_tree(codex_home, root_id, files=files)
    written = partial(is_written, codex_home)  # an open turn of a thread that nobody writes was cut off
    return (
        StoredTree(root_id, traces[root_id].cwd, tuple(_agents(traces, root_id, written, prices))) if traces else None
    )


def _agents(
    traces: dict[str, ThreadTrace], root_id: str, written: Callable[[str], bool], prices: Prices
) -> Iterator[StoredAgent]:
    tree = restored(root_id, traces)
    root = traces[root_id]
    starts = {agent.thread_id: agent.starts for trace in traces.values() for agent in trace.agents}
    records = {agent.agent_id: agent for agent in tree.agents}
    for agent_id in (root_id, *sorted(records, key=lambda one: records[one].path.split("/"))):
        record, trace = records.get(agent_id), traces.get(agent_id)
        state = record.state if record else AgentState("interrupted") if root.working else root.state
        if trace is not None and trace.working and not (record and record.closed) and written(agent_id):
            state = AgentState("running")
        price = price_of(prices, (trace and trace.model) or "")
        yield StoredAgent(
            agent_id,
            record.parent_id if record else root.parent_id,
            record.path if record else "/root",
            (record.nickname if record else root.nickname) or "",
            state,
            bool(record and record.closed),
            (trace.model if trace else tree.settings[agent_id].model) or "",
            trace.usage if trace else TokenUsage(),
            trace.model_calls if trace else 0,
            trace.tool_calls if trace else 0,
            trace.turns if trace else 0,
            starts.get(agent_id, 1) - 1,
            len(tree.letters.unread(agent_id)),
            trace.began_at if trace else "",
            trace.last_at if trace else "",
            trace.working_seconds if trace else 0.0,
            trace.last_action if trace else "",
            bool(record and record.detached),
            in_usd(price.nano_usd(trace.usage)) if price and trace else None,
        )
