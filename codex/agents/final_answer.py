"""What an agent's parent reads when a turn of it has ended.  Pure."""

from codex.base.truncate import truncate_output
from codex.protocol.item import AgentState

_ERROR_TOKENS = 900


def final_text(state: AgentState) -> str:
    """The answer; of an agent that failed, the cause in bounded length."""
    if state.status == "completed":
        return state.message or ""
    cause = truncate_output(state.message or "no cause is known", _ERROR_TOKENS)
    return f"The agent failed ({state.status}) and gave no answer. Cause:\n{cause}\n\nIt takes further tasks."
