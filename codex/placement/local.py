"""Workers on this machine: each a process of its own, which cannot outlive this one.

It is started on the thread that the engine runs on, since the kernel ends it when *that* ends (`PR_SET_PDEATHSIG`);
where there is no such thing, the end of its socket tells it.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import IO

import trio

from codex.placement.frames import Splitter
from codex.ports.placement import Link, WorkerLost

_READ_BYTES = 262_144
_LAST_WORDS = 600


class LocalWorkers:
    """Implements `codex.ports.placement.Workers`.

    Args:
      module: what a worker runs, as `python -m` does; the numbers of its socket and of this process are its arguments.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Link, None]:
        """A new process. Cancelled, it is killed, and gone before the block is left."""
        ours, theirs = socket.socketpair()
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, when nobody reads it any more
        with ours, said:
            try:
                process = self._start(theirs, said)
            except OSError as error:
                raise WorkerLost(f"no worker process could be started: {error.strerror or error}") from error
            finally:
                theirs.close()
            ours.settimeout(0)
            link = _Process(process, trio.SocketStream(trio.socket.from_stdlib_socket(ours)), said)
            try:
                yield link
            finally:
                link.kill()
                with trio.CancelScope(shield=True):  # it was killed: this is a moment
                    await link.ended()

    def _start(self, theirs: socket.socket, said: IO[bytes]) -> subprocess.Popen[bytes]:
        """In a session of its own, so that a ^C at our terminal does not reach it; no directory of a project is looked
        into for its modules."""
        number = theirs.fileno()
        command = [sys.executable, "-P", "-m", self._module, str(number), str(os.getpid())]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=(number,),
            start_new_session=True,
        )


class _Process:
    """Implements `codex.ports.placement.Link`."""

    def __init__(self, process: subprocess.Popen[bytes], stream: trio.SocketStream, said: IO[bytes]) -> None:
        self._process = process
        self._stream = stream
        self._said = said
        self._splitter = Splitter()

    async def send(self, frame: bytes) -> None:
        """See `Link`."""
        try:
            await self._stream.send_all(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise WorkerLost("its worker process does not listen any more") from error

    async def receive(self) -> bytes | None:
        """See `Link`."""
        while (frame := self._splitter.take()) is None:
            try:
                data = await self._stream.receive_some(_READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return None
            if not data:
                return None
            self._splitter.feed(data)
        return frame

    def kill(self) -> None:
        """See `Link`. Its commands end with it, since it had their helper's socket."""
        if self._process.poll() is None:
            self._process.kill()

    async def ended(self) -> str:
        """See `Link`."""
        code = await trio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)
        if code == 0:
            return ""
        if code < 0:
            return f"its worker process was ended by {signal.Signals(-code).name}"
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - _LAST_WORDS))
        words = self._said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f"its worker process ended with exit code {code}{f': {words}' if words else ''}"
