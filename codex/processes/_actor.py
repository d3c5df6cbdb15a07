"""The actor of one process: reads its output, hears of its end, obeys its owner."""

import errno
import fcntl
import os
import struct
import termios
from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

import trio

from actors import Mailbox
from codex.base.errors import ToolFailure
from codex.ports.process import Child
from codex.processes._machine import KILLED_CODE, ProcessState
from codex.processes.messages import Message, Resize, Signal, WaitStarted, Write

DRAIN_SECONDS = 0.2
_LAST_OUTPUT_WITHIN = 0.4
_FORCE_AFTER = 0.8
_GIVE_UP_AFTER = 0.4
GONE_WITHIN = 2.0
_READ_BYTES = 65_536
_WRITES_WAITING = 16


async def run(
    mailbox: Mailbox[Message],
    *,
    launch: Callable[[], Awaitable[tuple[Child, int]]],
    state: ProcessState,
    on_end: Callable[[], None],
    keep: Callable[[Child], None],
) -> None:
    """Start one process and serve it until it has ended or is stopped; then only what it may leave is left.

    Args:
      launch: starts it; gives the descriptor that its output is read from, and, for a terminal, written to.
      keep: takes the child over when the command ended and something of it still runs: what it left behind, or
        what does not die although it was killed.

    Cancelled: everything is killed.
    """
    try:
        child, output = await launch()
    except ToolFailure as error:
        state.failed(error)
        return
    state.started(child.pid)
    left = False
    try:
        left = await _ProcessActor(mailbox, child, output, state).serve()
    finally:
        state.exited(KILLED_CODE, "killed")
        state.drained()
        os.close(output)
        on_end()
        if not left:
            gone = False
            with trio.move_on_after(GONE_WITHIN, shield=True):
                gone = await end_child(child)
            state.stuck = not gone
        if left or state.stuck:
            keep(child)


async def run_left(mailbox: Mailbox[None], *, child: Child) -> None:
    """Hold what a command left behind, or what does not die, until it ends by itself or is stopped."""
    over = trio.CancelScope()

    async def wait_gone() -> None:
        await child.wait_gone()
        over.cancel()

    try:
        with over:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait_gone)
                async for _ in mailbox:
                    pass
                over.cancel()
    finally:
        with trio.move_on_after(GONE_WITHIN, shield=True):
            await end_child(child)
        child.close()


async def end_child(child: Child) -> bool:
    """Kill what is left of it, and let go of it once it is gone; nothing where that was done.

    False when it does not die in time: it is in an uninterruptible sleep, and ends when it wakes. Cancelled: it is
    killed all the same.
    """
    child.kill()
    for seconds in (_FORCE_AFTER, _GIVE_UP_AFTER):
        with trio.move_on_after(seconds):
            await child.wait_gone()
            child.close()
            return True
        child.kill(force=True)
    return False


class _ProcessActor:
    def __init__(self, mailbox: Mailbox[Message], child: Child, output: int, state: ProcessState) -> None:
        self._mailbox = mailbox
        self._child = child
        self._output = output
        self._state = state
        self._over = trio.CancelScope()
        self._to_write, self._writes = trio.open_memory_channel[Write](_WRITES_WAITING)
        self._left = False

    async def serve(self) -> bool:
        """Until the end; True when processes that it started still run."""
        with self._over:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, name="output")
                nursery.start_soon(self._wait_exit, name="exit")
                if self._child.terminal is not None:
                    nursery.start_soon(self._write, name="input")
                async for message in self._mailbox:
                    await self._obey(message)
                # Asked to stop: kill, see it gone, take what output there is. What does not die is `run`'s matter.
                self._state.exited(KILLED_CODE, "killed")
                self._child.kill()
                with trio.move_on_after(_LAST_OUTPUT_WITHIN):
                    await self._child.wait_gone()
                    await self._drain()
                self._over.cancel()
        return self._left

    async def _obey(self, message: Message) -> None:
        match message:
            case WaitStarted(reply=reply):
                if not reply.is_set:
                    reply.set(None)
            case Write(reply=reply):
                if self._child.terminal is None:
                    reply.fail(ToolFailure("cannot write to this process: its standard input is closed (no tty)"))
                    return
                try:
                    self._to_write.send_nowait(message)
                except trio.WouldBlock:
                    reply.fail(ToolFailure("cannot write to this process: it does not read what was written before"))
            case Signal(number=number):
                self._child.send_signal(number)
            case Resize(rows=rows, columns=columns):
                if self._child.terminal is not None:
                    fcntl.ioctl(self._output, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            case _ as never:
                assert_never(never)

    async def _read(self) -> None:
        read = partial(os.read, self._output, _READ_BYTES)
        while True:
            await trio.lowlevel.wait_readable(self._output)
            try:
                data = read()
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.EIO:  # the end of a terminal
                    raise
                data = b""
            if not data:
                break
            self._state.output_read(data)
        if self._state.output_is_over():
            self._over.cancel()

    async def _wait_exit(self) -> None:
        end = await self._child.wait_exit()
        if end is None:
            self._state.exited(KILLED_CODE, "zygote_lost")
        else:
            self._state.exited(end.code, "exited")
            self._left = end.left
        await self._drain()

    async def _drain(self) -> None:
        if not self._state.output_ended:
            await trio.sleep(DRAIN_SECONDS)  # the reader ends everything before, when the output ends
        self._over.cancel()

    async def _write(self) -> None:
        async for message in self._writes:
            rest = memoryview(message.data)
            try:
                while rest:
                    try:
                        rest = rest[os.write(self._output, rest) :]
                    except BlockingIOError:
                        await trio.lowlevel.wait_writable(self._output)
            except OSError as error:
                if not message.reply.is_set:
                    message.reply.fail(ToolFailure(f"cannot write to this process: {error.strerror}"))
                continue
            if not message.reply.is_set:
                message.reply.set(None)
