"""Leases on paths: which of the agents that share a directory may write where."""

from collections.abc import Collection
from typing import Protocol

from codex.protocol.permission import SandboxPolicy


class Leases(Protocol):
    """Those of one agent, until its work ends."""

    async def take(self, paths: Collection[str]) -> None:
        """Have these absolute paths, with all below them, and what the agent was started with.

        Cancel-safe: cancelled, nothing was taken. Raises: ToolFailure where another agent does not give them back in
        time.
        """
        ...

    def confine(self, policy: SandboxPolicy, cwd: str) -> SandboxPolicy:
        """The policy for the agent's commands: of what it lets be written, what the agent holds now."""
        ...
