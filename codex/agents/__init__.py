"""Sub-agents: threads with a parent, which they cannot outlive; limits, states, waiting and speaking between them."""

from codex.agents.control import open_control
from codex.agents.limits import tree_limits
from codex.agents.tree import AgentTree

__all__ = ["AgentTree", "open_control", "tree_limits"]
