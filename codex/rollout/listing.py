"""Finding rollouts below CODEX_HOME, archived ones included."""

import os
from collections.abc import Iterator

from codex.rollout.errors import RolloutNotFound
from codex.rollout.names import RolloutFile, archived_dir, parse_path


def list_rollouts(codex_home: str, *, archived: bool = False) -> list[RolloutFile]:
    """All rollouts, newest start first; archived ones too when asked for."""
    found = [parse_path(path) for path in _files(os.path.join(codex_home, "sessions"), depth=3)]
    if archived:
        found += [parse_path(path, archived=True) for path in _files(archived_dir(codex_home), depth=3)]
    return sorted((file for file in found if file is not None), key=_by_start, reverse=True)


def find_rollout(codex_home: str, thread_id: str) -> RolloutFile:
    """The rollout of a thread, wherever it is.

    Raises:
      RolloutNotFound: there is none.
    """
    wanted = thread_id.lower()
    for file in list_rollouts(codex_home, archived=True):
        if file.thread_id == wanted:
            return file
    raise RolloutNotFound(thread_id, codex_home)


def by_last_use(codex_home: str) -> list[RolloutFile]:
    """Rollouts that are not archived, the one written to last first."""
    aged = [(_written_at(file.path), file.started, file) for file in list_rollouts(codex_home)]
    return [file for _, _, file in sorted(aged, key=lambda entry: entry[:2], reverse=True)]


def _by_start(file: RolloutFile) -> tuple[str, str]:
    return file.started, file.thread_id


def _written_at(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _files(directory: str, *, depth: int) -> Iterator[str]:
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and depth > 0:
            yield from _files(entry.path, depth=depth - 1)
        elif entry.name.startswith("rollout-"):
            yield entry.path
