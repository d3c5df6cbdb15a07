"""What a client missed while it was cut off, told from where a thread is when it joins again.  Pure.

The cursor is what the client has seen to its end: items and turns. What was completed meanwhile is told as if it had
just come; deltas are not repeated, since a completed item holds all of its text.
"""

import attrs

from codex.app_server.api.item_events import ItemCompletedNotification, ItemStartedNotification
from codex.app_server.api.thread import Thread
from codex.app_server.api.turn import Turn, TurnCompletedNotification, TurnStartedNotification
from codex.app_server.client.messages import Notification


@attrs.define
class _Seen:
    """Of one turn: whether it ended, which of its items began, and which are complete."""

    ended: bool = False
    begun: set[str] = attrs.field(factory=set[str])
    complete: set[str] = attrs.field(factory=set[str])


class Cursor:
    """How far a client has followed one thread."""

    def __init__(self, thread: Thread) -> None:
        self._turns: dict[str, _Seen] = {}
        self._catch_up(thread)

    def saw(self, notification: Notification) -> None:
        """The client was told this."""
        match notification.params:
            case TurnStartedNotification(turn=turn):
                self._turns.setdefault(turn.id, _Seen())
            case TurnCompletedNotification(turn=turn):
                # Its items are not needed any more: none comes after the turn's end.
                self._turns[turn.id] = _Seen(ended=True)
            case ItemStartedNotification(turn_id=turn_id, item=item):
                self._turns.setdefault(turn_id, _Seen()).begun.add(item.id)
            case ItemCompletedNotification(turn_id=turn_id, item=item):
                self._turns.setdefault(turn_id, _Seen()).complete.add(item.id)
            case _:
                pass

    def missed(self, thread: Thread) -> list[Notification]:
        """What happened since, as notifications in their order; from now on the cursor stands at its end."""
        told: list[Notification] = []
        for turn in thread.turns:
            seen = self._turns.get(turn.id)
            if seen is None:
                told.append(_told("turn/started", TurnStartedNotification(thread_id=thread.id, turn=turn)))
            if seen is None or not seen.ended:
                told += _of_turn(thread.id, turn, seen or _Seen())
        self._catch_up(thread)
        return told

    def _catch_up(self, thread: Thread) -> None:
        for turn in thread.turns:
            items = {item.id for item in turn.items}
            if turn.status != "inProgress":
                self._turns[turn.id] = _Seen(ended=True)
            else:
                known = self._turns.setdefault(turn.id, _Seen())
                known.begun |= items
                known.complete |= {item.id for item in turn.items if _is_complete(turn, item.id)}


def _of_turn(thread_id: str, turn: Turn, seen: _Seen) -> list[Notification]:
    told: list[Notification] = []
    for item in turn.items:
        if item.id not in seen.begun | seen.complete:
            started = ItemStartedNotification(thread_id=thread_id, turn_id=turn.id, item=item, started_at_ms=0)
            told.append(_told("item/started", started))
        if item.id not in seen.complete and _is_complete(turn, item.id):
            completed = ItemCompletedNotification(thread_id=thread_id, turn_id=turn.id, item=item, completed_at_ms=0)
            told.append(_told("item/completed", completed))
    if turn.status != "inProgress":
        told.append(_told("turn/completed", TurnCompletedNotification(thread_id=thread_id, turn=turn)))
    return told


def _is_complete(turn: Turn, item_id: str) -> bool:
    """Whether nothing more comes of an item."""
    if turn.status != "inProgress":
        return True
    item = next(item for item in turn.items if item.id == item_id)
    if hasattr(item, "status"):
        return getattr(item, "status", None) != "inProgress"
    return getattr(item, "completed_at_ms", 0) is not None


def _told(method: str, params: object) -> Notification:
    return Notification(method, params)
