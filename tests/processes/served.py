"""A real `codex app-server` that listens on a socket, with a scripted model."""

import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from tests.behaviour.typed_codex import Place

PROGRAM = (sys.executable, "-m", "codex.cli.main")


def command(*more: str) -> list[str]:
    """The server as a command."""
    return [*PROGRAM, "-c", 'approval_policy="never"', "app-server", *more]


@attrs.frozen
class Served:
    """A running server: its process, and where it listens."""

    process: trio.Process
    url: str


@asynccontextmanager
async def open_served(
    place: Place, script: Any, listen: str = "ws://127.0.0.1:0", *, options: Sequence[str] = ()
) -> AsyncGenerator[Served, None]:
    """Start a server, and wait until it listens. At the end it is told to stop, and must."""
    place.play(script)
    process = await trio.lowlevel.open_process(
        command("--listen", listen, *options),
        env=place.environ,
        cwd=place.repo,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        printed = b""
        while b"listening on: " not in printed or not printed.endswith(b"\n"):
            data = await process.stderr.receive_some()
            assert data, f"the server ended: {printed.decode()}"
            printed += data
        url = printed.split(b"listening on: ")[1].split(b"\n")[0].decode()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_drain, process.stderr)
            yield Served(process, url)
            nursery.cancel_scope.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        with trio.CancelScope(shield=True):
            await process.wait()
            await process.stderr.aclose()


async def _drain(stream: trio.abc.ReceiveStream) -> None:
    async for _ in stream:
        pass
