"""Where an agent runs: as its spawn says, else its role, else the configuration."""

from typing import TYPE_CHECKING

from codex.config.role import Role
from codex.config.schema import Config
from codex.ports.agents import AgentFailure
from codex.threads import ThreadManager

if TYPE_CHECKING:
    from codex.ports.placement import Placement


def placed(manager: ThreadManager, parent: Config, role: Role, asked: "Placement | None") -> "Placement":
    """The place. Raises: AgentFailure where this engine has none of that kind."""
    placement = asked or role.placement or parent.placement
    if placement == "worker" and manager.workers is None:
        raise AgentFailure(
            "collab spawn failed: it was to run in a worker process, which cannot have the model client that this "
            "program brought along; name a provider in the configuration instead, or say placement = 'here'"
        )
    return placement
