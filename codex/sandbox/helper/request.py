"""What the helper is asked for and what it answers: the one form both sides know.

A request is one packet on the helper's socket with descriptors: `status`, and what the command reads and writes: none
for a terminal, one for its output, three for input, output and errors. All that follows goes over `status`, which
belongs to this command only; its end means nothing is left.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

    # Path, kind, and for a link where it leads.
    Layer: TypeAlias = tuple[str, str, str]
    # Directory, regular expression, depth, whether nothing can match deeper.
    Scan: TypeAlias = tuple[str, str, int, bool]

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

    `level`: none, landlock or namespaces. `syscalls`: the BPF program, empty for none.
    `layers`: path, kind and target, outer before inner; the kind is what the command finds at the path:

        write    what is there
        read     what is there, read-only
        hold     the same; where nothing is there, an empty directory stands in for it
        link     a link that nobody can replace; `target` is where it leads
        deny     nothing that could be read
        hollow   an empty directory with the layers in it; for `/` everything else is gone

    `scans`: what is denied by pattern: directory, expression for the path below, how deep to look, whether the
    expression itself says how deep.
    `reachable`: where Unix sockets can be connected to, others are hidden; None where there is no network anyway.
    """

    __slots__ = ("layers", "level", "network", "reachable", "scans", "syscalls")

    def __init__(
        self,
        level: str,
        layers: tuple[Layer, ...] = (),
        syscalls: bytes = b"",
        *,
        network: bool = True,
        scans: tuple[Scan, ...] = (),
        reachable: tuple[str, ...] | None = None,
    ) -> None:
        self.level = level
        self.layers = layers
        self.syscalls = syscalls
        self.network = network
        self.scans = scans
        self.reachable = reachable


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
        confinement = (c.level, c.layers, c.syscalls, c.network, c.scans, c.reachable)
        return marshal.dumps((self.argv, self.cwd, self.env, confinement, self.size, self.tty))


def unpack(data: bytes) -> Request:
    """The request in the bytes."""
    argv, cwd, env, (level, layers, syscalls, network, scans, reachable), size, tty = marshal.loads(data)
    confinement = Confinement(level, layers, syscalls, network=network, scans=scans, reachable=reachable)
    return Request(argv, cwd, env, confinement, size, tty=tty)
