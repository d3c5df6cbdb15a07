"""Where rollouts lie and what they are called: sessions/YYYY/MM/DD/rollout-<local time>-<thread id>.jsonl.

A thread whose history was cut back goes on in another file, `…-<thread id>_<segment id>.jsonl`, which builds on the
files before it: its segments. The first segment of a thread has the thread's own id.
"""

import os
from datetime import datetime

import attrs

COMPRESSED = ".zst"
_PREFIX = "rollout-"
_SUFFIXES = (".jsonl", f".jsonl{COMPRESSED}")
_STAMP = len("2026-11-22T14-09-45")
_UUID = 36


@attrs.frozen
class RolloutFile:
    """A rollout on disk; `started` is the local time in its name, which sorts as text."""

    path: str
    thread_id: str
    started: str
    archived: bool = False
    segment_id: str = ""

    @property
    def place(self) -> tuple[bool, str]:
        """Where the segment stands among those of its thread: the last one is what the thread is now."""
        return self.segment_id != self.thread_id, self.segment_id


def rollout_path(codex_home: str, thread_id: str, started: datetime, *, segment_id: str | None = None) -> str:
    """The path for a new thread, or for a new segment of one; `started` is local time."""
    stamp = started.strftime("%Y-%m-%dT%H-%M-%S")
    whose = thread_id if segment_id is None else f"{thread_id}_{segment_id}"
    return os.path.join(day_dir(codex_home, stamp), f"{_PREFIX}{stamp}-{whose}.jsonl")


def day_dir(codex_home: str, started: str) -> str:
    """The directory of the day on which a rollout was started."""
    year, month, day = started[:10].split("-")
    return os.path.join(sessions_dir(codex_home), year, month, day)


def sessions_dir(codex_home: str) -> str:
    """Where rollouts lie that are not archived."""
    return os.path.join(codex_home, "sessions")


def archived_dir(codex_home: str) -> str:
    """Where archived rollouts lie, all in one directory."""
    return os.path.join(codex_home, "archived_sessions")


def lock_path(codex_home: str, thread_id: str) -> str:
    """The file whose lock its writer holds, the same as Codex's."""
    return os.path.join(codex_home, "thread-writer-locks", f"{thread_id}.lock")


def parse_path(path: str, *, archived: bool = False) -> RolloutFile | None:
    """What the name of a rollout says; None when it is the name of something else."""
    name = os.path.basename(path)
    if not name.startswith(_PREFIX) or not name.endswith(_SUFFIXES):
        return None
    body = name[len(_PREFIX) :].removesuffix(COMPRESSED).removesuffix(".jsonl")
    stamp, thread_id = body[:_STAMP], body[_STAMP + 1 : _STAMP + 1 + _UUID]
    rest = body[_STAMP + 1 + _UUID :]
    if len(thread_id) != _UUID or body[_STAMP : _STAMP + 1] != "-" or not (rest == "" or rest.startswith("_")):
        return None
    return RolloutFile(path, thread_id, stamp, archived, rest[1:] or thread_id)
