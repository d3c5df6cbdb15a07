"""Sub-agents: threads with a parent, which they cannot outlive; limits, states, waiting and speaking between them."""

from codex.agents.control import AgentTree
from codex.agents.limits import tree_limits

__all__ = ["AgentTree", "tree_limits"]
