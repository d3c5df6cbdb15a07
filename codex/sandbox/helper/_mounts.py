"""Places, and what is mounted on them."""

from __future__ import annotations

import errno
import os

from . import _system as system

_OUT_OF_REACH = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)


class Changed(OSError):
    """A place is not what it was when the decision was taken."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ESTALE, f"{path!r} changed while the sandbox was built; try again")


def within(path: str, directory: str) -> bool:
    """Whether the path is the directory or lies in it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def copy(path: str) -> int:
    """A detached copy of the mounts at the path."""
    place = system.open_path(os.fsencode(path))
    try:
        return system.clone_tree(place)
    finally:
        os.close(place)


def place_of(path: str) -> int:
    """A handle to the place itself; of a link, the link."""
    try:
        return system.open_path(os.fsencode(path))
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    parent = system.open_path(os.fsencode(os.path.dirname(path)))
    try:
        return os.open(os.path.basename(path), os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=parent)
    finally:
        os.close(parent)


def attach(tree: int, path: str, hollow: list[str]) -> None:
    """Mount a detached tree at the path, which is made where it lies in a directory that we emptied."""
    if path.startswith("/dev/shm/"):
        os.makedirs(path, exist_ok=True)  # the private one is empty
    elif any(within(path, directory) for directory in hollow):
        _make(path, directory=_is_directory(tree))
    place = place_of(path)
    system.attach_tree(tree, place)
    os.close(place)
    os.close(tree)


def _make(path: str, *, directory: bool) -> None:
    try:
        os.makedirs(path if directory else os.path.dirname(path), 0o755, exist_ok=True)
        if not directory:
            os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644))
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.ENXIO):  # a read-only layer lies between; there it exists
            raise


def hollow_out(path: str, hollow: list[str]) -> list[str]:
    """Put an empty directory over the path; the path, or nothing where the command cannot come there anyway."""
    if any(within(path, directory) for directory in hollow):
        return []
    try:
        place = place_of(path)
    except OSError as error:
        if error.errno not in _OUT_OF_REACH:
            raise
        return []
    system.mount("tmpfs", f"/proc/self/fd/{place}", "tmpfs", system.MS_NOSUID | system.MS_NODEV, "mode=755")
    os.close(place)
    return [path]


def cover(path: str, covers: tuple[int, int], known: tuple[int, int] | None) -> None:
    """Cover a file or directory so that nothing of it can be read.

    Args:
      covers: for a file and for a directory.
      known: device and inode of what must lie there; None: where nothing is there, there is nothing to do.

    Raises:
      Changed: something else is there.
    """
    try:
        place = place_of(path)
    except OSError as error:
        if error.errno not in _OUT_OF_REACH:
            raise
        if known is not None and error.errno != errno.EACCES and os.path.lexists(os.path.dirname(path)):
            raise Changed(path) from None
        return
    found = os.fstat(place)
    if known is not None and (found.st_dev, found.st_ino) != known:
        raise Changed(path)
    tree = system.clone_tree(covers[_is_directory(place)], recursive=False)
    system.set_mount_flags(tree, system.ATTR_RDONLY | system.ATTR_NODEV, recursive=False)
    system.attach_tree(tree, place)
    os.close(tree)
    os.close(place)


def _is_directory(place: int) -> bool:
    return os.fstat(place).st_mode & 0o170000 == 0o40000
