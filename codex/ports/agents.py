"""Sub-agents, as a tool call sees them: they are asked for, waited for, spoken to and closed."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from codex.base.errors import ToolFailure
from codex.base.jsontext import JsonObject
from codex.protocol.item import AgentState


def state_json(state: AgentState) -> str | JsonObject:
    """A state as the model reads it: a word, or the word with the agent's last message."""
    return {state.status: state.message} if state.status in ("completed", "errored") else state.status


class AgentFailure(ToolFailure):
    """What was asked of the agents cannot be done; the text is for the model."""


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

    async def spawn(
        self, message: str, *, model: str | None, reasoning_effort: str | None, fork_context: bool
    ) -> Spawned:
        """Start an agent with a first message; returns once it has taken it.

        Cancel-safe: cancelled, no agent is left. Raises: AgentFailure over a limit.
        """
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
