"""One rollout file, open for appending: the writer lock, the mended tail, writes that are whole or not there at all."""

import os
from contextlib import suppress
from typing import NoReturn

from codex.base.jsontext import JsonObject, decode_object, get_int
from codex.rollout.compressed import damages, unpack
from codex.rollout.errors import RolloutUnreadable, RolloutWriteError
from codex.rollout.lock import WriterLock, make_private
from codex.rollout.names import COMPRESSED

_BLOCK = 65_536


class Appender:
    """Everything here blocks for a moment only, save `sync`, which belongs into a thread.

    Invariant: up to `_good` bytes the file consists of whole lines; what lies behind was refused and is cut off before
    the next write.
    """

    def __init__(self, path: str, thread_id: str, lock_path: str | None) -> None:
        self.path = path.removesuffix(COMPRESSED)
        self._lock = None if lock_path is None else WriterLock(lock_path, thread_id)
        self._fd = -1
        self._good = 0
        self._dirty = False
        self._new_directory_entry = False

    @property
    def is_open(self) -> bool:
        """Whether lines can be appended."""
        return self._fd >= 0

    @property
    def is_costly(self) -> bool:
        """Whether this process has used up half of the descriptors it may have: the lowest free one was this high."""
        return self._fd >= os.sysconf("SC_OPEN_MAX") // 2

    def exists(self) -> bool:
        """Whether there is something of this thread already."""
        return os.path.exists(self.path) or os.path.exists(self.path + COMPRESSED)

    def lock(self) -> None:
        """Become the thread's only writer.

        Raises:
          ThreadHasWriter: somebody else is.
          RolloutWriteError: the lock file cannot be made.
        """
        if self._lock is not None:
            self._lock.acquire()

    def open(self, *, create: bool) -> int:
        """Open the file; the answer is the next ordinal, 0 for a new file.

        A torn last line is cut off behind the last newline; a whole one that only lacks its newline gets it. A packed
        file is unpacked first.
        """
        if not os.path.exists(self.path):
            self._unpack()
        try:
            if create:
                make_private(os.path.dirname(self.path))
            flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if create else 0)
            fd = os.open(self.path, flags, 0o600)
        except OSError as error:
            self._refuse(error)
        try:
            next_ordinal = self._mend(fd)
        except OSError as error:
            os.close(fd)
            self._refuse(error)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        self._new_directory_entry = self._new_directory_entry or create
        return next_ordinal

    def _unpack(self) -> None:
        packed = self.path + COMPRESSED
        if not os.path.exists(packed):
            return
        try:
            unpack(packed)
        except OSError as error:
            self._refuse(error)
        except (ModuleNotFoundError, *damages()) as error:
            raise RolloutUnreadable(packed, f"it cannot be unpacked: {error}") from error

    def _mend(self, fd: int) -> int:
        size = os.fstat(fd).st_size
        end = _last_newline(fd, size) + 1
        tail = os.pread(fd, size - end, end)
        if tail and _whole(tail) is not None:
            _write_all(fd, b"\n")
            end = size + 1
        elif tail:
            os.ftruncate(fd, end)
        self._good = end
        return self._count(fd, end)

    def _count(self, fd: int, end: int) -> int:
        """The ordinal after the last line; a file without ordinals (an old one) is counted."""
        if end == 0:
            return 0
        start = _last_newline(fd, end - 1) + 1
        line = _whole(os.pread(fd, end - start, start))
        if line is not None and (ordinal := get_int(line, "ordinal", -1)) >= 0:
            return ordinal + 1
        return _search_ordinal(fd, start) or _count_lines(fd, end)

    def append(self, data: bytes) -> None:
        """Write the bytes behind the file, all or none.

        Raises:
          RolloutWriteError: the disk is full or failing; the file is as it was.
        """
        try:
            self._cut_refused()
            _write_all(self._fd, data)
        except OSError as error:
            with suppress(OSError):  # else it is tried again before the next write
                self._cut_refused()
            if self._good == 0:
                self._remove()
            self._refuse(error)
        self._good += len(data)
        self._dirty = True

    def _remove(self) -> None:
        """Leave no file that does not say whose it is: whoever looks for the thread finds none instead of that."""
        os.close(self._fd)
        self._fd = -1
        with suppress(OSError):
            os.unlink(self.path)

    def _cut_refused(self) -> None:
        size = os.fstat(self._fd).st_size
        if size > self._good:
            os.ftruncate(self._fd, self._good)
        self._good = min(size, self._good)  # shorter: somebody else has cut it, and zeros would not mend that

    @property
    def needs_sync(self) -> bool:
        """Whether something was written that the disk may not hold yet."""
        return self._dirty

    def sync(self) -> None:
        """Wait until the disk holds what was written. Runs in a thread, next to nothing else on this file."""
        try:
            fd = os.dup(self._fd)  # of its own, since an abandoned thread may outlive `close`
            try:
                os.fdatasync(fd)
            finally:
                os.close(fd)
            if self._new_directory_entry:
                _sync_directory(os.path.dirname(self.path))
        except OSError as error:
            self._refuse(error)

    def synced(self) -> None:
        """The sync is through."""
        self._dirty = self._new_directory_entry = False

    def close(self) -> None:
        """Give the file and the lock back."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        if self._lock is not None:
            self._lock.release()

    def _refuse(self, error: OSError) -> NoReturn:
        raise RolloutWriteError(self.path, error.strerror or str(error)) from error


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, data[written:])


def _sync_directory(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _last_newline(fd: int, end: int) -> int:
    """Where the last newline before `end` is; -1 when there is none."""
    while end > 0:
        start = max(end - _BLOCK, 0)
        place = os.pread(fd, end - start, start).rfind(b"\n")
        if place >= 0:
            return start + place
        end = start
    return -1


def _whole(line: bytes) -> JsonObject | None:
    try:
        return decode_object(line)
    except ValueError:
        return None


def _search_ordinal(fd: int, end: int) -> int:
    """The ordinal after the nearest line before `end` that has one, counting the lines since; 0 when none has."""
    after = 1
    while end > 0:
        start = _last_newline(fd, end - 1) + 1
        line = _whole(os.pread(fd, end - start, start))
        if line is not None and (ordinal := get_int(line, "ordinal", -1)) >= 0:
            return ordinal + 1 + after
        end, after = start, after + 1
    return 0


def _count_lines(fd: int, end: int) -> int:
    return sum(os.pread(fd, min(_BLOCK, end - start), start).count(b"\n") for start in range(0, end, _BLOCK))
