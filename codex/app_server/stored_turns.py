"""The turns of a stored thread with all their items, as its rollout tells them.

    task_started --> open turn --item_completed*--> task_complete | turn_aborted
A turn without its end was cut off with the program: it shows as interrupted, or as the one that runs now.
"""

from collections.abc import Iterable

import attrs

from codex.app_server.api.item import AgentMessageItem, ThreadItem, UserMessageItem
from codex.app_server.api.turn import Turn, TurnError, TurnItemsView, TurnStatus
from codex.app_server.items import shown_item, with_times
from codex.app_server.stored_items import read_item
from codex.base.jsontext import Json, JsonObject, get_object, get_str
from codex.rollout import Reading, find_rollout
from codex.rollout.read import read_bases, read_meta


@attrs.define
class _Turn:
    turn_id: str
    root_id: str
    started_at: int | None
    items: list[ThreadItem] = attrs.field(factory=list[ThreadItem])
    status: TurnStatus = "interrupted"
    error: TurnError | None = None
    completed_at: int | None = None
    duration_ms: int | None = None

    def shown(self) -> Turn:
        return Turn(
            id=self.turn_id,
            root_turn_id=self.root_id,
            items=tuple(self.items),
            status=self.status,
            error=self.error,
            started_at=self.started_at,
            completed_at=self.completed_at,
            duration_ms=self.duration_ms,
        )


def read_turns(codex_home: str, thread_id: str) -> tuple[Turn, ...]:
    """All turns of a stored thread, those from before a fork too, the oldest first. Blocks while it reads.

    Raises:
      RolloutNotFound, RolloutUnreadable: the thread, or what it builds on, cannot be read.
    """
    path = find_rollout(codex_home, thread_id).path
    turns: list[_Turn] = []
    for reading in (*read_bases(read_meta(path), codex_home), Reading(path)):
        _take(turns, reading)
    return tuple(turn.shown() for turn in turns)


def _take(turns: list[_Turn], lines: Iterable[JsonObject]) -> None:
    for line in lines:
        if line.get("type") != "event_msg":
            continue
        event = get_object(line, "payload")
        turn_id = get_str(event, "turn_id")
        match event.get("type"):
            case "task_started":
                root = get_str(get_object(event, "turn_attribution"), "root_turn_id") or turn_id
                turns.append(_Turn(turn_id, root, _integer(event.get("started_at"))))
            case "item_completed" if turns and turns[-1].turn_id == turn_id:
                _add(turns[-1], event)
            case "task_complete" | "turn_aborted" if turns and turns[-1].turn_id == turn_id:
                _end(turns[-1], event)
            case "thread_rolled_back":
                _roll_back(turns, _integer(event.get("num_turns")) or 0)
            case _:
                pass


def _add(turn: _Turn, event: JsonObject) -> None:
    item = read_item(get_object(event, "item"))
    shown = None if item is None else shown_item(item)
    if shown is not None:
        times = _integer(event.get("started_at_ms")), _integer(event.get("completed_at_ms"))
        turn.items.append(with_times(shown, *times))


def _end(turn: _Turn, event: JsonObject) -> None:
    turn.completed_at = _integer(event.get("completed_at"))
    turn.duration_ms = _integer(event.get("duration_ms"))
    if event.get("type") == "turn_aborted":
        turn.status = "interrupted"
        return
    error = get_object(event, "error")
    turn.status = "failed" if error else "completed"
    if error:
        info = error.get("codex_error_info")
        turn.error = TurnError(message=get_str(error, "message"), codex_error_info=_camel(info))


def _roll_back(turns: list[_Turn], said: int) -> None:
    """Take off the turns in which the user said something, until that many are gone."""
    while said > 0 and turns:
        said -= sum(isinstance(item, UserMessageItem) for item in turns.pop().items)


def viewed(turn: Turn, view: TurnItemsView) -> Turn:
    """The turn with as much of its items as is wanted; a summary has what was said first and last."""
    match view:
        case "full":
            return turn
        case "notLoaded":
            return attrs.evolve(turn, items=(), items_view="notLoaded")
        case "summary":
            said = [item for item in turn.items if isinstance(item, UserMessageItem)][:1]
            answer = [item for item in turn.items if isinstance(item, AgentMessageItem)][-1:]
            return attrs.evolve(turn, items=(*said, *answer), items_view="summary")


def _integer(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _camel(value: Json) -> str | None:
    if not isinstance(value, str):
        return None
    first, *rest = value.split("_")
    return first + "".join(word.capitalize() for word in rest)
