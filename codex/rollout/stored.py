"""Stored threads by id, and the newest one of a directory."""

from itertools import chain
from typing import cast

from codex.base.jsontext import JsonObject, get_object
from codex.rollout.compressed import damages, open_lines
from codex.rollout.errors import RolloutUnreadable
from codex.rollout.listing import by_last_use, find_rollout
from codex.rollout.read import Reading, read_bases, read_meta
from codex.rollout.restore import Restored, reconstruct

_HEAD_BYTES = 8_192


def load(codex_home: str, thread_id: str) -> Restored:
    """A stored thread, with what it was forked from. Blocks while it reads: 0.1 s for 10 MB.

    Raises:
      RolloutNotFound: no rollout has this id.
      RolloutUnreadable: it cannot be read, or does not begin as a rollout.
    """
    file = find_rollout(codex_home, thread_id)
    bases = read_bases(read_meta(file.path), codex_home)
    lines = chain.from_iterable(reading.telling() for reading in bases)
    restored = reconstruct(file.path, Reading(file.path).telling(), lines)
    if restored is None:
        raise RolloutUnreadable(file.path, "no line of it says which thread it belongs to")
    return restored


def newest(codex_home: str, *, cwd: str | None = None) -> str | None:
    """The id of the thread written to last, of those that began in `cwd` where it is given; no sub-agents."""
    for file in by_last_use(codex_home):
        beginning = _beginning(file.path)
        if beginning is None or beginning.get("parent_thread_id") is not None:
            continue
        if cwd is None or beginning.get("cwd") == cwd:
            return file.thread_id
    return None


def _beginning(path: str) -> JsonObject | None:
    """The first fields of a rollout: ids, parent and directory, which stand before the long instructions."""
    import jiter

    try:
        with open_lines(path) as file:
            head = file.read(_HEAD_BYTES)
        line = jiter.from_json(head.partition(b"\n")[0], partial_mode=True)
    except (OSError, ValueError, ModuleNotFoundError, *damages()):
        return None
    if not isinstance(line, dict):
        return None
    meta = get_object(cast("JsonObject", line), "payload")
    return meta if meta.get("id") else None
