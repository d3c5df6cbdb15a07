"""A command that runs, seen through the socket to its guard."""

import errno
import marshal
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress

import trio

from codex.ports.process import ChildExit, SpawnFailed
from codex.sandbox.helper import request as wire


class GuardedChild:
    """Implements `Child`: the guard answers on `status`; descriptors of guard and command say when each is gone."""

    def __init__(self, status: socket.socket, descriptors: Sequence[int], level: str) -> None:
        self._status = status
        self._guard, self._command = descriptors[:2]
        self._terminal = descriptors[2] if len(descriptors) > 2 else None
        self._level = level
        self._pid = _pid_of(self._command)
        self._exit: ChildExit | None = None

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def terminal(self) -> int | None:
        return self._terminal

    async def wait_exit(self) -> ChildExit | None:
        while self._exit is None:
            await trio.lowlevel.wait_readable(self._status)
            message, _ = receive(self._status)
            if message is None:
                return None
            if message[0] == wire.EXITED:
                _, code, left = message
                assert isinstance(code, int)
                self._exit = ChildExit(code if code >= 0 else 128 - code, bool(left))
        return self._exit

    @property
    def _closed(self) -> bool:
        return self._guard < 0

    def send_signal(self, number: int) -> None:
        self._order(wire.SIGNAL + bytes((number,)))

    def kill(self, *, force: bool = False) -> None:
        if self._closed:
            return
        if force or self._level == "namespaces":
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._guard, signal.SIGKILL)
        else:
            self._order(wire.KILL)

    def _order(self, order: bytes) -> None:
        with suppress(OSError):  # the guard is gone, or so far behind that a kill is what is left
            self._status.send(order)

    async def wait_gone(self) -> None:
        if self._closed:
            await trio.lowlevel.checkpoint()
        else:
            await trio.lowlevel.wait_readable(self._guard)

    def close(self) -> None:
        if self._closed:
            return
        trio.lowlevel.notify_closing(self._status)
        trio.lowlevel.notify_closing(self._guard)
        self._status.close()
        os.close(self._guard)
        os.close(self._command)
        self._guard = self._command = -1


def receive(status: socket.socket) -> tuple[tuple[object, ...] | None, list[int]]:
    """One message of a guard with its descriptors; None at the end."""
    try:
        data, ancillary, _, _ = status.recvmsg(65_536, 256, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None, []
    descriptors = [
        int.from_bytes(rights[at : at + 4], "little")
        for _, kind, rights in ancillary
        if kind == socket.SCM_RIGHTS
        for at in range(0, len(rights) // 4 * 4, 4)
    ]
    if not data:
        return None, descriptors
    message: tuple[object, ...] = marshal.loads(data)
    return message, descriptors


async def receive_started(status: socket.socket, level: str, what: str, *, tty: bool) -> GuardedChild:
    """The child, once its guard says that it runs. Cancel-safe: nothing is taken.

    Raises:
      SpawnFailed: it does not run, and why.
    """
    await trio.lowlevel.wait_readable(status)
    message, descriptors = receive(status)
    if message is None:
        raise SpawnFailed(f"cannot start {what}: the helper that starts processes ended; try again")
    if message[0] == wire.STARTED:
        try:
            if len(descriptors) < (3 if tty else 2):
                raise OSError(errno.EMFILE, "not all descriptors came")
            return GuardedChild(status, descriptors, level)
        except OSError as error:
            for descriptor in descriptors:
                os.close(descriptor)
            raise SpawnFailed(f"cannot start {what}: {os.strerror(error.errno or 0)}") from error
    _, stage, number, text = message
    if stage == "sandbox":
        why = f"{text} (errno {number})" if number else text
        raise SpawnFailed(f"cannot start {what}: the sandbox could not be set up: {why}")
    assert isinstance(number, int)
    raise SpawnFailed(f"cannot start {what}: {text}", number)


def _pid_of(pidfd: int) -> int:
    """The id in our namespace of the process behind a pidfd; 0 when it was collected already."""
    with open(f"/proc/self/fdinfo/{pidfd}", "rb", buffering=0) as file:
        for line in file.read(4096).splitlines():
            if line.startswith(b"Pid:"):
                return max(int(line[4:]), 0)
    return 0
