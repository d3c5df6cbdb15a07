"""What `fs/*` does to the disk. All of it blocks, and runs in a thread; a file is never seen half-written."""

import base64
import binascii
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from codex.app_server.api.fs import FsGetMetadataResponse, FsReadDirectoryEntry
from codex.app_server.rpc import INTERNAL_ERROR, INVALID_PARAMS, RpcError

MAX_FILE_BYTES = 512 * 1024 * 1024
_NOT_BASE64 = re.compile("[^A-Za-z0-9+/=]")


def failure(error: OSError) -> RpcError:
    """What a client is told of a system's error."""
    return RpcError(f"{error.strerror or error} (os error {error.errno or 0})", INTERNAL_ERROR)


def checked_path(path: str) -> str:
    """The path without `.` and `..`.

    Raises:
      RpcError: it is relative, or cannot be a path.
    """
    if not os.path.isabs(path) or "\0" in path:
        raise RpcError(f"Invalid request: AbsolutePathBuf deserialized without a base path: {path!r} is not absolute")
    return os.path.normpath(path)


def read_file(path: str) -> str:
    """The bytes of a file as base64.

    Raises:
      OSError: it cannot be read.
      RpcError: it is no file, or too large.
    """
    if os.path.isdir(path):
        raise RpcError(f"path `{path}` is not a file")
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise RpcError(f"path `{path}` is not a file")
        if found.st_size > MAX_FILE_BYTES:
            raise RpcError(f"path `{path}` has {found.st_size} bytes; at most {MAX_FILE_BYTES} can be read at once")
        return base64.b64encode(file.read(MAX_FILE_BYTES)).decode()


def decoded(text: str, method: str) -> bytes:
    """The bytes of a file's content in base64.

    Raises:
      RpcError: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RpcError(f"{method} requires valid base64 dataBase64: {_base64_fault(text)}") from error


def decoded_input(text: str | None, method: str, *, closes: bool) -> bytes:
    """The bytes that a client writes to a process; none where it only closes the input.

    Raises:
      RpcError: it does neither, or the bytes are no base64.
    """
    if text is None and not closes:
        raise RpcError(f"{method} requires deltaBase64 or closeStdin", INVALID_PARAMS)
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise RpcError(f"invalid deltaBase64: {_base64_fault(text or '')}", INVALID_PARAMS) from error


def _base64_fault(text: str) -> str:
    """What is wrong with it, in Codex's words."""
    odd = _NOT_BASE64.search(text)
    if odd is None:
        return "Invalid padding"
    return f"Invalid symbol {odd[0].encode()[0]}, offset {len(text[: odd.start()].encode())}."


def write_file(path: str, data: bytes) -> None:
    """Put a file in place as a whole; a link is followed, and the mode of a file that was there is kept.

    Raises:
      OSError: it cannot be written, and is as it was.
    """
    with _in_place(path) as file:
        file.write(data)


@contextmanager
def _in_place(path: str) -> Generator[BinaryIO]:
    """A new file that takes the path's place when all of it was written, or none of it."""
    real = os.path.realpath(path)
    if os.path.isdir(real):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    directory, name = os.path.split(real)
    temporary = os.path.join(directory, f".{name[:40]}.{secrets.token_hex(6)}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(os.stat(real).st_mode))
        os.replace(temporary, real)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def create_directory(path: str, *, recursive: bool) -> None:
    """Make a directory; with `recursive` also those above it, and one that is there is right."""
    if recursive:
        os.makedirs(path, exist_ok=True)
    else:
        os.mkdir(path)


def metadata(path: str) -> FsGetMetadataResponse:
    """What stands at a path; a link is followed, and told."""
    found = os.stat(path)
    born = getattr(found, "st_birthtime", 0.0)
    return FsGetMetadataResponse(
        is_directory=stat.S_ISDIR(found.st_mode),
        is_file=stat.S_ISREG(found.st_mode),
        is_symlink=os.path.islink(path),
        created_at_ms=int(born * 1000),
        modified_at_ms=found.st_mtime_ns // 1_000_000,
    )


def read_directory(path: str) -> tuple[FsReadDirectoryEntry, ...]:
    """The names in a directory, sorted; links that lead nowhere are left out."""
    found: list[FsReadDirectoryEntry] = []
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            with suppress(OSError):
                kind = entry.stat().st_mode
                found.append(
                    FsReadDirectoryEntry(
                        file_name=entry.name, is_directory=stat.S_ISDIR(kind), is_file=stat.S_ISREG(kind)
                    )
                )
    return tuple(found)


def remove(path: str, *, recursive: bool, force: bool) -> None:
    """Remove what stands at a path, a link and not what it leads to; with `force` nothing may be there."""
    try:
        if not os.path.isdir(path) or os.path.islink(path):
            os.unlink(path)
        elif recursive:
            shutil.rmtree(path)
        else:
            os.rmdir(path)
    except FileNotFoundError:
        if not force:
            raise


def copy(source: str, target: str, *, recursive: bool) -> None:
    """Copy a file, a link as a link, or with `recursive` a directory.

    Raises:
      OSError: something cannot be read or written; a directory may be there in part, a file is not.
      RpcError: a directory without `recursive`, or into itself.
    """
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
    elif os.path.isdir(source):
        if not recursive:
            raise RpcError("fs/copy requires recursive: true when sourcePath is a directory")
        inside = os.path.realpath(target)
        if inside == (outer := os.path.realpath(source)) or inside.startswith(outer + os.sep):
            raise RpcError("fs/copy cannot copy a directory to itself or one of its descendants")
        try:
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        except shutil.Error as error:
            raise OSError(errno.EIO, f"not all could be copied: {error.args[0][0][2]}") from error
    elif not os.path.isfile(source):
        os.stat(source)
        raise RpcError("fs/copy only supports regular files, directories, and symlinks")
    else:
        with open(source, "rb") as file, _in_place(target) as new:
            shutil.copyfileobj(file, new)
        shutil.copymode(source, target)
