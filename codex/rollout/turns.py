"""The turns of a stored thread, and where each begins and ends in its files: what one can fork from or go back to."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import attrs

from codex.base.jsontext import JsonObject, get_int, get_list, get_object, get_str
from codex.protocol.contextual import is_user_turn
from codex.rollout.errors import TurnNotFound
from codex.rollout.listing import find_rollout
from codex.rollout.names import parse_path
from codex.rollout.read import Base, Head, Reading, line_head, read_bases, read_meta

TurnEnd: TypeAlias = Literal["completed", "failed", "interrupted"]
_EVENTS = frozenset((b"task_started", b"task_complete", b"turn_aborted", b"thread_rolled_back"))


@attrs.frozen
class StoredTurn:
    """A turn of a stored thread. `said`: what the user said first; `answer`: the agent's last message.

    `begins` and `ends` are places between lines: what a history holds that stops before, or behind, the turn.
    `inputs`: how often the user said something in it. `compacted`: the history was replaced in it, or after it.
    """

    turn_id: str
    begins: Base
    ends: Base
    started_at: int = 0
    state: TurnEnd = "interrupted"
    said: str = ""
    answer: str | None = None
    inputs: int = 0
    compacted: bool = False


def stored_turns(codex_home: str, thread_id: str) -> tuple[StoredTurn, ...]:
    """All turns of the thread, those from before a fork too, the oldest first. Blocks while it reads.

    Raises:
      RolloutNotFound, RolloutUnreadable: the thread, or what it builds on, cannot be read.
    """
    turns: list[StoredTurn] = []
    for line, begins, ends in _lines(codex_home, thread_id):
        _take(turns, line, begins, ends)
    return tuple(turns)


def end_of(codex_home: str, thread_id: str) -> Base:
    """The place behind the last whole line of the thread.

    Raises:
      RolloutNotFound, RolloutUnreadable: it cannot be read.
    """
    reading = Reading(find_rollout(codex_home, thread_id).path)
    ordinal, byte = -1, 0
    for _, raw, whole in reading.raw_lines():
        if whole:
            numbered = line_head(raw).ordinal
            ordinal, byte = numbered if numbered >= 0 else ordinal + 1, byte + len(raw)
    return Base(_segment(reading), ordinal + 1, byte)


def find_turn(turns: tuple[StoredTurn, ...], wanted: str, thread_id: str) -> StoredTurn:
    """The turn with this id, or with this number, counted from 1.

    Raises:
      TurnNotFound: there is none.
    """
    for number, turn in enumerate(turns, 1):
        if wanted in (turn.turn_id, str(number)):
            return turn
    raise TurnNotFound(wanted, thread_id, len(turns))


def _lines(codex_home: str, thread_id: str) -> Iterator[tuple[JsonObject, Base, Base]]:
    """Lines that tell of turns, with the places before and behind each."""
    path = find_rollout(codex_home, thread_id).path
    for reading in (*read_bases(read_meta(path), codex_home), Reading(path)):
        segment, ordinal, byte = _segment(reading), -1, 0
        for number, raw, whole in reading.raw_lines():
            head = line_head(raw)
            ordinal = head.ordinal if head.ordinal >= 0 else ordinal + 1
            begins = Base(segment, ordinal, byte)
            byte += len(raw)
            if head.event in _EVENTS or head.kind == b"compacted" or _is_said(head, raw):
                line = reading.decode(raw, number, last=not whole)
                if line is not None:
                    yield line, begins, Base(segment, ordinal + 1, byte)


def _segment(reading: Reading) -> str:
    file = parse_path(reading.path)
    return "" if file is None else file.segment_id


def _is_said(head: Head, raw: bytes) -> bool:
    return head.kind == b"response_item" and b'"role":"user"' in raw


def _take(turns: list[StoredTurn], line: JsonObject, begins: Base, ends: Base) -> None:
    payload = get_object(line, "payload")
    match line.get("type"):
        case "compacted":
            turns[:] = [attrs.evolve(turn, compacted=True) for turn in turns]
        case "response_item":
            if turns and is_user_turn(payload):
                last = turns[-1]
                turns[-1] = attrs.evolve(last, said=last.said or said_text(payload), inputs=last.inputs + 1, ends=ends)
        case _:
            _take_event(turns, payload, begins, ends)


def _take_event(turns: list[StoredTurn], payload: JsonObject, begins: Base, ends: Base) -> None:
    turn_id = get_str(payload, "turn_id")
    match payload.get("type"):
        case "task_started":
            turns.append(StoredTurn(turn_id, begins, ends, get_int(payload, "started_at")))
        case "thread_rolled_back":
            left = get_int(payload, "num_turns")
            while left > 0 and turns:
                left -= turns.pop().inputs
        case "task_complete" | "turn_aborted" as event if turns and turns[-1].turn_id == turn_id:
            state: TurnEnd = "interrupted"
            if event == "task_complete":
                state = "failed" if get_object(payload, "error") else "completed"
            answer = get_str(payload, "last_agent_message") or None
            turns[-1] = attrs.evolve(turns[-1], state=state, answer=answer, ends=ends)
        case _:
            pass


def said_text(item: JsonObject) -> str:
    """What was said, without what stands around images."""
    parts = (get_str(part, "text") for part in get_list(item, "content") if isinstance(part, dict))
    return " ".join(text for part in parts if (text := part.strip()) and not text.startswith(("<image ", "</image>")))
