"""What starts processes, as the process manager sees it; the sandbox stands behind it."""

from typing import Protocol

import attrs

from codex.base.errors import ToolFailure
from codex.protocol.permission import SandboxPolicy


class SandboxUnavailable(ToolFailure):
    """This machine cannot confine the command as the policy promises; the text names the ways out."""


class SpawnFailed(ToolFailure):
    """The command could not be started; `number` is the system's error, 0 where it was none of its."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.number = number


@attrs.frozen
class Launch:
    """A command, ready to be started.

    `workspace` is the session's directory, which the policy is about; `cwd` is where this command starts.
    `size`: rows and columns of its terminal.
    """

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    workspace: str
    sandbox: SandboxPolicy
    tty: bool = False
    size: tuple[int, int] = (24, 80)
    allow_unprotected_git: bool = False


@attrs.frozen
class ChildExit:
    """How a command ended: 128+n for signal n; `left`: processes that it started still run."""

    code: int
    left: bool = False


class Child(Protocol):
    """A command that runs, with everything it starts."""

    @property
    def pid(self) -> int:
        """Its process id in our namespace."""
        ...

    @property
    def terminal(self) -> int | None:
        """Our side of its terminal, to be closed by the caller; None without one."""
        ...

    async def wait_exit(self) -> ChildExit | None:
        """How it ended; None when its guard is gone without a word. Cancel-safe, but for one caller only."""
        ...

    def send_signal(self, number: int) -> None:
        """Send a signal to its process group; nothing where it has ended."""
        ...

    def kill(self, *, force: bool = False) -> None:
        """Begin to kill it and all it started. `force`: its guard too, which may be stuck itself."""
        ...

    async def wait_gone(self) -> None:
        """Return when nothing of it is left. Cancel-safe; it kills nothing."""
        ...

    def close(self) -> None:
        """Let go of it. What still runs of it is killed. After it, nothing here does anything."""
        ...


class Launcher(Protocol):
    """Starts commands under a policy, outside of this process."""

    async def launch(self, command: Launch, output: int | None) -> Child:
        """Start a command. Output goes to a copy of the descriptor, or to its terminal with `tty`.

        Cancel-safe: cancelled, nothing of it runs on.

        Raises:
          SandboxUnavailable: the policy cannot be kept on this machine.
          SpawnFailed: there is no such program or directory, or nothing that starts processes.
        """
        ...

    async def launch_with(self, command: Launch, stdio: tuple[int, ...]) -> Child:
        """As `launch`, with one descriptor for all output, or with one each for input, output and errors."""
        ...
