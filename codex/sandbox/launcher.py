"""Start commands through the helper, each confined as its policy says."""

import array
import marshal
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import cast

import trio

from codex.ports.process import Child, Launch, SpawnFailed
from codex.sandbox._child import receive_started
from codex.sandbox.direct import DirectLauncher
from codex.sandbox.disk import Places
from codex.sandbox.helper.request import LARGEST_PACKET, Request
from codex.sandbox.linux import confinement_of
from codex.sandbox.select import Capabilities, Description, describe, select_level
from codex.sandbox.zygote import Zygote, start_zygote

_READY_WITHIN = 10.0
_START_WITHIN = 30.0
_END_WITHIN = 5.0
_RESTARTS_IN_A_ROW = 3


class ZygoteLauncher:
    """Implements `Launcher` with a zygote; a lost one is replaced at the next start.

    Args:
      zygote: one that was started early, or None to start one when it is needed.
      pretend: capabilities to go by instead of the machine's own, to try a lower level.
    """

    def __init__(self, zygote: Zygote | None = None, *, pretend: Capabilities | None = None) -> None:
        self._zygote = zygote
        self._command = zygote.command if zygote is not None else ()
        self._socket: socket.socket | None = None
        self._pretend = pretend
        self._capabilities: Capabilities | None = None
        self._ready = trio.Lock()
        self._failures = 0
        self._places = Places()

    async def __aenter__(self) -> "ZygoteLauncher":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def zygote_pid(self) -> int | None:
        """The process id of the helper, where one was started."""
        return None if self._zygote is None else self._zygote.pid

    async def capabilities(self) -> Capabilities:
        """What this machine can do, once the helper has tried.

        Raises:
          SpawnFailed: the helper does not come up.
        """
        await self._wait_ready()
        assert self._capabilities is not None
        return self._pretend or self._capabilities

    async def describe(self) -> Description:
        """What the sandbox is worth here, in words. Raises as `capabilities`."""
        return describe(await self.capabilities())

    async def launch(self, command: Launch, output: int | None) -> Child:
        """See `Launcher.launch`."""
        return await self.launch_with(command, () if command.tty or output is None else (output,))

    async def launch_with(self, command: Launch, stdio: tuple[int, ...]) -> Child:
        """As `launch`, with one descriptor for all output, or with one each for input, output and errors."""
        capabilities = await self.capabilities()
        plan = self._places.resolve(command.sandbox, command.workspace, command.env.get("TMPDIR"))
        level = select_level(
            plan.mode,
            capabilities,
            allow_unprotected_git=command.allow_unprotected_git,
            limits_reading=plan.limits_reading,
        )
        request = Request(
            tuple(os.fsencode(word) for word in command.argv),
            os.fsencode(command.cwd),
            {os.fsencode(name): os.fsencode(value) for name, value in command.env.items()},
            confinement_of(plan, level, capabilities.machine, command.env),
            command.size,
            tty=command.tty,
        )
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError as error:
            raise SpawnFailed(f"cannot start {command.argv[0]!r}: {error.strerror}") from error
        ours.settimeout(0)
        started = False
        try:
            with theirs:
                await self._send(request.pack(), [theirs.fileno(), *stdio])
            what = repr(command.argv[0])
            with trio.move_on_after(_START_WITHIN):
                child = await receive_started(ours, level, what, tty=command.tty)
                started = True
                return child
            raise SpawnFailed(f"cannot start {what}: the helper did not answer within {_START_WITHIN:g} s")
        finally:
            if not started:
                ours.close()

    async def _send(self, data: bytes, descriptors: list[int]) -> None:
        memory = -1
        try:
            if len(data) > LARGEST_PACKET:
                memory = os.memfd_create("request")
                os.write(memory, data)
                data, descriptors = b"\0", [*descriptors, memory]
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
            while True:
                zygote = await self._wait_ready()
                try:
                    zygote.sendmsg([data], ancillary)
                    return
                except BlockingIOError:
                    await trio.lowlevel.wait_writable(zygote)
                except OSError:
                    self._forget()  # it died between two requests; the next one is tried
        finally:
            if memory >= 0:
                os.close(memory)

    async def _wait_ready(self) -> socket.socket:
        """The socket of a helper that has said hello."""
        if self._socket is not None:
            return self._socket
        async with self._ready:
            while self._socket is None:
                if self._failures >= _RESTARTS_IN_A_ROW:
                    self._failures = 0
                    raise SpawnFailed(f"the helper that starts processes died {_RESTARTS_IN_A_ROW} times in a row")
                await self._greet()
            return self._socket

    async def _greet(self) -> None:
        if sys.platform != "linux":
            raise SpawnFailed(f"there is no helper that starts processes on {sys.platform}; see open_launcher")
        if self._zygote is None:
            try:
                self._zygote = start_zygote(self._command)
            except OSError as error:
                raise SpawnFailed(f"cannot start the helper that starts processes: {error}") from error
        connection = socket.socket(fileno=os.dup(self._zygote.socket))
        connection.settimeout(0)
        try:
            await self._hear_hello(connection)
        finally:
            if self._socket is not connection:
                connection.close()

    async def _hear_hello(self, connection: socket.socket) -> None:
        hello = b""
        with trio.move_on_after(_READY_WITHIN):
            await trio.lowlevel.wait_readable(connection)
            with suppress(OSError):
                hello = connection.recv(65_536)
        if not hello:
            self._failures += 1
            self._forget()
            return
        said = cast("dict[str, object]", marshal.loads(hello))
        if "failed" in said:
            raise SpawnFailed(f"the helper that starts processes failed: {said['failed']}")
        self._failures = 0
        self._capabilities = capabilities_in(said)
        self._socket = connection

    def _forget(self) -> None:
        """Give up the helper; the next request starts another one."""
        if self._socket is not None:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
            self._socket = None
        lost, self._zygote = self._zygote, None
        if lost is not None:
            os.close(lost.socket)
            _reap(lost)

    async def aclose(self) -> None:
        """End the helper and all it started. Bounded; cancelling does not keep it from ending."""
        zygote, self._zygote = self._zygote, None
        connection, self._socket = self._socket, None
        if zygote is None or not zygote.pid:
            return
        os.close(zygote.socket)
        if connection is None:
            _reap(zygote)  # it never started anything, so there is nothing for it to tidy
            return
        trio.lowlevel.notify_closing(connection)
        connection.close()
        with trio.CancelScope(deadline=trio.current_time() + _END_WITHIN, shield=True):
            try:
                ended = os.pidfd_open(zygote.pid)
            except ProcessLookupError:
                return
            try:
                await trio.lowlevel.wait_readable(ended)
            finally:
                os.close(ended)
        _reap(zygote)


@asynccontextmanager
async def open_launcher(zygote: Zygote | None = None) -> AsyncGenerator["ZygoteLauncher | DirectLauncher"]:
    """What starts commands on this machine: with a zygote on Linux, elsewhere directly and without a sandbox.

    Args:
      zygote: one that was started early.
    """
    if sys.platform == "linux":
        async with ZygoteLauncher(zygote) as launcher:
            yield launcher
    else:
        yield DirectLauncher()


def _reap(zygote: Zygote) -> None:
    """Collect the process, killing it where it did not end by itself."""
    with suppress(ChildProcessError):
        if os.waitpid(zygote.pid, os.WNOHANG)[0] == 0:
            os.kill(zygote.pid, signal.SIGKILL)
            os.waitpid(zygote.pid, 0)


def capabilities_in(said: dict[str, object]) -> Capabilities:
    """The capabilities in a helper's hello."""
    return Capabilities(
        system="linux",
        machine=str(said["machine"]),
        namespaces_refused=str(said["namespaces"]),
        fresh_proc=bool(said["fresh_proc"]),
        landlock_abi=cast("int", said["landlock_abi"]),
        seccomp=bool(said["seccomp"]),
        uid=cast("int", said["uid"]),
    )
