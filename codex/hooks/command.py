"""Runs a hook's command: JSON on stdin, a deadline, and nothing of it left afterwards."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

import trio

from codex.hooks._machine import Ran

MAX_OUTPUT_BYTES = 1_048_576
# What may still come after the command itself has ended, from a child that kept its output.
_DRAIN_SECONDS, _REAP_SECONDS = 0.5, 2.0


async def run_command(command: str, payload: bytes, *, cwd: str, environ: Mapping[str, str], timeout: float) -> Ran:
    """Run it in a shell and a process group of its own; of its output a megabyte is kept.

    Cancelled, or at the deadline of `timeout` seconds, the whole group is killed.
    """
    argv = [environ.get("SHELL") or "/bin/sh", "-c", command]
    pipe = subprocess.PIPE
    try:
        process = await trio.lowlevel.open_process(
            argv, cwd=cwd, env=dict(environ), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except OSError as error:
        return Ran(None, problem=f"could not be started: {error.strerror or error}")
    out, err = bytearray(), bytearray()
    try:
        with trio.move_on_after(timeout) as deadline:
            await _talk(process, payload, out, err)
    finally:
        with trio.move_on_after(_REAP_SECONDS, shield=True):
            await _end(process)
    if deadline.cancelled_caught:
        return Ran(None, problem=f"was killed after {timeout:g} seconds")
    return Ran(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


async def _talk(process: trio.Process, payload: bytes, out: bytearray, err: bytearray) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_write, process.stdin, payload)
        nursery.start_soon(_read, process.stdout, out)
        nursery.start_soon(_read, process.stderr, err)
        await process.wait()
        nursery.cancel_scope.deadline = trio.current_time() + _DRAIN_SECONDS


async def _write(stdin: trio.abc.SendStream, payload: bytes) -> None:
    """A hook need not read what it is told."""
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stdin.send_all(payload)
    await stdin.aclose()


async def _read(stream: trio.abc.ReceiveStream, kept: bytearray) -> None:
    """Read to the end; what is over the bound is read and dropped, so that the hook does not wait for us."""
    async for chunk in stream:
        kept += chunk[: MAX_OUTPUT_BYTES - len(kept)]


async def _end(process: trio.Process) -> None:
    """Kill what is left of the group and take its leader's end."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            await trio.aclose_forcefully(stream)
    await process.wait()
