"""Finding rollouts below CODEX_HOME, archived ones included."""

import os
from collections.abc import Iterator

from codex.rollout.errors import RolloutNotFound
from codex.rollout.names import COMPRESSED, RolloutFile, archived_dir, parse_path, sessions_dir


def list_rollouts(codex_home: str, *, archived: bool = False) -> list[RolloutFile]:
    """The rollout of every thread, newest start first; archived ones too when asked for."""
    threads: dict[str, RolloutFile] = {}
    for file in segments(codex_home, archived=archived):
        known = threads.get(file.thread_id)
        if known is None or file.place > known.place:
            threads[file.thread_id] = file
    return sorted(threads.values(), key=_by_start, reverse=True)


def segments(codex_home: str, *, archived: bool = False, naming: str = "") -> Iterator[RolloutFile]:
    """All files of all threads, in no order; of those that hold `naming` in their names, where it is given.

    Where a file is there both packed and plain (somebody was stopped while unpacking it), the plain one counts.
    """
    places = [(sessions_dir(codex_home), False)] + ([(archived_dir(codex_home), True)] if archived else [])
    for directory, put_away in places:
        paths = {path for path in _files(directory, depth=3) if naming in path}
        for path in paths:
            if path.endswith(COMPRESSED) and path.removesuffix(COMPRESSED) in paths:
                continue
            if (file := parse_path(path, archived=put_away)) is not None:
                yield file


def thread_segments(codex_home: str, thread_id: str) -> list[RolloutFile]:
    """The files of one thread, archived or not, the oldest first.

    Raises:
      RolloutNotFound: there is none.
    """
    wanted = thread_id.lower()
    found = [file for file in segments(codex_home, archived=True, naming=wanted) if file.thread_id == wanted]
    if not found:
        raise RolloutNotFound(thread_id, codex_home)
    return sorted(found, key=lambda file: file.place)


def find_rollout(codex_home: str, thread_id: str) -> RolloutFile:
    """The file in which a thread goes on, wherever it is.

    Raises:
      RolloutNotFound: there is none.
    """
    return thread_segments(codex_home, thread_id)[-1]


def find_segment(codex_home: str, segment_id: str) -> RolloutFile:
    """The file that another one builds on.

    Raises:
      RolloutNotFound: there is none.
    """
    for file in segments(codex_home, archived=True, naming=segment_id):
        if file.segment_id == segment_id:
            return file
    raise RolloutNotFound(segment_id, codex_home)


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
        if entry.name.startswith("rollout-"):
            yield entry.path
        elif depth > 0 and entry.is_dir():
            yield from _files(entry.path, depth=depth - 1)
