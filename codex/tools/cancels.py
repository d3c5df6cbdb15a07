"""The argument `scope` of the tools that end agents: how much of one is to end."""

from codex.base.errors import ToolFailure
from codex.ports.agents import CANCEL_SCOPES, AgentControl, CancelScope
from codex.protocol.item import AgentState
from codex.tools.arguments import Arguments, BadArguments


def cancel_scope(arguments: Arguments) -> CancelScope | None:
    """What the model asks for; None is the tool's own way."""
    asked = arguments.text("scope")
    for scope in CANCEL_SCOPES:
        if asked == scope:
            return scope
    if asked is not None:
        raise BadArguments(f"`scope` must be one of {', '.join(CANCEL_SCOPES)}, got {asked!r}")
    return None


async def cancel(control: AgentControl, target: str, scope: CancelScope, *, below: str) -> AgentState:
    """End that much of an agent below the thread of this id; where the agent stood before.

    Raises: ToolFailure for an agent that is not below it, whose work is not this thread's to end.
    """
    if target == below or target not in {info.agent_id for info in await control.list_below()}:
        raise ToolFailure(f"agent with id {target} is not among those below you")
    if scope == "detach":
        return await control.detach(target)
    return await control.interrupt(target, subtree=scope == "subtree")
