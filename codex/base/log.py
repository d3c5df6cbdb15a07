"""One log file: levels, a bounded size, no secrets. Nothing is opened or imported before the first record.

The standard library's `logging` costs a start 10 ms, so this is a writer of our own; what libraries tell `logging`
comes here through `take_logging`. A log never harms what it is told about: a full disk loses records, nothing else,
and the next record that can be written says how many. Nothing is ever printed.
"""

import errno
import os
from collections.abc import Mapping
from typing import Literal, TypeAlias

from codex.base.errors import UserError

Level: TypeAlias = Literal["error", "warning", "info", "debug"]

LEVELS: Mapping[str, int] = {"off": 0, "error": 1, "warning": 2, "warn": 2, "info": 3, "debug": 4, "trace": 4}
FILE_NAME = "codex-actors.log"
_MAX_FILE_BYTES = 5_000_000
_MAX_RECORD_CHARS = 16_384
_MAX_REDACTED_CHARS = 100_000


class Log:
    """Writes records to one file, at most two files of `max_file_bytes` in all; safe from any thread and process.

    `level` is one level, or a default and exceptions for rooms: `warning,model=debug`. Use `open_log`.
    """

    def __init__(
        self, path: str, level: str, *, environ: Mapping[str, str], max_file_bytes: int = _MAX_FILE_BYTES
    ) -> None:
        self.path = path
        self.lost = 0
        self._default, self._rooms = _parse_levels(level)
        self._environ, self._max_file_bytes = environ, max_file_bytes
        self._secrets: frozenset[str] | None = None
        self._fd = -1

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_on(self, level: Level, room: str = "") -> bool:
        """Whether a record of this level from this room is written: ask before an expensive message."""
        return LEVELS[level] <= self._rooms.get(room, self._default)

    def error(self, room: str, message: str, *, error: BaseException | None = None) -> None:
        """Something failed that nobody else will tell. `error` adds its traceback."""
        self.write("error", room, message, error=error)

    def warning(self, room: str, message: str, *, error: BaseException | None = None) -> None:
        """Something is odd, the work goes on."""
        self.write("warning", room, message, error=error)

    def info(self, room: str, message: str, *, error: BaseException | None = None) -> None:
        """A step of the work."""
        self.write("info", room, message, error=error)

    def debug(self, room: str, message: str, *, error: BaseException | None = None) -> None:
        """Only for whoever looks for a bug."""
        self.write("debug", room, message, error=error)

    def write(self, level: Level, room: str, message: str, *, error: BaseException | None = None) -> None:
        """Write one record if its level is on. Never raises for the sake of the disk."""
        if not self.is_on(level, room):
            return
        try:
            if self._fd < 0:
                self._open()
            self._rotate_if_full()
            self._append(self._record(level, room, message, error))
            self.lost = 0
        except OSError:
            self.lost += 1
            self.close()

    def close(self) -> None:
        """Let the file go; a later record opens it again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                os.close(fd)
            except OSError:
                self.lost += 1

    def _open(self) -> None:
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        # O_NONBLOCK: a FIFO in the file's place must not stop the program.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._fd = os.open(self.path, flags, 0o600)
        os.fchmod(self._fd, 0o600)

    def _rotate_if_full(self) -> None:
        ours = os.fstat(self._fd)
        if ours.st_size < self._max_file_bytes and ours.st_nlink > 0:
            return
        try:
            current = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            current = None
        # Another process may have rotated already: then only our descriptor is old.
        if current is not None and current.st_ino == ours.st_ino:
            os.replace(self.path, self.path + ".1")
        self.close()
        self._open()

    def _append(self, record: bytes) -> None:
        written = os.write(self._fd, record)
        if written < len(record):
            # The disk is full in the middle of a record: end the line, if there is room for that much.
            os.write(self._fd, b"\n")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _record(self, level: Level, room: str, message: str, error: BaseException | None) -> bytes:
        import time

        from codex.base.redact import redact, secrets_of

        if self._secrets is None:
            self._secrets = secrets_of(self._environ)
        if error is not None:
            import traceback

            message = "\n".join([message, "".join(traceback.format_exception(error)).rstrip()])
        now = time.time()
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03d}Z"
        # Redact before the cut: one through a secret would leave half of it.
        text = _shorten(redact(_shorten(message, _MAX_REDACTED_CHARS), self._secrets), _MAX_RECORD_CHARS)
        text = text.replace("\r", "\\r").replace("\n", "\n    ")
        lost = f"({self.lost} records lost before) " if self.lost else ""
        line = f"{stamp} {level.upper()} {os.getpid()} {room}: {lost}{text}\n"
        return line.encode("utf-8", "backslashreplace")


def open_log(
    codex_home: str, *, log_dir: str | None = None, level: str = "warning", environ: Mapping[str, str] | None = None
) -> Log:
    """The log below CODEX_HOME (or in `log_dir`), for use in a `with` or by itself; opened at the first record.

    Values of `environ` (default: this process's) whose names speak of keys, tokens or secrets are never written.

    Raises:
      UserError: `level` is no level.
    """
    directory = log_dir or os.path.join(codex_home, "log")
    return Log(os.path.join(directory, FILE_NAME), level, environ=os.environ if environ is None else environ)


def is_level_spec(text: str) -> bool:
    """Whether a text is a level, or a list such as `warning,model=debug`."""
    try:
        _parse_levels(text)
    except UserError:
        return False
    return True


def take_logging(log: Log) -> None:
    """Send what libraries tell the standard library's `logging` to the log instead of to stderr."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            try:
                message = record.getMessage()
            except (TypeError, ValueError, KeyError):
                message = f"{record.msg!r} (its arguments do not fit)"
            log.write(_level_of(record.levelno), record.name.partition(".")[0], message, error=error)

    logging.root.handlers[:] = [Handler()]


def _level_of(number: int) -> Level:
    if number >= 40:
        return "error"
    if number >= 30:
        return "warning"
    return "info" if number >= 20 else "debug"


def _parse_levels(text: str) -> tuple[int, dict[str, int]]:
    default, rooms = LEVELS["warning"], dict[str, int]()
    for part in text.split(","):
        room, is_exception, name = part.rpartition("=")
        number = LEVELS.get(name.strip().lower())
        if number is None or (is_exception and not room.strip()):
            expected = "one of off, error, warning, info, debug; or a list such as warning,model=debug"
            raise UserError(f"log level {part!r}: expected {expected}")
        if is_exception:
            rooms[room.strip()] = number
        else:
            default = number
    return default, rooms


def _shorten(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    half = max_chars // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"
