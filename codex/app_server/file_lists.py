"""The files and directories below a root, without what git ignores."""

import os
import subprocess
from collections.abc import Callable, Iterator

MAX_PATHS = 400_000
"""Paths of a root that are looked through; those after it are not found."""

_GIT_SECONDS = 30.0


def list_paths(root: str, cancelled: Callable[[], bool]) -> dict[str, bool]:
    """The paths below a root, relative to it, and whether each is a directory. Blocks; ends early when cancelled.

    In a git repository these are its files and new ones; elsewhere all there are, without those in `.git`.
    """
    found: dict[str, bool] = {}
    for path in _of_git(root) or _walk(root, cancelled):
        if len(found) >= MAX_PATHS or cancelled():
            break
        above = os.path.dirname(path)
        while above and above not in found:
            found[above] = True
            above = os.path.dirname(above)
        found.setdefault(path, False)
    return found


def _of_git(root: str) -> list[str]:
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_GIT_SECONDS, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if done.returncode != 0:
        return []
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _walk(root: str, cancelled: Callable[[], bool]) -> Iterator[str]:
    for directory, names, files in os.walk(root):
        if cancelled():
            return
        names[:] = sorted(name for name in names if name != ".git")
        inner = os.path.relpath(directory, root)
        for name in sorted(files):
            yield name if inner == "." else f"{inner}/{name}"
