"""Watching a file, or the names of a directory: looked at again and again, so it works on every file system."""

import os
from typing import TypeAlias

PAUSE = 0.25
"""Seconds between two looks."""

MAX_NAMES = 20_000
"""Names of a directory that are looked at; changes of others are not seen."""

Mark: TypeAlias = tuple[int, int, int, int]
Look: TypeAlias = dict[str, Mark]


def look(path: str) -> Look:
    """What stands at a path: itself, or the names in it, each with a mark that changes with it. Blocks."""
    found: Look = {}
    try:
        if not os.path.isdir(path):
            found[path] = _mark(os.stat(path))
            return found
        with os.scandir(path) as entries:
            for entry, _ in zip(entries, range(MAX_NAMES), strict=False):
                try:
                    found[entry.path] = _mark(entry.stat())
                except OSError:
                    found[entry.path] = (0, 0, 0, 0)
    except OSError:
        return found
    return found


def _mark(found: os.stat_result) -> Mark:
    is_directory = found.st_mode & 0o170000 == 0o040000
    # What happens inside of a directory of the directory is not looked at, so its times do not count.
    return found.st_ino, found.st_mode, 0 if is_directory else found.st_mtime_ns, 0 if is_directory else found.st_size


def changed(before: Look, after: Look) -> list[str]:
    """The paths that came, went, or are others now, sorted.  Pure."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
