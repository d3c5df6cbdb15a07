"""Processes of the client, outside of any sandbox."""

from typing import Literal, TypeAlias

from codex.app_server.wire import Unsigned
from codex.base.frozen import frozen


@frozen(kw_only=True)
class ProcessTerminalSize:
    """The size of a terminal, in characters."""

    rows: Unsigned
    cols: Unsigned


@frozen(kw_only=True)
class ProcessSpawnParams:
    """Asks `process/spawn`: start a process outside of the sandbox."""

    command: tuple[str, ...]
    process_handle: str
    cwd: str
    tty: bool = False
    stream_stdin: bool = False
    stream_stdout_stderr: bool = False
    output_bytes_cap: Unsigned | None = None
    timeout_ms: int | None = None
    env: dict[str, str | None] | None = None
    size: ProcessTerminalSize | None = None


@frozen(kw_only=True)
class ProcessSpawnResponse:
    """Answers `process/spawn`."""


@frozen(kw_only=True)
class ProcessWriteStdinParams:
    """Asks `process/writeStdin`."""

    process_handle: str
    delta_base64: str | None = None
    close_stdin: bool = False


@frozen(kw_only=True)
class ProcessWriteStdinResponse:
    """Answers `process/writeStdin`."""


@frozen(kw_only=True)
class ProcessKillParams:
    """Asks `process/kill`."""

    process_handle: str


@frozen(kw_only=True)
class ProcessKillResponse:
    """Answers `process/kill`."""


@frozen(kw_only=True)
class ProcessResizePtyParams:
    """Asks `process/resizePty`."""

    process_handle: str
    size: ProcessTerminalSize


@frozen(kw_only=True)
class ProcessResizePtyResponse:
    """Answers `process/resizePty`."""


ProcessOutputStream: TypeAlias = Literal["stdout", "stderr"]


@frozen(kw_only=True)
class ProcessOutputDeltaNotification:
    """Tells `process/outputDelta`."""

    process_handle: str
    stream: ProcessOutputStream
    delta_base64: str
    cap_reached: bool


@frozen(kw_only=True)
class ProcessExitedNotification:
    """Tells `process/exited`."""

    process_handle: str
    exit_code: int
    output_drain_timed_out: bool | None = None
    stdout: str
    stdout_cap_reached: bool
    stderr: str
    stderr_cap_reached: bool
