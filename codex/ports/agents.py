"""Sub-agents, as a tool call sees them: they are asked for, waited for, spoken to and closed."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from codex.base.errors import ToolFailure
from codex.base.jsontext import JsonObject
from codex.protocol.budget import Budget
from codex.protocol.item import AgentState
from codex.protocol.usage import TokenUsage


def state_json(state: AgentState) -> str | JsonObject:
    """A state as the model reads it: a word, or the word with the agent's last message."""
    return {state.status: state.message} if state.status in ("completed", "errored") else state.status


class AgentFailure(ToolFailure):
    """What was asked of the agents cannot be done; the text is for the model."""


@attrs.frozen
class SpawnRequest:
    """The agent that is wanted.

    `model` and `reasoning_effort`: None is the parent's. `fork_context`: it starts with the parent's history. `queue`:
    wait for a free place, first come first served, instead of failing.
    """

    message: str
    model: str | None = None
    reasoning_effort: str | None = None
    fork_context: bool = False
    budget: Budget = Budget()
    queue: bool = False


@attrs.frozen
class AgentInfo:
    """One agent as others see it. `usage` is its own; `below` is that of all agents below it."""

    agent_id: str
    parent_id: str
    path: str
    nickname: str
    model: str
    state: AgentState
    budget: Budget
    usage: TokenUsage
    below: TokenUsage


@attrs.frozen
class Spawned:
    """A new sub-agent: its thread's id and the name people see."""

    agent_id: str
    nickname: str


@attrs.frozen
class Waited:
    """States of the agents that have ended; none and `timed_out` when the time ran out first."""

    states: Mapping[str, AgentState]
    timed_out: bool


class AgentControl(Protocol):
    """The agents below one thread."""

    async def spawn(self, request: SpawnRequest) -> Spawned:
        """Start an agent with a first message; returns once it has taken it.

        Cancel-safe: cancelled, no agent is left. Raises: AgentFailure over a limit.
        """
        ...

    def below(self) -> Sequence[AgentInfo]:
        """All agents below this thread that were ever started, each after its parent."""
        ...

    async def wait(self, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets has ended its turn, at most `within` seconds. Cancel-safe."""
        ...

    async def send_input(self, target: str, message: str, *, interrupt: bool) -> str:
        """Hand a message to an agent, ending its running turn first if asked; the submission's id."""
        ...

    async def resume(self, target: str) -> AgentState:
        """Start a closed agent again, with its history; its state. One that lives stays as it is.

        Cancel-safe: cancelled, it is not started. Raises: AgentFailure over a limit, and for strangers.
        """
        ...

    async def close(self, target: str) -> AgentState:
        """End an agent and all below it; its state before. Returns when nothing of it is left."""
        ...

    def state(self, target: str) -> AgentState:
        """Where an agent stands; `not_found` for strangers."""
        ...
