"""What one agent writes to another, and how its reader's model sees it."""

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

import attrs

from codex.base.jsontext import JsonObject, get_str
from codex.protocol.response_item import ResponseItem, input_text

LetterKind: TypeAlias = Literal["NEW_TASK", "MESSAGE", "FINAL_ANSWER"]
_KINDS: tuple[LetterKind, ...] = ("NEW_TASK", "MESSAGE", "FINAL_ANSWER")


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


def answer_id(turn_id: str) -> str:
    """The id of the letter by which an agent's parent reads how this turn of it ended."""
    return f"amsg_{turn_id}"


def letter_from_json(body: JsonObject) -> Letter | None:
    """The letter as `Letter.json` gave it; None where it is none."""
    kind: LetterKind | None = next((kind for kind in _KINDS if kind == body.get("kind")), None)
    letter_id, recipient_id = get_str(body, "id"), get_str(body, "recipient_id")
    if kind is None or not letter_id or not recipient_id:
        return None
    author, recipient, text = get_str(body, "author"), get_str(body, "recipient"), get_str(body, "text")
    return Letter(letter_id, kind, author, recipient, recipient_id, text, wake=body.get("trigger_turn") is True)


def is_letter(item: ResponseItem) -> bool:
    """Whether the item of a history is a letter."""
    return item.get("type") == "agent_message"


def letter_ids(items: Iterable[ResponseItem]) -> set[str]:
    """The ids of the letters among these items."""
    return {get_str(item, "id") for item in items if is_letter(item)}


def without_known(offered: Iterable[ResponseItem], known_ids: Collection[str]) -> list[ResponseItem]:
    """What is new of the items offered to a reader: letters come at least once, and are known by their ids."""
    return [item for item in offered if not (is_letter(item) and get_str(item, "id") in known_ids)]
