"""Where the files of a patch really are, found once: what is written later is what was decided about.

Commands of the model run beside us, and can put a link in the place of a directory at any moment. So a place is looked
up before the decision, and reached afterwards from the root down without following any link.
"""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress

import attrs

from codex.base.errors import ToolFailure

_DIRECTORY = getattr(os, "O_PATH", 0) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BY_DESCRIPTOR = "/proc/self/fd"


class UnsteadyPath(ToolFailure):
    """Where a path leads cannot be said."""

    def __init__(self, path: str) -> None:
        super().__init__(f"patch rejected: {path} changes while it is looked at")
        self.path = path


@attrs.frozen
class Place:
    """A file as it was found.

    `real`: what is read and written, links followed. `entry`: what goes when the file is removed; for a link, the link.
    """

    real: str
    entry: str


def place_of(path: str) -> Place:
    """Where an absolute path leads now.

    Raises:
      UnsteadyPath: somebody changes it at this moment.
    """
    directory, name = os.path.split(path)
    try:
        return Place(os.path.realpath(path), os.path.join(os.path.realpath(directory), name))
    except OSError as err:
        raise UnsteadyPath(path) from err


@contextmanager
def reach(path: str, places: Mapping[str, Place] | None, *, entry: bool = False) -> Generator[str]:
    """A path that leads to the file of `path` in its own directory, whatever was put in the way meanwhile.

    Without `places` it is `path`. Only Linux can hold a directory so; elsewhere it is the real path.

    Raises:
      OSError: something else, such as a link, is in the way now; FileNotFoundError: a directory is missing.
    """
    if places is None:
        yield path
        return
    found = places[path].entry if entry else places[path].real
    if not os.path.isdir(_BY_DESCRIPTOR):
        yield found
        return
    directory, name = os.path.split(found)
    descriptor = _open_directory(directory, make=False)
    try:
        yield f"{_BY_DESCRIPTOR}/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def make_parents(place: Place) -> None:
    """Create the directories that are missing above a file, following no link.

    Raises:
      OSError: they cannot be made; what was made stays.
    """
    os.close(_open_directory(os.path.dirname(place.real), make=True))


def _open_directory(path: str, *, make: bool) -> int:
    descriptor = os.open("/", _DIRECTORY)
    for name in filter(None, path.split("/")):
        above = descriptor
        try:
            descriptor = _step(above, name, make=make)
        finally:
            os.close(above)
    return descriptor


def _step(above: int, name: str, *, make: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # somebody was faster; whatever it is, the next line says
        os.mkdir(name, dir_fd=above)
    return os.open(name, _DIRECTORY, dir_fd=above)
