"""`process/*`: processes of the client, outside of any sandbox; they end with their client."""

import base64
import os
from typing import Never

import trio

from actors import Mailbox
from codex.app_server.api.process import (
    ProcessExitedNotification,
    ProcessKillParams,
    ProcessKillResponse,
    ProcessOutputDeltaNotification,
    ProcessResizePtyParams,
    ProcessResizePtyResponse,
    ProcessSpawnParams,
    ProcessSpawnResponse,
    ProcessWriteStdinParams,
    ProcessWriteStdinResponse,
)
from codex.app_server.client_process import ClientProcess, Ended, NoInput, NoTerminal, Stream, Streams
from codex.app_server.desk import Desk
from codex.app_server.files import decoded_input
from codex.app_server.processors.command import DEFAULT_CAP_BYTES, MAX_AT_ONCE, changed_environment
from codex.app_server.rpc import INTERNAL_ERROR, INVALID_PARAMS, RpcError
from codex.ports.process import Launch, SandboxUnavailable, SpawnFailed
from codex.protocol.permission import SandboxPolicy


class _Handle(ClientProcess):
    """A process that is known by the handle its client gave it."""


async def spawn(desk: Desk, params: ProcessSpawnParams) -> ProcessSpawnResponse:
    """Start a process; its end is told by `process/exited`. Cancelled, it may run until the client leaves."""
    mine, name = desk.server.belongings(desk.client), params.process_handle
    _check(params)
    if mine.find(_Handle, name) is not None:
        raise RpcError(f'duplicate active process handle: "{name}"')
    if mine.count(_Handle) >= MAX_AT_ONCE:
        raise RpcError(f"{MAX_AT_ONCE} processes run already; end one with process/kill first")

    def tell(stream: Stream, data: bytes, *, capped: bool) -> None:
        piece = base64.b64encode(data).decode()
        told = ProcessOutputDeltaNotification(
            process_handle=name, stream=stream, delta_base64=piece, cap_reached=capped
        )
        desk.tell("process/outputDelta", told)

    process = _Handle(_launch(desk, params), _streams(params), tell)
    mine.keep(name, process)
    begun, failures = trio.Event(), list[Exception]()

    async def run(mailbox: Mailbox[Never]) -> None:
        mailbox.started()
        try:
            ended = await process.run(await desk.server.codex.open_launcher(), on_started=begun.set)
        except (SpawnFailed, SandboxUnavailable) as error:
            failures.append(error)
        else:
            mine.forget(name, process)
            desk.tell("process/exited", _exited(name, ended))
        finally:
            mine.forget(name, process)
            begun.set()

    mine.spawn(run, f"process-{name}")
    await begun.wait()
    if failures:
        raise RpcError(f"failed to spawn process: {failures[0]}", INTERNAL_ERROR)
    return ProcessSpawnResponse()


def _check(params: ProcessSpawnParams) -> None:
    if not params.command or not params.command[0]:
        raise RpcError("command must not be empty")
    if not params.process_handle:
        raise RpcError("processHandle must not be empty")
    if params.timeout_ms is not None and params.timeout_ms < 0:
        raise RpcError(f"process/spawn timeoutMs must be non-negative, got {params.timeout_ms}", INVALID_PARAMS)
    if params.size is not None and not params.tty:
        raise RpcError("process/spawn size requires tty: true", INVALID_PARAMS)
    if not os.path.isabs(params.cwd):
        raise RpcError(f"Invalid request: process/spawn cwd {params.cwd!r} is not absolute")


def _streams(params: ProcessSpawnParams) -> Streams:
    return Streams(
        input=params.stream_stdin,
        live=params.stream_stdout_stderr,
        cap_bytes=DEFAULT_CAP_BYTES if params.output_bytes_cap is None else params.output_bytes_cap,
        seconds=None if params.timeout_ms is None else params.timeout_ms / 1000,
    )


def _launch(desk: Desk, params: ProcessSpawnParams) -> Launch:
    return Launch(
        argv=params.command,
        cwd=params.cwd,
        env=changed_environment(desk.server.environ, params.env),
        workspace=params.cwd,
        sandbox=SandboxPolicy("danger-full-access"),
        tty=params.tty,
        size=(params.size.rows, params.size.cols) if params.size else (24, 80),
    )


def _exited(name: str, ended: Ended) -> ProcessExitedNotification:
    return ProcessExitedNotification(
        process_handle=name,
        exit_code=ended.exit_code,
        output_drain_timed_out=ended.drain_timed_out,
        stdout=ended.stdout.decode("utf-8", "replace"),
        stdout_cap_reached="stdout" in ended.capped,
        stderr=ended.stderr.decode("utf-8", "replace"),
        stderr_cap_reached="stderr" in ended.capped,
    )


def _find(desk: Desk, name: str) -> ClientProcess:
    process = desk.server.belongings(desk.client).find(_Handle, name)
    if process is None:
        raise RpcError(f'no active process for process handle "{name}"')
    return process


async def write(desk: Desk, params: ProcessWriteStdinParams) -> ProcessWriteStdinResponse:
    """Write to a process's input, or close it. Cancelled, nothing is written."""
    data = decoded_input(params.delta_base64, "process/writeStdin", closes=params.close_stdin)
    process = _find(desk, params.process_handle)
    try:
        await process.write(data)
    except NoInput:
        raise RpcError("stdin streaming is not enabled for this process") from None
    if params.close_stdin:
        process.close_input()
    return ProcessWriteStdinResponse()


async def kill(desk: Desk, params: ProcessKillParams) -> ProcessKillResponse:
    """Kill a process and all it started. Does not wait: `process/exited` follows."""
    _find(desk, params.process_handle).kill()
    return ProcessKillResponse()


async def resize(desk: Desk, params: ProcessResizePtyParams) -> ProcessResizePtyResponse:
    """Set the size of a process's terminal. Does not wait."""
    try:
        _find(desk, params.process_handle).resize(params.size.rows, params.size.cols)
    except NoTerminal:
        raise RpcError("failed to resize PTY: process is not attached to a PTY") from None
    return ProcessResizePtyResponse()


HANDLERS = {
    "process/spawn": spawn,
    "process/writeStdin": write,
    "process/kill": kill,
    "process/resizePty": resize,
}
