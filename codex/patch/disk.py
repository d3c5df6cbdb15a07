"""Reading, writing and removing single files, with the outcomes and words of Codex.

A write leaves the old file or the new one, never half of it, wherever a new file can take the old one's place
unnoticed. Where it cannot (hard links, foreign owners, extended attributes, a directory that may not be written)
the file is overwritten in place, as Codex always does.
"""

import errno
import os
import stat
import sys

# Codex is linked with musl, whose words for these differ from glibc's.
_MUSL_WORDS = {
    errno.EIO: "I/O error",
    errno.EMFILE: "No file descriptors available",
    errno.ENAMETOOLONG: "Filename too long",
    errno.ELOOP: "Symbolic link loop",
}
_MAX_BYTES = 512 * 1024 * 1024
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


class UnreadableFile(Exception):
    """A file could not be read as text; the words are Codex's."""


def read_bytes(path: str, *, follow: bool = True) -> bytes:
    """The content of a regular file; without `follow` a symbolic link is none.

    Raises:
      UnreadableFile: it is missing, not a file, too large, or not allowed.
    """
    try:
        # O_NONBLOCK: opening a pipe must not wait for its other end.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(path, flags)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise UnreadableFile(f"path `{path}` is not a file")
            if found.st_size > _MAX_BYTES:
                raise UnreadableFile(f"file is too large to read: limit is {_MAX_BYTES} bytes")
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                return file.readall()
        finally:
            os.close(descriptor)
    except OSError as err:
        raise UnreadableFile(describe(err)) from err


def read_text(path: str, *, follow: bool = True) -> str:
    """The content of a regular file that holds UTF-8; without `follow` a symbolic link is none.

    Raises:
      UnreadableFile: it does not, or cannot be read.
    """
    content = read_bytes(path, follow=follow)
    try:
        return content.decode()
    except UnicodeDecodeError as err:
        if err.reason == "unexpected end of data":
            raise UnreadableFile(f"incomplete utf-8 byte sequence from index {err.start}") from err
        size = err.end - err.start
        raise UnreadableFile(f"invalid utf-8 sequence of {size} bytes from index {err.start}") from err


def describe(err: OSError) -> str:
    """The system's error the way Codex prints it."""
    number = err.errno or 0
    return f"{_MUSL_WORDS.get(number) or os.strerror(number)} (os error {number})"


def make_directories(path: str) -> None:
    """Create a directory and what is missing above it; one that is there is fine.

    Raises:
      OSError: it cannot be made; what was made above it stays.
    """
    missing: list[str] = []
    while True:
        try:
            os.mkdir(path)
            break
        except FileNotFoundError:
            missing.append(path)
            path = os.path.dirname(path)
        except OSError:
            if not os.path.isdir(path):
                raise
            break
    for directory in reversed(missing):
        try:
            os.mkdir(directory)
        except OSError:
            if not os.path.isdir(directory):
                raise


def remove_file(path: str) -> None:
    """Remove anything but a directory; a symbolic link must lead somewhere, and not to a directory.

    Raises:
      OSError: it cannot be removed.
    """
    if stat.S_ISDIR(os.stat(path).st_mode):
        raise IsADirectoryError(errno.EISDIR, "path is a directory", path)
    os.unlink(path)


def write_bytes(path: str, content: bytes, *, follow: bool = True) -> None:
    """Make `content` the file at `path`, keeping the mode; with `follow` writing through symbolic links.

    Raises:
      OSError: it cannot be written.
    """
    if not _replace(path, content, follow=follow):
        _overwrite(path, content, follow=follow)


def _overwrite(path: str, content: bytes, *, follow: bool) -> None:
    # O_NONBLOCK: a pipe that nobody reads is an error; Codex would wait for ever.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
    flags |= 0 if follow else os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o666)
    with open(descriptor, "wb", buffering=0) as file:
        _write_all(file.fileno(), content)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _replace(path: str, content: bytes, *, follow: bool) -> bool:
    """Put a new file in the place of `path`; False when the old one must be overwritten instead."""
    try:
        old = _replaceable(path, follow=follow)
    except OSError:
        return False
    target = os.path.realpath(path) if old and follow else path
    temporary = os.path.join(os.path.dirname(target), f".codex-patch-{os.urandom(8).hex()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError:
        return False
    try:
        try:
            if old and not _take_mode(descriptor, old):
                return False
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, target)
        temporary = ""
    except OSError as err:
        if err.errno in _NO_ROOM:
            raise
        return False
    finally:
        if temporary:
            os.unlink(temporary)
    return True


def _replaceable(path: str, *, follow: bool) -> os.stat_result | None:
    """The file to be replaced, or None where there is none yet.

    Raises:
      OSError: it must not be replaced.
    """
    try:
        os.lstat(path)
    except FileNotFoundError:
        return None
    found = os.stat(path, follow_symlinks=follow)
    plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and not found.st_mode & 0o7000
    if not plain or _has_attributes(path):
        raise OSError(errno.EPERM, "not to be replaced", path)
    os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
    return found


def _has_attributes(path: str) -> bool:
    if sys.platform != "linux":
        return True  # Python cannot tell
    try:
        return bool(os.listxattr(path))
    except OSError as err:
        return err.errno != errno.ENOTSUP


def _take_mode(descriptor: int, old: os.stat_result) -> bool:
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        return False
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    return True
