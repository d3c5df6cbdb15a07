"""Sub-agents: threads with a parent, which they cannot outlive; limits, states, waiting and speaking between them."""

from codex.agents.control import AgentTree

__all__ = ["AgentTree"]
