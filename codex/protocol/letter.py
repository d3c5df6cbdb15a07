"""What one agent writes to another, and how its reader's model sees it."""

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

import attrs

from codex.base.jsontext import JsonObject, get_str
from codex.protocol.response_item import ResponseItem, input_text

LetterKind: TypeAlias = Literal["NEW_TASK", "MESSAGE", "FINAL_ANSWER"]


@attrs.frozen
class Letter:
    """One letter, always plain text.

    `author` and `recipient` are paths, `recipient_id` is the reader's thread. `wake`: it starts a turn where none runs.
    """

    id: str
    kind: LetterKind
    author: str
    recipient: str
    recipient_id: str
    text: str
    wake: bool = False

    def item(self) -> ResponseItem:
        """The letter in its reader's history."""
        head = f"Message Type: {self.kind}\nTask name: {self.recipient}\nSender: {self.author}\nPayload:\n"
        return {
            "type": "agent_message",
            "id": self.id,
            "author": self.author,
            "recipient": self.recipient,
            "content": [input_text(head + self.text)],
        }

    def json(self) -> JsonObject:
        """The letter in its author's rollout."""
        return {
            "id": self.id,
            "kind": self.kind,
            "author": self.author,
            "recipient": self.recipient,
            "recipient_id": self.recipient_id,
            "text": self.text,
            "trigger_turn": self.wake,
        }


def is_letter(item: ResponseItem) -> bool:
    """Whether the item of a history is a letter."""
    return item.get("type") == "agent_message"


def letter_ids(items: Iterable[ResponseItem]) -> set[str]:
    """The ids of the letters among these items."""
    return {get_str(item, "id") for item in items if is_letter(item)}


def without_known(offered: Iterable[ResponseItem], known_ids: Collection[str]) -> list[ResponseItem]:
    """What is new of the items offered to a reader: letters come at least once, and are known by their ids."""
    return [item for item in offered if not (is_letter(item) and get_str(item, "id") in known_ids)]
