"""`command/exec`: commands of the client in the sandbox, run to their end, and what can be done meanwhile."""

import base64
import os
from collections.abc import Mapping

from codex.app_server.api.command import (
    CommandExecOutputDeltaNotification,
    CommandExecParams,
    CommandExecResizeParams,
    CommandExecResizeResponse,
    CommandExecResponse,
    CommandExecTerminateParams,
    CommandExecTerminateResponse,
    CommandExecWriteParams,
    CommandExecWriteResponse,
)
from codex.app_server.client_process import ClientProcess, NoInput, NoTerminal, Stream, Streams
from codex.app_server.desk import Desk
from codex.app_server.files import decoded_input
from codex.app_server.rpc import INTERNAL_ERROR, INVALID_PARAMS, RpcError
from codex.app_server.sandboxes import sandbox_of
from codex.config.schema import Config
from codex.ports.process import Launch, SandboxUnavailable, SpawnFailed
from codex.processes.env import apply_policy

DEFAULT_SECONDS = 10.0
DEFAULT_CAP_BYTES = 1_048_576
MAX_AT_ONCE = 64


class _Command(ClientProcess):
    """A command that is known by the id its client gave it."""


async def execute(desk: Desk, params: CommandExecParams) -> CommandExecResponse:
    """Run a command to its end. Cancelled, or when the client leaves, nothing of it is left."""
    _check(params)
    mine, name = desk.server.belongings(desk.client), params.process_id
    if name is not None and mine.find(_Command, name) is not None:
        raise RpcError(f'duplicate active command/exec process id: "{name}"')
    if mine.count(_Command) >= MAX_AT_ONCE:
        raise RpcError(f"{MAX_AT_ONCE} commands run already; wait for one, or end it with command/exec/terminate")

    def tell(stream: Stream, data: bytes, *, capped: bool) -> None:
        piece = base64.b64encode(data).decode()
        told = CommandExecOutputDeltaNotification(
            process_id=name or "", stream=stream, delta_base64=piece, cap_reached=capped
        )
        desk.tell("command/exec/outputDelta", told)

    key = name if name is not None else f" {id(params)}"  # no id of a client begins with a space of ours
    config = await desk.server.load_config(params.cwd)
    command = _Command(_launch(config, params, desk.server.environ), _streams(params), tell)
    mine.keep(key, command)
    try:
        ended = await command.run(await desk.server.codex.open_launcher())
    except (SpawnFailed, SandboxUnavailable) as error:
        raise RpcError(f"failed to spawn command: {error}", INTERNAL_ERROR) from error
    finally:
        mine.forget(key, command)
    return CommandExecResponse(
        exit_code=ended.exit_code,
        stdout=ended.stdout.decode("utf-8", "replace"),
        stderr=ended.stderr.decode("utf-8", "replace"),
    )


def _check(params: CommandExecParams) -> None:
    if not params.command or not params.command[0]:
        raise RpcError("command must not be empty")
    if params.process_id is None and (params.tty or params.stream_stdin or params.stream_stdout_stderr):
        raise RpcError("command/exec tty or streaming requires a client-supplied processId")
    if params.timeout_ms is not None and params.timeout_ms < 0:
        raise RpcError(f"command/exec timeoutMs must be non-negative, got {params.timeout_ms}", INVALID_PARAMS)
    if params.timeout_ms is not None and params.disable_timeout:
        raise RpcError("command/exec cannot set both timeoutMs and disableTimeout", INVALID_PARAMS)
    if params.output_bytes_cap is not None and params.disable_output_cap:
        raise RpcError("command/exec cannot set both outputBytesCap and disableOutputCap", INVALID_PARAMS)
    if params.size is not None and not params.tty:
        raise RpcError("command/exec size requires tty: true", INVALID_PARAMS)
    if params.permission_profile is not None:
        raise RpcError("command/exec.permissionProfile is not supported by this server; use sandboxPolicy")


def _streams(params: CommandExecParams) -> Streams:
    cap = DEFAULT_CAP_BYTES if params.output_bytes_cap is None else params.output_bytes_cap
    seconds = DEFAULT_SECONDS if params.timeout_ms is None else params.timeout_ms / 1000
    return Streams(
        input=params.stream_stdin,
        live=params.stream_stdout_stderr,
        cap_bytes=None if params.disable_output_cap else cap,
        seconds=None if params.disable_timeout else seconds,
    )


def _launch(config: Config, params: CommandExecParams, environ: Mapping[str, str]) -> Launch:
    size = (params.size.rows, params.size.cols) if params.size else (24, 80)
    policy = config.sandbox_policy if params.sandbox_policy is None else sandbox_of(params.sandbox_policy)
    cwd = os.path.join(config.cwd, params.cwd) if params.cwd else config.cwd
    return Launch(
        argv=params.command,
        cwd=cwd,
        env=changed_environment(apply_policy(config.shell_environment_policy, environ), params.env),
        workspace=config.cwd,
        sandbox=policy,
        tty=params.tty,
        size=size,
        allow_unprotected_git=config.allow_unprotected_git,
    )


def changed_environment(environ: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """Variables with what a client sets; null takes one out.

    Raises:
      RpcError: a name or a value cannot be one.
    """
    found = dict(environ)
    for name, value in (changes or {}).items():
        if not name or "=" in name or "\0" in name + (value or ""):
            raise RpcError(f"{name!r} cannot be an environment variable with the value {value!r}")
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return found


def _find(desk: Desk, name: str) -> ClientProcess:
    command = desk.server.belongings(desk.client).find(_Command, name)
    if command is None:
        raise RpcError(f'no active command/exec for process id "{name}"')
    return command


async def write(desk: Desk, params: CommandExecWriteParams) -> CommandExecWriteResponse:
    """Write to a command's input, or close it. Cancelled, nothing is written."""
    data = decoded_input(params.delta_base64, "command/exec/write", closes=params.close_stdin)
    command = _find(desk, params.process_id)
    try:
        await command.write(data)
    except NoInput:
        raise RpcError("stdin streaming is not enabled for this command/exec") from None
    if params.close_stdin:
        command.close_input()
    return CommandExecWriteResponse()


async def terminate(desk: Desk, params: CommandExecTerminateParams) -> CommandExecTerminateResponse:
    """Kill a command and all it started. Does not wait: its own request is answered when it is gone."""
    _find(desk, params.process_id).kill()
    return CommandExecTerminateResponse()


async def resize(desk: Desk, params: CommandExecResizeParams) -> CommandExecResizeResponse:
    """Set the size of a command's terminal. Does not wait."""
    if not (params.size.rows > 0 and params.size.cols > 0):
        raise RpcError("command/exec size rows and cols must be greater than 0", INVALID_PARAMS)
    try:
        _find(desk, params.process_id).resize(params.size.rows, params.size.cols)
    except NoTerminal:
        raise RpcError("failed to resize PTY: process is not attached to a PTY") from None
    return CommandExecResizeResponse()


HANDLERS = {
    "command/exec": execute,
    "command/exec/write": write,
    "command/exec/terminate": terminate,
    "command/exec/resize": resize,
}
