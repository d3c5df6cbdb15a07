"""The agents below one root thread: who they are, where they stand, and how many may be.  Pure.

    reserve --> reserved --commit--> pending_init --> running <--> completed | errored | interrupted
    any living --closed--> shutdown              the place is free from then on; an ended agent's too
Law: reserved plus living agents never exceed the limit; a reservation is committed or released.
"""

from collections.abc import Iterable

import attrs

from codex.ports.agents import AgentFailure
from codex.protocol.event import (
    ErrorNotice,
    EventMsg,
    ShutdownComplete,
    TaskComplete,
    TaskStarted,
    TurnAborted,
    TurnFailed,
)
from codex.protocol.item import AgentState

_NICKNAMES = (
    "Ada", "Alan", "Barbara", "Carl", "Edsger", "Emmy", "Frances", "Grace", "Hedy", "Joe",
    "Karen", "Leslie", "Lynn", "Margaret", "Niklaus", "Radia", "Robin", "Sophie", "Tony", "Ursula",
)  # fmt: skip
_ENDED = ("completed", "errored", "shutdown", "not_found")


@attrs.define
class Agent:
    """One agent's record."""

    agent_id: str
    parent_id: str
    nickname: str
    path: str
    depth: int
    state: AgentState = AgentState("pending_init")
    closed: bool = False


class Registry:
    """All agents of one root thread."""

    def __init__(self, root_id: str, *, max_agents: int, max_depth: int) -> None:
        self._root_id = root_id
        self._max_agents = max_agents
        self._max_depth = max_depth
        self._agents: dict[str, Agent] = {}
        self._reserved = 0
        self._named = 0

    @property
    def agents(self) -> Iterable[Agent]:
        """All that were ever committed, in their order."""
        return self._agents.values()

    def depth(self, thread_id: str) -> int:
        """0 for the root, 1 for its children."""
        agent = self._agents.get(thread_id)
        return agent.depth if agent else 0

    def may_spawn(self, thread_id: str) -> bool:
        """Whether the depth lets this thread have children."""
        return self.depth(thread_id) < self._max_depth

    def reserve(self, parent_id: str) -> None:
        """Take a place before the agent is made; `commit` or `release` follows.

        Raises: AgentFailure over the limits of depth and number.
        """
        if not self.may_spawn(parent_id):
            raise AgentFailure(
                f"collab spawn failed: agent depth limit reached (agents.max_depth = {self._max_depth}); "
                "solve the task yourself"
            )
        living = sum(1 for agent in self._agents.values() if not agent.closed and agent.state.status not in _ENDED)
        if living + self._reserved >= self._max_agents:
            raise AgentFailure(
                f"collab spawn failed: agent thread limit reached (agents.max_threads = {self._max_agents}); "
                "wait for an agent to finish, or close one"
            )
        self._reserved += 1

    def release(self) -> None:
        """Give a reserved place back."""
        self._reserved -= 1

    def nickname(self) -> str:
        """The next free name; used-up names come again with a number."""
        rounds, index = divmod(self._named, len(_NICKNAMES))
        self._named += 1
        return _NICKNAMES[index] + (f" {rounds + 1}" if rounds else "")

    def path(self, parent_id: str, nickname: str) -> str:
        """Where a child of this name stands in the tree."""
        parent = self._agents.get(parent_id)
        return f"{parent.path if parent else '/root'}/{nickname.lower().replace(' ', '_')}"

    def commit(self, agent: Agent) -> None:
        """The agent exists; its place is no longer only reserved."""
        self._reserved -= 1
        self._agents[agent.agent_id] = agent

    def find(self, agent_id: str) -> Agent | None:
        """The record of an agent."""
        return self._agents.get(agent_id)

    def below(self, agent_id: str) -> list[Agent]:
        """The agent and all below it, children first."""
        children = [child for child in self._agents.values() if child.parent_id == agent_id]
        found = [agent for child in children for agent in self.below(child.agent_id)]
        own = self._agents.get(agent_id)
        return [*found, own] if own else found

    def told(self, agent_id: str, msg: EventMsg) -> bool:
        """Follow an agent's events; True when it has just come to an end of its work."""
        agent = self._agents.get(agent_id)
        state = _state_after(msg)
        if agent is None or state is None or agent.closed:
            return False
        agent.state = state
        agent.closed = state.status == "shutdown"
        return state.status in ("completed", "errored", "shutdown")


def _state_after(msg: EventMsg) -> AgentState | None:
    match msg:
        case TaskStarted():
            return AgentState("running")
        case TaskComplete(last_agent_message=text):
            return AgentState("completed", text)
        case TurnFailed(message=text):
            return AgentState("errored", text)
        case TurnAborted(reason="shutdown"):
            return None
        case TurnAborted():
            return AgentState("interrupted")
        case ErrorNotice(turn_id=None, message=text):
            return AgentState("errored", text)
        case ShutdownComplete():
            return AgentState("shutdown")
        case _:
            return None


def is_final(state: AgentState) -> bool:
    """Whether nothing more comes from the agent by itself."""
    return state.status in _ENDED or state.status == "interrupted"
