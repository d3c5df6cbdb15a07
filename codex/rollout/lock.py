"""The writer lock of a thread: a file whose lock Codex takes, too, so that a thread has one writer on a machine."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress

from codex.rollout.errors import RolloutWriteError, ThreadHasWriter
from codex.rollout.names import lock_path


class WriterLock:
    """Held from `acquire` to `release`; the kernel gives it back when the process ends."""

    def __init__(self, path: str, thread_id: str) -> None:
        self._path = path
        self._thread_id = thread_id
        self._fd = -1

    def acquire(self) -> None:
        """Become the thread's only writer; nothing happens where this is one already.

        Raises:
          ThreadHasWriter: somebody else is.
          RolloutWriteError: the lock file cannot be made.
        """
        if self._fd >= 0:
            return
        try:
            make_private(os.path.dirname(self._path))
            self._fd = _locked(self._path)
        except BlockingIOError:
            raise ThreadHasWriter(self._thread_id, self._path) from None
        except OSError as error:
            raise RolloutWriteError(self._path, error.strerror or str(error)) from error

    def release(self) -> None:
        """Give the lock back, and remove its file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            _unlink_lock(self._path, fd)
            os.close(fd)


@contextmanager
def open_writer_lock(codex_home: str, thread_id: str) -> Generator[None, None, None]:
    """Hold the thread's writer lock, to move its files or to add one. Raises: as `WriterLock.acquire`."""
    lock = WriterLock(lock_path(codex_home, thread_id), thread_id)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_written(codex_home: str, thread_id: str) -> bool:
    """Whether a program writes the thread now. Takes no lock: a writer that starts meanwhile is not refused."""
    try:
        wanted = os.stat(lock_path(codex_home, thread_id))
        with open("/proc/locks", encoding="ascii") as locks:
            place = f"{os.major(wanted.st_dev):02x}:{os.minor(wanted.st_dev):02x}:{wanted.st_ino}"
            return any(place in line.split() for line in locks)
    except FileNotFoundError:  # of the lock, or of the kernel's list: then nobody writes as far as one can see
        return False


def make_private(directory: str) -> None:
    """Make the directory and its missing parents, for the owner only (`makedirs` gives its mode to the last one)."""
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_private(os.path.dirname(directory))
        with suppress(FileExistsError):
            os.mkdir(directory, 0o700)


def _locked(path: str) -> int:
    """A descriptor that holds the lock on the file that `path` names now."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same_file(path, fd):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # its last owner removed it between our open and our lock


def _same_file(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def _unlink_lock(path: str, fd: int) -> None:
    """Remove our lock file, under the lock that Codex takes for this; where it is busy, the empty file stays."""
    with suppress(OSError), open(os.path.join(os.path.dirname(path), ".coordination.lock"), "ab") as coordination:
        fcntl.flock(coordination, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _same_file(path, fd):
            os.unlink(path)
