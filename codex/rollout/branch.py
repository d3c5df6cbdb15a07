"""Forks, which begin with the history of another thread, and threads whose history is taken back.

Nothing is copied: the first line of a fork names the place where the other thread is left, as Codex does it.
"""

import os
from collections.abc import Mapping
from datetime import datetime

import attrs

from codex.base.ids import uuid7
from codex.base.jsontext import JsonObject, decode_object, encode_bytes, get_str
from codex.rollout import lines
from codex.rollout._file import Appender
from codex.rollout._machine import Journal
from codex.rollout.errors import RolloutWriteError, ThreadArchived
from codex.rollout.lines import timestamp
from codex.rollout.listing import find_rollout, find_segment
from codex.rollout.lock import make_private
from codex.rollout.names import lock_path, rollout_path
from codex.rollout.read import Base, Reading, line_head, read_meta
from codex.rollout.turns import find_turn, stored_turns

_OF_THE_SOURCE = (
    "parent_thread_id",
    "agent_nickname",
    "agent_role",
    "agent_path",
    "history_base",
    "forked_from_id",
    "forked_from_ordinal_exclusive",
    "subagent_history_start_ordinal",
    "git",
)


@attrs.frozen
class ForkedBy:
    """Who makes a fork, and where it will work."""

    cwd: str
    originator: str
    cli_version: str
    git: Mapping[str, str] = attrs.field(factory=dict[str, str])
    source: str = "exec"


def fork(codex_home: str, thread_id: str, place: Base, by: ForkedBy, *, at: float) -> str:
    """Make a new thread that begins with the history of another one up to a place; its id.

    Raises:
      RolloutNotFound, RolloutUnreadable: the other thread cannot be read.
      RolloutWriteError: the disk refuses the new one.
    """
    new_id = uuid7()
    source = read_meta(find_rollout(codex_home, thread_id).path)
    meta: JsonObject = {key: value for key, value in source.items() if key not in _OF_THE_SOURCE}
    meta |= {
        "session_id": new_id,
        "id": new_id,
        "forked_from_id": thread_id,
        "forked_from_ordinal_exclusive": place.end_ordinal,
        "timestamp": timestamp(at),
        "cwd": by.cwd,
        "runtime_workspace_roots": [by.cwd],
        "originator": by.originator,
        "cli_version": by.cli_version,
        "source": by.source,
        "thread_source": "user",
        "context_window": {"window_id": uuid7()},
    }
    if by.git:
        meta["git"] = {**by.git}
    path = rollout_path(codex_home, new_id, datetime.fromtimestamp(at))
    _write(path, meta, place, find_segment(codex_home, place.segment_id).path, at)
    return new_id


def revert(codex_home: str, thread_id: str, before: str, *, at: float) -> int:
    """Take the turn with this id or number, and all after it, out of the thread's history; how many turns that were.

    A line behind the others says so. Where the history was compacted since, that would not bring back what was before:
    the thread then goes on in a new file that builds on the lines before the turn. All lines stay, and so do files that
    the turns changed. Blocks.

    Raises:
      ThreadHasWriter: somebody works in it.
      RolloutNotFound, RolloutUnreadable, TurnNotFound: it cannot be read, or has no such turn.
      ThreadArchived: it was put away.
      RolloutWriteError: the disk refuses.
    """
    file = find_rollout(codex_home, thread_id)
    if file.archived:
        raise ThreadArchived(thread_id)
    appender = Appender(file.path, thread_id, lock_path(codex_home, thread_id))
    appender.lock()
    try:
        turns = stored_turns(codex_home, thread_id)
        turn = find_turn(turns, before, thread_id)
        gone = turns[turns.index(turn) :]
        if turn.compacted:
            meta = {**read_meta(file.path), "timestamp": timestamp(at)}
            newer = rollout_path(codex_home, thread_id, datetime.fromtimestamp(at), segment_id=uuid7())
            _write(newer, meta, turn.begins, find_segment(codex_home, turn.begins.segment_id).path, at)
        else:
            journal = Journal()
            journal.opened(appender.open(create=False))
            appender.append(journal.encode([lines.thread_rolled_back(sum(each.inputs for each in gone), at)]).data)
            appender.sync()
        return len(gone)
    finally:
        appender.close()


def _write(path: str, meta: JsonObject, place: Base, base: str, at: float) -> None:
    if _is_numbered(base):
        meta = {**meta, "history_mode": "paginated", "history_base": place.payload()}
        data = _line(meta, place.end_ordinal, at)
    else:  # a rollout from before lines were numbered: nothing can point into it
        meta = {key: value for key, value in meta.items() if key != "history_base"}
        data = _line({**meta, "history_mode": "paginated"}, 0, at) + _copied(base, place)
    half = f"{path}.{os.getpid()}.tmp"
    try:
        make_private(os.path.dirname(path))
        with open(half, "xb", opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(half, path)
    except OSError as error:
        raise RolloutWriteError(path, error.strerror or str(error)) from error


def _is_numbered(path: str) -> bool:
    return all(line_head(raw).ordinal >= 0 for _, (_, raw, _) in zip(range(1), Reading(path).raw_lines(), strict=False))


def _copied(path: str, place: Base) -> bytes:
    copied: list[bytes] = []
    byte = 0
    for _, raw, whole in Reading(path).raw_lines():
        byte += len(raw)
        if byte > place.end_byte or not whole:
            break
        try:
            line = decode_object(raw)
        except ValueError:
            continue
        if get_str(line, "type") != "session_meta":
            copied.append(encode_bytes({**line, "ordinal": len(copied) + 1}) + b"\n")
    return b"".join(copied)


def _line(meta: JsonObject, ordinal: int, at: float) -> bytes:
    line = {"timestamp": timestamp(at), "ordinal": ordinal, "type": "session_meta", "payload": meta}
    return encode_bytes(line) + b"\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
