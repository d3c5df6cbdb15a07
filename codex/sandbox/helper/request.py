"""What the helper is asked for and what it answers: the one form both sides know.

A request is one packet on the helper's socket with two descriptors, `status` and `output` (`status` alone for a
terminal). All that follows goes over `status`, which belongs to this command only; its end means nothing is left.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# Answers on the status socket: a marshalled tuple whose first part is one of these.
STARTED: Final = 1
"""`(STARTED,)`, with descriptors: pidfd of the guard, pidfd of the command, and the terminal's master where asked."""
FAILED: Final = 2
"""`(FAILED, stage, errno, text)`: nothing runs; stage is `sandbox` or `exec`."""
EXITED: Final = 3
"""`(EXITED, code, left)`: the command ended (128+n for signal n); `left`: processes it started still run."""

# Commands on the status socket: one byte and, for a signal, its number.
SIGNAL: Final = b"s"
KILL: Final = b"k"

LARGEST_PACKET: Final = 100_000
"""A longer request travels in a file of memory, sent as the last descriptor behind an empty packet."""


class Confinement:
    """How a command is confined, as the helper needs it.

    `level`: none, landlock or namespaces. `roots`: directories that stay writable, outer before inner.
    `protected`: `(path, kind, target)` inside of them that are read-only, outer before inner; kind is present, link or
    missing; `target` is where a link leads. `syscalls`: the BPF program, empty for none.
    """

    __slots__ = ("level", "network", "protected", "roots", "syscalls")

    def __init__(
        self,
        level: str,
        roots: tuple[str, ...] = (),
        protected: tuple[tuple[str, str, str], ...] = (),
        syscalls: bytes = b"",
        *,
        network: bool = True,
    ) -> None:
        self.level = level
        self.network = network
        self.roots = roots
        self.protected = protected
        self.syscalls = syscalls


class Request:
    """One command to start."""

    __slots__ = ("argv", "confinement", "cwd", "env", "size", "tty")

    def __init__(
        self,
        argv: tuple[bytes, ...],
        cwd: bytes,
        env: dict[bytes, bytes],
        confinement: Confinement,
        size: tuple[int, int] = (24, 80),
        *,
        tty: bool = False,
    ) -> None:
        self.argv = argv
        self.cwd = cwd
        self.env = env
        self.confinement = confinement
        self.size = size
        self.tty = tty

    def pack(self) -> bytes:
        """The request as bytes."""
        c = self.confinement
        confinement = (c.level, c.roots, c.protected, c.syscalls, c.network)
        return marshal.dumps((self.argv, self.cwd, self.env, confinement, self.size, self.tty))


def unpack(data: bytes) -> Request:
    """The request in the bytes."""
    argv, cwd, env, (level, roots, protected, syscalls, network), size, tty = marshal.loads(data)
    confinement = Confinement(level, roots, protected, syscalls, network=network)
    return Request(argv, cwd, env, confinement, size, tty=tty)
