"""A command whose input, output, signals and end are ours."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from codex.ports.process import Child, Launch

if TYPE_CHECKING:
    from codex.sandbox import DirectLauncher, ZygoteLauncher

_CHUNK = 65_536
_DRAIN = 0.2  # seconds for what is still in the terminal after the end, which a daemon may keep open


async def run_passing(launcher: "ZygoteLauncher | DirectLauncher", launch: Launch, signals: Sequence[int]) -> int:
    """Run the command to its end; its exit code. Cancelled: it is killed with all it started.

    Raises:
      SpawnFailed, SandboxUnavailable: it cannot be started.
    """
    with trio.open_signal_receiver(*signals, *((signal.SIGWINCH,) if launch.tty else ())) as received:
        child = await launcher.launch_with(launch, () if launch.tty else (0, 1, 2))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_pass_signals, received, child)
                code = await (_attend_terminal(child, child.terminal) if launch.tty else _wait(child))
                nursery.cancel_scope.cancel()
        finally:
            child.kill()
            with trio.move_on_after(2, shield=True):
                await child.wait_gone()
            child.close()
    return code


async def _wait(child: Child) -> int:
    ended = await child.wait_exit()
    return 128 + signal.SIGKILL if ended is None else ended.code


async def _pass_signals(received: AsyncIterator[int], child: Child) -> None:
    asked = 0
    async for number in received:
        if number == signal.SIGWINCH:
            _resize(child)
            continue
        asked += number in (signal.SIGINT, signal.SIGTERM)
        if asked > 1:
            child.kill()
        else:
            child.send_signal(number)


def _resize(child: Child) -> None:
    import fcntl
    import struct
    import termios

    if child.terminal is not None:
        size = os.get_terminal_size(1)
        fcntl.ioctl(child.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))


async def _attend_terminal(child: Child, terminal: int | None) -> int:
    """Pass on what is typed and shown, until the command has ended and all was shown."""
    assert terminal is not None
    os.set_blocking(terminal, False)
    try:
        with _raw(0):
            async with trio.open_nursery() as nursery:
                shown = trio.Event()
                nursery.start_soon(_copy, 0, terminal, child.kill)
                nursery.start_soon(_copy, terminal, 1, shown.set)
                code = await _wait(child)
                with trio.move_on_after(_DRAIN):
                    await shown.wait()
                nursery.cancel_scope.cancel()
    finally:
        trio.lowlevel.notify_closing(terminal)
        os.close(terminal)
    return code


async def _copy(source: int, target: int, at_end: Callable[[], None]) -> None:
    while True:
        await trio.lowlevel.wait_readable(source)
        try:
            data = os.read(source, _CHUNK)
        except BlockingIOError:
            continue
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        if not data:
            return at_end()
        while data:
            await trio.lowlevel.wait_writable(target)
            try:
                data = data[os.write(target, data[:4096]) :]
            except BlockingIOError:
                continue
            except OSError:
                return at_end()


@contextmanager
def _raw(descriptor: int) -> Generator[None]:
    """Every key goes through as it is, ^C too."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stdout.flush()
