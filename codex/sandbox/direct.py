"""Start commands as children of our own, where there is no zygote: on macOS in its Seatbelt, else without a sandbox.

What a command starts is killed with its process group; what leaves the group survives. Nothing here dies with us when
we are killed. `describe` says so.
"""

import errno
import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import TracebackType

import trio

from codex.ports.process import Child, ChildExit, Launch, SpawnFailed
from codex.sandbox.disk import Places
from codex.sandbox.macos import SANDBOX_EXEC, seatbelt_of
from codex.sandbox.select import Capabilities, Description, describe, select_level

# A terminal becomes ours only between setsid and exec, and only its own process can do that.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
try:
    os.execvp(sys.argv[1], sys.argv[1:])
except OSError as error:
    print(f"cannot start {sys.argv[1]!r}: {error.strerror}")
    os._exit(127)
"""


class DirectLauncher:
    """Implements `Launcher` for danger-full-access, and on macOS for the sandboxed modes."""

    def __init__(self) -> None:
        machine = os.uname().machine if hasattr(os, "uname") else ""
        seatbelt = sys.platform == "darwin" and os.access(SANDBOX_EXEC, os.X_OK)
        self._capabilities = Capabilities(sys.platform, machine, seatbelt=seatbelt)
        self._places = Places()

    async def __aenter__(self) -> "DirectLauncher":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    async def capabilities(self) -> Capabilities:
        """What this machine can do: run commands."""
        await trio.lowlevel.checkpoint()
        return self._capabilities

    async def describe(self) -> Description:
        """What the sandbox is worth here, in words."""
        return describe(await self.capabilities())

    async def launch(self, command: Launch, output: int | None) -> Child:
        """See `Launcher.launch`."""
        return await self.launch_with(command, () if command.tty or output is None else (output,))

    async def launch_with(self, command: Launch, stdio: tuple[int, ...]) -> Child:
        """As `launch`, with one descriptor for all output, or with one each for input, output and errors."""
        plan = self._places.resolve(command.sandbox, command.workspace, command.env.get("TMPDIR"))
        level = select_level(plan.mode, self._capabilities, allow_unprotected_git=command.allow_unprotected_git)
        if os.name != "posix":
            raise SpawnFailed(f"cannot start {command.argv[0]!r}: commands do not run on {sys.platform} yet")
        what = repr(command.argv[0])
        if not os.path.isdir(command.cwd):
            raise SpawnFailed(f"cannot start {what}: working directory {command.cwd!r}: {os.strerror(errno.ENOENT)}")
        argv = seatbelt_of(plan).argv(command.argv) if level == "seatbelt" else command.argv
        try:
            if command.tty:
                return await self._launch_on_terminal(command, argv)
            process = await trio.lowlevel.open_process(
                argv, stdin=stdio[0] if len(stdio) == 3 else subprocess.DEVNULL, stdout=stdio[-2:][0],
                stderr=stdio[-1], cwd=command.cwd, env=command.env, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise SpawnFailed(f"cannot start {what}: {error.strerror}", error.errno or 0) from error
        return DirectChild(process, None)

    async def _launch_on_terminal(self, command: Launch, argv: tuple[str, ...]) -> Child:
        import fcntl
        import struct
        import termios

        ours, theirs = os.openpty()
        try:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *command.size, 0, 0))
            process = await trio.lowlevel.open_process(
                [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *argv],
                stdin=theirs, stdout=theirs, stderr=theirs, cwd=command.cwd, env=command.env,
            )  # fmt: skip
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return DirectChild(process, ours)


class DirectChild:
    """Implements `Child` on a process of Trio."""

    def __init__(self, process: trio.Process, terminal: int | None) -> None:
        self._process = process
        self._terminal = terminal

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def terminal(self) -> int | None:
        return self._terminal

    async def wait_exit(self) -> ChildExit | None:
        code = await self._process.wait()
        return ChildExit(code if code >= 0 else 128 - code)

    def send_signal(self, number: int) -> None:
        if self._process.returncode is None:
            with suppress(OSError):
                os.killpg(self._process.pid, number)

    def kill(self, *, force: bool = False) -> None:
        # Before its first step on a terminal it has no group of its own yet.
        self.send_signal(signal.SIGKILL)
        if self._process.returncode is None:
            self._process.kill()

    async def wait_gone(self) -> None:
        await self._process.wait()

    def close(self) -> None:
        self.kill()
