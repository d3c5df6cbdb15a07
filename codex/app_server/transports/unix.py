"""A Unix socket that only its owner can connect to."""

import errno
import os
import socket
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from codex.base.errors import UserError

_MAX_PATH_BYTES = 107  # `sun_path`, less its end
_BACKLOG = 128


@asynccontextmanager
async def open_unix_listener(path: str) -> AsyncGenerator[trio.SocketListener, None]:
    """Listen at `path`, for the owner only; directories that are missing are made, for the owner only too.

    A socket file of a server that is gone is replaced. At the end the file is removed, unless it is another's by then.

    Raises:
      UserError: another server listens there, something else stands there, or the place cannot be written.
    """
    if len(os.fsencode(path)) > _MAX_PATH_BYTES:
        raise UserError(f"unix://{path}: a socket's path has at most {_MAX_PATH_BYTES} bytes; choose a shorter one")
    await trio.lowlevel.checkpoint()
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
            _remove_stale(path)
            os.fchmod(bound.fileno(), 0o600)  # On Linux the file is made with these permissions.
            bound.bind(path)
            os.chmod(path, 0o600)
            bound.listen(_BACKLOG)
        except OSError as error:
            raise UserError(f"unix://{path}: cannot listen there: {error.strerror or error}") from error
        ours = _identity(path)
        try:
            yield trio.SocketListener(trio.socket.from_stdlib_socket(bound))
        finally:
            if ours is not None and _identity(path) == ours:
                os.unlink(path)
    finally:
        bound.close()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove_stale(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise UserError(
            f"unix://{path}: something else than a socket stands there; move it away, or choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # noqa: FBT003
        found = probe.connect_ex(path)
    if found != errno.ECONNREFUSED:
        raise UserError(f"unix://{path}: another server listens there; stop it, or choose another path")
    os.unlink(path)
