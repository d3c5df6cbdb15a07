"""Which agent of a tree is meant by a path or an id.  Pure."""

from collections.abc import Iterable, Sequence

from codex.agents.record import Agent
from codex.base.suggest import did_you_mean
from codex.ports.agents import AgentFailure


def absolute(path: str, own_path: str) -> str:
    """A path as seen from the root; one without a leading slash starts at the agent's own."""
    whole = path if path.startswith("/") else f"{own_path}/{path}"
    return whole.rstrip("/")


def find(agents: Iterable[Agent], own_path: str, target: str) -> Agent:
    """The agent that is meant: by its id, its absolute path, or its path below one's own.

    Raises: AgentFailure that names one that may have been meant.
    """
    known = [*agents]
    path = absolute(target.strip(), own_path)
    for agent in known:
        if agent.agent_id == target.strip() or agent.path == path:
            return agent
    raise AgentFailure(f"live agent path `{path}` not found{did_you_mean(path, [agent.path for agent in known])}")


def at_and_below(agents: Iterable[Agent], own_path: str, prefix: str | None) -> Sequence[Agent]:
    """The agent of a path and those below it, or all; in the order of their paths."""
    found = sorted(agents, key=lambda agent: agent.path.split("/"))
    if prefix is None or not prefix.strip():
        return found
    path = absolute(prefix.strip(), own_path)
    return [agent for agent in found if agent.path == path or agent.path.startswith(f"{path}/")]
