"""Where rollouts lie and what they are called: sessions/YYYY/MM/DD/rollout-<local time>-<thread id>.jsonl."""

import os
from datetime import datetime

import attrs

_PREFIX = "rollout-"
_STAMP = len("2026-11-22T14-09-45")
_UUID = 36


@attrs.frozen
class RolloutFile:
    """A rollout on disk; `started` is the local time in its name, which sorts as text."""

    path: str
    thread_id: str
    started: str
    archived: bool = False


def rollout_path(codex_home: str, thread_id: str, started: datetime) -> str:
    """The path for a new thread; `started` is local time."""
    directory = os.path.join(codex_home, "sessions", started.strftime("%Y"), started.strftime("%m"))
    name = f"{_PREFIX}{started.strftime('%Y-%m-%dT%H-%M-%S')}-{thread_id}.jsonl"
    return os.path.join(directory, started.strftime("%d"), name)


def archived_dir(codex_home: str) -> str:
    """Where archived rollouts lie, all in one directory."""
    return os.path.join(codex_home, "archived_sessions")


def lock_path(codex_home: str, thread_id: str) -> str:
    """The file whose lock its writer holds, the same as Codex's."""
    return os.path.join(codex_home, "thread-writer-locks", f"{thread_id}.lock")


def parse_path(path: str, *, archived: bool = False) -> RolloutFile | None:
    """What the name of a rollout says; None when it is the name of something else."""
    name = os.path.basename(path)
    body, suffix = name.removeprefix(_PREFIX), (".jsonl", ".jsonl.zst")
    if len(body) == len(name) or not name.endswith(suffix):
        return None
    body = body.removesuffix(".zst").removesuffix(".jsonl")
    stamp, thread_id = body[:_STAMP], body[_STAMP + 1 : _STAMP + 1 + _UUID]
    # A second id may follow after "_"; it tells files of the same thread apart.
    rest = body[_STAMP + 1 + _UUID :]
    if len(thread_id) != _UUID or body[_STAMP : _STAMP + 1] != "-" or not (rest == "" or rest.startswith("_")):
        return None
    return RolloutFile(path, thread_id, stamp, archived)
