"""The pieces of text that we put into the history ourselves; `protocol.contextual` recognises them again there."""

from codex.base.jsontext import JsonObject, encode
from codex.protocol.contextual import (
    BACKGROUND_CLOSE,
    BACKGROUND_OPEN,
    SUBAGENT_CLOSE,
    SUBAGENT_OPEN,
    TURN_ABORTED_CLOSE,
    TURN_ABORTED_OPEN,
    USER_SHELL_CLOSE,
    USER_SHELL_OPEN,
)
from codex.protocol.response_item import ResponseItem, input_text, message

PERMISSIONS_OPEN, PERMISSIONS_CLOSE = "<permissions instructions>", "</permissions instructions>"


def turn_aborted() -> ResponseItem:
    """The mark that tells the model its last turn was interrupted."""
    text = (
        "The user interrupted the last turn on purpose. Commands and tools that were running then may have done part "
        "of their work, and background sessions may still be running: check before you build on them."
    )
    return message("user", [input_text(f"{TURN_ABORTED_OPEN}\n{text}\n{TURN_ABORTED_CLOSE}")])


def background_ended(session_id: int, command: str, end: str, output: str) -> ResponseItem:
    """The news that a background command has ended: how, and what it printed that the model has not read."""
    text = f"session ID: {session_id}\ncommand: {command}\n{end}\nunread output:\n{output or '(none)'}"
    return message("user", [input_text(f"{BACKGROUND_OPEN}\n{text}\n{BACKGROUND_CLOSE}")])


def user_shell(command: str, exit_code: int, duration: float, output: str) -> ResponseItem:
    """A command that the user ran by hand, and what came of it."""
    text = (
        f"<command>\n{command}\n</command>\n"
        f"<result>\nExit code: {exit_code}\nDuration: {duration:.4f} seconds\nOutput:\n{output}\n</result>"
    )
    return message("user", [input_text(f"{USER_SHELL_OPEN}\n{text}\n{USER_SHELL_CLOSE}")])


def subagent_notification(agent_path: str, status: JsonObject | str) -> ResponseItem:
    """The news that a sub-agent has ended; `status` as `wait_agent` reports it, e.g. `{"completed": "text"}`."""
    news = encode({"agent_path": agent_path, "status": status})
    return message("user", [input_text(f"{SUBAGENT_OPEN}\n{news}\n{SUBAGENT_CLOSE}")])
