"""What the model is told: base instructions, permissions, AGENTS.md, environment, and the history of the thread.

Everything is pure, save `agents_md`, `user_message` and `look_around`, which read files when they are called. Tool
calls and outputs are paired here before every request, so an interrupted thread can always go on.
"""

from codex.context.agents_md import AgentsMd, read_agents_md
from codex.context.budget import Budget, Verdict, limits
from codex.context.fragments import background_ended, subagent_notification, turn_aborted, user_shell
from codex.context.history import History
from codex.context.prompt import Fragments, Told, base_instructions, base_item, context_items, fragments, initial_items
from codex.context.user_message import image_data_url, user_message
from codex.context.worklog import WorkLog
from codex.protocol.contextual import drop_last_user_turns, is_user_turn

__all__ = [
    "AgentsMd",
    "Budget",
    "Fragments",
    "History",
    "Told",
    "Verdict",
    "WorkLog",
    "background_ended",
    "base_instructions",
    "base_item",
    "context_items",
    "drop_last_user_turns",
    "fragments",
    "image_data_url",
    "initial_items",
    "is_user_turn",
    "limits",
    "read_agents_md",
    "subagent_notification",
    "turn_aborted",
    "user_message",
    "user_shell",
]
