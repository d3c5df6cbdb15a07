"""One process of a client: its three streams or its terminal, its end, and what is kept of its output.

It dies with everything it started when its run is cancelled, when its time is over, or when the client says so.
"""

import fcntl
import os
import struct
import termios
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Literal, Protocol, TypeAlias

import attrs
import trio

from codex.ports.process import Child, Launch, Launcher

Stream: TypeAlias = Literal["stdout", "stderr"]

TIMED_OUT_CODE = 124
_KILLED_CODE = 137
_DRAIN_SECONDS = 2.0
_GONE_SECONDS = 2.0
_READ_BYTES = 65_536
_WRITES_WAITING = 64


@attrs.frozen
class Streams:
    """What a client wants of a process.

    `cap_bytes`: of each stream, what comes after it is dropped; None keeps all. `seconds`: it is killed then.
    """

    input: bool = False
    live: bool = False
    cap_bytes: int | None = None
    seconds: float | None = None


@attrs.frozen
class Ended:
    """How it ended; what was told live is not repeated here."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    capped: frozenset[Stream] = frozenset()
    drain_timed_out: bool = False


class TellOutput(Protocol):
    """Is told of output as it comes."""

    def __call__(self, stream: Stream, data: bytes, *, capped: bool) -> None:
        """A piece of a stream; `capped`: more of it is dropped."""
        ...


class NoInput(Exception):
    """It takes no input, or no more."""


class NoTerminal(Exception):
    """It has no terminal."""


class ClientProcess:
    """A process; `on_output` is told live of each piece: the stream, its bytes, and whether more is dropped."""

    def __init__(self, launch: Launch, streams: Streams, on_output: TellOutput) -> None:
        self._launch, self._streams, self._on_output = launch, streams, on_output
        self._kept: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._seen: dict[Stream, int] = {"stdout": 0, "stderr": 0}
        self._send, self._receive = trio.open_memory_channel[bytes](_WRITES_WAITING)
        self._terminal: int | None = None
        self._kill = trio.CancelScope()

    async def run(self, launcher: Launcher, *, on_started: Callable[[], None] = lambda: None) -> Ended:
        """Start it and wait for its end; nothing of it is left then. Cancelled: the same, at once.

        Raises:
          SpawnFailed, SandboxUnavailable: it could not be started.
        """
        async with AsyncExitStack() as stack:
            child, readers, writer = await self._start(launcher, stack)
            on_started()
            drained = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._feed, writer)
                nursery.start_soon(self._read_all, readers, drained)
                code = await self._wait(child)
                with trio.move_on_after(_DRAIN_SECONDS):
                    await drained.wait()
                nursery.cancel_scope.cancel()
        return Ended(
            code,
            bytes(self._kept["stdout"]),
            bytes(self._kept["stderr"]),
            frozenset(stream for stream in self._seen if self._is_capped(stream)),
            drain_timed_out=not drained.is_set(),
        )

    async def write(self, data: bytes) -> None:
        """Write to its input, after what was written before. Cancelled, nothing is written.

        Raises:
          NoInput: it takes none, or its input was closed.
        """
        if not (self._streams.input or self._launch.tty):
            raise NoInput
        try:
            await self._send.send(data)
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            raise NoInput from None

    def close_input(self) -> None:
        """End its input, after what was written before."""
        self._send.close()

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of its terminal.

        Raises:
          NoTerminal: it has none.
        """
        if self._terminal is None:
            raise NoTerminal
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self) -> None:
        """Kill it and all it started."""
        self._kill.cancel()

    async def _start(
        self, launcher: Launcher, stack: AsyncExitStack
    ) -> "tuple[Child, dict[Stream, trio.lowlevel.FdStream], trio.lowlevel.FdStream | None]":
        readers: dict[Stream, trio.lowlevel.FdStream] = {}
        writer: trio.lowlevel.FdStream | None = None
        theirs: tuple[int, ...] = ()
        try:
            if not self._launch.tty:
                source, writer = _input_of(wanted=self._streams.input)
                theirs = (source,)
                for stream in self._kept:
                    ours, target = os.pipe2(os.O_CLOEXEC)
                    theirs = (*theirs, target)
                    readers[stream] = await stack.enter_async_context(trio.lowlevel.FdStream(ours))
                if writer is not None:
                    await stack.enter_async_context(writer)
            child = await launcher.launch_with(self._launch, theirs)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        stack.push_async_callback(_end, child)
        if child.terminal is not None:
            writer = await stack.enter_async_context(trio.lowlevel.FdStream(child.terminal))
            self._terminal, readers = child.terminal, {"stdout": writer}
            stack.callback(setattr, self, "_terminal", None)
        return child, readers, writer

    async def _wait(self, child: Child) -> int:
        """Its exit code: of its own, of the time that is over, or of the signal it was killed with."""
        limit = trio.CancelScope()
        if self._streams.seconds is not None:
            limit.deadline = trio.current_time() + self._streams.seconds
        with limit, self._kill:
            ended = await child.wait_exit()
            return _KILLED_CODE if ended is None else ended.code
        child.kill()
        with trio.move_on_after(_GONE_SECONDS):
            await child.wait_gone()
        return TIMED_OUT_CODE if limit.cancelled_caught else _KILLED_CODE

    async def _feed(self, writer: "trio.lowlevel.FdStream | None") -> None:
        async with self._receive:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                async for data in self._receive:
                    if writer is not None:
                        await writer.send_all(data)
                if writer is not None:
                    await (writer.send_all(b"\x04") if self._launch.tty else writer.aclose())

    async def _read_all(self, readers: "dict[Stream, trio.lowlevel.FdStream]", drained: trio.Event) -> None:
        async with trio.open_nursery() as nursery:
            for stream, reader in readers.items():
                nursery.start_soon(self._read, stream, reader)
        drained.set()

    async def _read(self, stream: Stream, reader: "trio.lowlevel.FdStream") -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):  # a terminal ends with an error
            while data := await reader.receive_some(_READ_BYTES):
                self._take(stream, data)

    def _take(self, stream: Stream, data: bytes) -> None:
        cap, before = self._streams.cap_bytes, self._seen[stream]
        self._seen[stream] += len(data)
        if cap is not None:
            if before > cap:
                return
            data = data[: cap - before]
        if self._streams.live or self._launch.tty:
            self._on_output(stream, data, capped=self._is_capped(stream))
        else:
            self._kept[stream] += data

    def _is_capped(self, stream: Stream) -> bool:
        return self._streams.cap_bytes is not None and self._seen[stream] > self._streams.cap_bytes


def _input_of(*, wanted: bool) -> "tuple[int, trio.lowlevel.FdStream | None]":
    """The descriptor of its input, and ours to write to where there is one."""
    if not wanted:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), None
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    return theirs, trio.lowlevel.FdStream(ours)


async def _end(child: Child) -> None:
    """Leave nothing of it."""
    child.kill()
    with trio.move_on_after(_GONE_SECONDS, shield=True):
        await child.wait_gone()
    child.close()
