"""Empty directories that stand where a protected path is missing, so that a command cannot create it.

They are on the real disk for as long as a command needs them, since one can only mount on what exists. Each is known by
its time, and is locked (shared) by every guard that relies on it: removing one would lift the mount from it in
the other namespaces. Whoever gets the lock for itself alone may remove it, also one that a crash left behind. The user
may put something into one (`git init` meanwhile): then it is theirs, and stays.
"""

from __future__ import annotations

import fcntl
import os

_TIME = 1


def is_placeholder(path: str) -> bool:
    """Whether one of these stands at the path."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return found.st_mode & 0o170000 == 0o40000 and found.st_mtime == _TIME


def hold(path: str) -> list[int]:
    """Make sure that something stands at the path; the lock on it, where it is one of these.

    Gives none where the path exists by itself, or where we cannot create it (then the command cannot either).
    """
    for _ in range(100):
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            if not is_placeholder(path):
                return []
        except OSError:
            return []
        else:
            os.utime(path, (_TIME, _TIME))
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        fcntl.flock(lock, fcntl.LOCK_SH)
        if os.fstat(lock).st_nlink and os.path.lexists(path):
            return [lock]
        os.close(lock)  # removed while we came
    return []


def release(path: str) -> None:
    """Remove the placeholder at the path, unless another guard relies on it."""
    if not is_placeholder(path):
        return
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rmdir(path)
    except OSError:
        pass  # in use, or somebody put something into it: then it is theirs
    finally:
        os.close(lock)
