"""The standard streams, by their descriptors: whole writes, readers that leave, a status line on a terminal."""

import os


class Out:
    """A descriptor that is written at once and whole.

    `busy` is true within a write: a signal handler that finds it so must not write in between.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.busy = False

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees it."""
        return os.isatty(self._descriptor)

    def write(self, data: bytes) -> None:
        """Write all of it, waiting for a slow reader.

        Raises:
          BrokenPipeError: the reader is gone.
        """
        rest = memoryview(data)
        self.busy = True
        try:
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:
                    self._wait_writable()
        finally:
            self.busy = False

    def _wait_writable(self) -> None:
        import select

        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll(1000)


class Screen:
    """What a person reads while a turn runs: text on stderr, below it one line of status where stderr is a terminal.

    A reader of stderr that has gone is no reason to stop: the text is dropped then.
    """

    def __init__(self, out: Out) -> None:
        self._out = out
        self._status = ""
        self.is_terminal = out.is_terminal

    def add(self, text: str) -> None:
        """Text below what is there; the status line gives way."""
        if text:
            self._write(self._erasure() + text)

    def status(self, text: str) -> None:
        """Show this as the last line until something else is written; empty takes it away."""
        if self.is_terminal and text != self._status:
            erased = self._erasure()
            self._status = text[: _columns() - 1]
            self._write(f"{erased}\x1b[2m{self._status}\x1b[0m" if self._status else erased)

    def _erasure(self) -> str:
        erasure = "\r\x1b[2K" if self._status else ""
        self._status = ""
        return erasure

    def _write(self, text: str) -> None:
        try:
            self._out.write(text.encode("utf-8", "replace"))
        except OSError:
            return


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80


def fill_closed_streams() -> None:
    """Put /dev/null where a standard stream is closed, so that no file opened later is taken for it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDONLY if descriptor == 0 else os.O_WRONLY)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)


def wants_color(when: str, descriptor: int = 2) -> bool:
    """What `--color` means for this descriptor; `auto` follows NO_COLOR, TERM and whether it is a terminal."""
    if when != "auto":
        return when == "always"
    environ = os.environ
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb" and os.isatty(descriptor)


def write_file_whole(path: str, text: str) -> None:
    """Write a file so that a reader sees the old content or the new one; devices and pipes are written as they are.

    Raises:
      OSError: it cannot be written; a file that was there is unchanged.
    """
    import stat

    data = text.encode("utf-8", "replace")
    target = os.path.realpath(path)
    try:
        mode: int | None = os.stat(target).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as file:
            file.write(data)
        return
    beside = f"{target}.{os.getpid()}.tmp"
    try:
        with open(beside, "xb") as file:
            file.write(data)
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
        os.replace(beside, target)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise
