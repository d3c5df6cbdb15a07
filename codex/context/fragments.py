"""The pieces of text that we put into the history ourselves; `protocol.contextual` recognises them again there."""

from codex.base.jsontext import JsonObject, encode
from codex.protocol.contextual import SUBAGENT_CLOSE, SUBAGENT_OPEN, TURN_ABORTED_CLOSE, TURN_ABORTED_OPEN
from codex.protocol.response_item import ResponseItem, input_text, message

PERMISSIONS_OPEN, PERMISSIONS_CLOSE = "<permissions instructions>", "</permissions instructions>"


def turn_aborted() -> ResponseItem:
    """The mark that tells the model its last turn was interrupted."""
    text = (
        "The user interrupted the last turn on purpose. Commands and tools that were running then may have done part "
        "of their work, and background sessions may still be running: check before you build on them."
    )
    return message("user", [input_text(f"{TURN_ABORTED_OPEN}\n{text}\n{TURN_ABORTED_CLOSE}")])


def subagent_notification(agent_path: str, status: JsonObject | str) -> ResponseItem:
    """The news that a sub-agent has ended; `status` as `wait_agent` reports it, e.g. `{"completed": "text"}`."""
    news = encode({"agent_path": agent_path, "status": status})
    return message("user", [input_text(f"{SUBAGENT_OPEN}\n{news}\n{SUBAGENT_CLOSE}")])
