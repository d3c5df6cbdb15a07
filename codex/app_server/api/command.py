"""Commands of the client, in the sandbox."""

from typing import Literal, TypeAlias

from codex.app_server.api.settings import SandboxPolicy
from codex.app_server.wire import Unsigned
from codex.base.frozen import frozen


@frozen(kw_only=True)
class CommandExecTerminalSize:
    """The size of a terminal, in characters."""

    rows: Unsigned
    cols: Unsigned


@frozen(kw_only=True)
class CommandExecParams:
    """Asks `command/exec`: run a command in the sandbox to its end."""

    command: tuple[str, ...]
    process_id: str | None = None
    tty: bool = False
    stream_stdin: bool = False
    stream_stdout_stderr: bool = False
    output_bytes_cap: Unsigned | None = None
    disable_output_cap: bool = False
    disable_timeout: bool = False
    timeout_ms: int | None = None
    cwd: str | None = None
    env: dict[str, str | None] | None = None
    size: CommandExecTerminalSize | None = None
    sandbox_policy: SandboxPolicy | None = None
    permission_profile: str | None = None


@frozen(kw_only=True)
class CommandExecResponse:
    """Answers `command/exec`."""

    exit_code: int
    stdout: str
    stderr: str


@frozen(kw_only=True)
class CommandExecWriteParams:
    """Asks `command/exec/write`."""

    process_id: str
    delta_base64: str | None = None
    close_stdin: bool = False


@frozen(kw_only=True)
class CommandExecWriteResponse:
    """Answers `command/exec/write`."""


@frozen(kw_only=True)
class CommandExecTerminateParams:
    """Asks `command/exec/terminate`."""

    process_id: str


@frozen(kw_only=True)
class CommandExecTerminateResponse:
    """Answers `command/exec/terminate`."""


@frozen(kw_only=True)
class CommandExecResizeParams:
    """Asks `command/exec/resize`."""

    process_id: str
    size: CommandExecTerminalSize


@frozen(kw_only=True)
class CommandExecResizeResponse:
    """Answers `command/exec/resize`."""


CommandExecOutputStream: TypeAlias = Literal["stdout", "stderr"]


@frozen(kw_only=True)
class CommandExecOutputDeltaNotification:
    """Tells `command/exec/outputDelta`."""

    process_id: str
    stream: CommandExecOutputStream
    delta_base64: str
    cap_reached: bool
