"""What clients know of the running turn: its items as they were told last, and when they began.  Pure.

It is what a client that joins in mid-turn is shown. Its size is that of one turn; with the turn it goes.
"""

from collections.abc import Sequence

import attrs

from codex.app_server.api.item import AgentMessageItem, CommandExecutionItem, ReasoningItem, ThreadItem
from codex.app_server.api.turn import Turn, TurnError, TurnStatus
from codex.app_server.items import with_times


@attrs.define
class _Told:
    item: ThreadItem
    started_at_ms: int
    done: bool = False
    texts: list[str] = attrs.field(factory=list[str])

    def now(self) -> ThreadItem:
        """The item with the text that came since it began."""
        if self.done or not self.texts:
            return self.item
        text = "".join(self.texts)
        match self.item:
            case AgentMessageItem():
                return attrs.evolve(self.item, text=text)
            case ReasoningItem():
                return attrs.evolve(self.item, summary=(text,))
            case _:
                return self.item


class TurnRecord:
    """One turn; times are wall times in milliseconds."""

    def __init__(self, turn_id: str, started_at_ms: int) -> None:
        self.turn_id = turn_id
        self.started_at_ms = started_at_ms
        self.diff = ""
        self.error: TurnError | None = None
        self._told: dict[str, _Told] = {}
        self._last_message: ThreadItem | None = None

    def is_open(self, item_id: str) -> bool:
        """Whether the item was started and is not completed."""
        told = self._told.get(item_id)
        return told is not None and not told.done

    def is_command(self, item_id: str) -> bool:
        """Whether it is a command that was started."""
        told = self._told.get(item_id)
        return told is not None and isinstance(told.item, CommandExecutionItem)

    def started(self, item: ThreadItem, at_ms: int) -> ThreadItem:
        """An item begins; the item with its time."""
        shown = with_times(item, at_ms, None)
        self._told[item.id] = _Told(shown, at_ms)
        return shown

    def spoke(self, item_id: str, text: str) -> None:
        """More text of an item."""
        told = self._told.get(item_id)
        if told is not None:
            told.texts.append(text)

    def completed(self, item: ThreadItem, at_ms: int) -> ThreadItem:
        """An item is done; the item with its times."""
        told = self._told[item.id]
        shown = with_times(item, told.started_at_ms, at_ms)
        told.item, told.done = shown, True
        told.texts.clear()
        if isinstance(item, AgentMessageItem):
            self._last_message = shown
        return shown

    @property
    def items(self) -> Sequence[ThreadItem]:
        """All items, in the order they began, as they are now."""
        return [told.now() for told in self._told.values()]

    def running(self) -> Turn:
        """The turn as a client sees it that joins now."""
        return Turn(
            id=self.turn_id,
            root_turn_id=self.turn_id,
            items=tuple(self.items),
            status="inProgress",
            started_at=self.started_at_ms // 1000,
        )

    def ended(self, status: TurnStatus, at_ms: int, duration_ms: int | None = None) -> Turn:
        """The turn as its end is told: with no more of its items than its last message."""
        last = (self._last_message,) if self._last_message is not None and status != "interrupted" else ()
        return Turn(
            id=self.turn_id,
            root_turn_id=self.turn_id,
            items=last,
            items_view="summary" if last else "notLoaded",
            status=status,
            error=self.error,
            started_at=self.started_at_ms // 1000,
            completed_at=at_ms // 1000,
            duration_ms=at_ms - self.started_at_ms if duration_ms is None else duration_ms,
        )
