"""What the program itself says in the user's role, told apart from what the user said.

A message made of such fragments only is no turn of the user's: it does not count when turns are dropped or kept.
"""

from collections.abc import Sequence

from codex.base.jsontext import get_list, get_str
from codex.protocol.response_item import ResponseItem

ENVIRONMENT_OPEN, ENVIRONMENT_CLOSE = "<environment_context>", "</environment_context>"
AGENTS_MD_OPEN = "# AGENTS.md instructions"
TURN_ABORTED_OPEN, TURN_ABORTED_CLOSE = "<turn_aborted>", "</turn_aborted>"
SUBAGENT_OPEN, SUBAGENT_CLOSE = "<subagent_notification>", "</subagent_notification>"
BACKGROUND_OPEN, BACKGROUND_CLOSE = "<background_command_ended>", "</background_command_ended>"
USER_SHELL_OPEN, USER_SHELL_CLOSE = "<user_shell_command>", "</user_shell_command>"
SUMMARY_OPEN, SUMMARY_CLOSE = "<conversation_summary>", "</conversation_summary>"
GOAL_OPEN, GOAL_CLOSE = '<codex_internal_context source="goal">', "</codex_internal_context>"
LEDGER_OPEN, LEDGER_CLOSE = "<work_ledger>", "</work_ledger>"
# How the summaries begin that Codex itself puts into the user's role.
_CODEX_SUMMARY, _CODEX_SUMMARY_TOO = "Another language model started", "produced a summary"

# What Codex and we write in the user's role without the user having said it.
_OPENINGS = (
    ENVIRONMENT_OPEN,
    AGENTS_MD_OPEN,
    TURN_ABORTED_OPEN,
    SUBAGENT_OPEN,
    BACKGROUND_OPEN,
    USER_SHELL_OPEN,
    SUMMARY_OPEN,
    LEDGER_OPEN,
    "<codex_internal_context",
    "<skill>",
    "<user_instructions>",
)


def is_contextual(text: str) -> bool:
    """Whether a text in the user's role was put there by the program."""
    return text.lstrip().startswith(_OPENINGS) or is_summary(text)


def is_summary(text: str) -> bool:
    """Whether a text in the user's role is the summary of a compaction, ours or Codex's."""
    if text.startswith(_CODEX_SUMMARY):
        return _CODEX_SUMMARY_TOO in text.partition("\n")[0]
    return text.startswith(SUMMARY_OPEN)


def is_user_turn(item: ResponseItem) -> bool:
    """Whether the item is something the user said: the boundary of a turn."""
    if item.get("type") != "message" or item.get("role") != "user":
        return False
    parts = [part for part in get_list(item, "content") if isinstance(part, dict)]
    return any(part.get("type") != "input_text" or not is_contextual(get_str(part, "text")) for part in parts)


def drop_last_user_turns(items: Sequence[ResponseItem], count: int) -> list[ResponseItem]:
    """The items before the last `count` things the user said; all of them when `count` is 0."""
    starts = [place for place, item in enumerate(items) if is_user_turn(item)]
    if count <= 0 or not starts:
        return list(items)
    return list(items[: starts[max(len(starts) - count, 0)]])
