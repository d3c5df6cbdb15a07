"""Stored threads by id, and the newest one of a directory."""

from codex.rollout.errors import RolloutUnreadable
from codex.rollout.listing import by_last_use, find_rollout
from codex.rollout.read import Reading, read_base, read_meta
from codex.rollout.restore import Restored, reconstruct


def load(codex_home: str, thread_id: str) -> Restored:
    """A stored thread, with what it was forked from. Blocks while it reads: 0.1 s for 50 MB.

    Raises:
      RolloutNotFound: no rollout has this id.
      RolloutUnreadable: it cannot be read, or does not begin as a rollout.
    """
    file = find_rollout(codex_home, thread_id)
    reading = Reading(file.path)
    base = read_base(read_meta(file.path), codex_home)
    restored = reconstruct(file.path, reading, base)
    if restored is None:
        raise RolloutUnreadable(file.path, "no line of it says which thread it belongs to")
    return restored


def newest(codex_home: str, *, cwd: str | None = None) -> str | None:
    """The id of the thread written to last, of those that began in `cwd` where it is given; no sub-agents."""
    for file in by_last_use(codex_home):
        try:
            meta = read_meta(file.path)
        except RolloutUnreadable:
            continue
        if meta.get("parent_thread_id") is None and (cwd is None or meta.get("cwd") == cwd):
            return file.thread_id
    return None
