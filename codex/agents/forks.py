"""What of its parent's history a new agent of the second generation starts with.  Pure."""

from collections.abc import Sequence

from codex.protocol.contextual import drop_last_user_turns
from codex.protocol.response_item import ResponseItem


def said_in(items: Sequence[ResponseItem], turns: int | None) -> tuple[ResponseItem, ...]:
    """What was said in the last `turns`, or in all: messages, without calls, reasoning, commentary and letters."""
    before = 0 if turns is None else len(drop_last_user_turns(items, turns))
    return tuple(item for item in items[before:] if item.get("type") == "message" and item.get("phase") != "commentary")
