"""The helper's loop: a request comes, a guard is forked; a guard ends, it is reaped and tidied after.

It holds nothing but what to tidy. When its socket ends, it ends, and every guard with it.
"""

# ruff: noqa: SIM105 (contextlib is too heavy to import here)

from __future__ import annotations

import _socket
import fcntl
import gc
import marshal
import os
import select

from . import _namespaces
from . import _system as system
from ._guard import Guard, children_of
from ._placeholders import release
from ._probe import probe
from ._signals import signals
from .request import FAILED, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import Request


_FIOCLEX = 0x5451


def serve(descriptor: int) -> None:
    """Serve requests on the socket until its other end is closed."""
    signals.signal(signals.SIGINT, signals.SIG_IGN)
    signals.signal(signals.SIGHUP, signals.SIG_IGN)
    os.chdir("/")
    fcntl.ioctl(descriptor, _FIOCLEX)
    socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor)
    try:
        system.become_subreaper()
        capabilities = probe()
    except OSError as error:
        socket.send(marshal.dumps({"failed": str(error)}))
        return
    socket.send(marshal.dumps(capabilities))
    server = _Server(socket)
    gc.disable()
    gc.freeze()
    server.run()


class _Server:
    def __init__(self, socket: _socket.socket) -> None:
        self._socket = socket
        self._uid, self._gid = os.getuid(), os.getgid()
        self._guards: dict[int, tuple[str, ...]] = {}
        # Held open here and by nobody else: a guard that finds it closed has lost us.
        self._lifeline, self._lifeline_end = os.pipe2(os.O_CLOEXEC)
        self._wake, wake_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signals.signal(signals.SIGCHLD, _note)
        signals.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def run(self) -> None:
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._wake:
                    os.read(self._wake, 4096)
                    self._reap()
                elif not self._accept():
                    return self._end()

    def _accept(self) -> bool:
        """Take one request; False at the end of the socket."""
        try:
            data, ancillary, _, _ = self._socket.recvmsg(1 << 18, 256, _socket.MSG_CMSG_CLOEXEC)
        except OSError:
            return False
        descriptors = [
            int.from_bytes(rights[at : at + 4], "little")
            for _, kind, rights in ancillary
            if kind == _socket.SCM_RIGHTS
            for at in range(0, len(rights) // 4 * 4, 4)
        ]
        if not data:
            return False
        if data == b"\0":
            data = _read_all(descriptors.pop())
        if descriptors:
            self._fork(unpack(data), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _fork(self, request: Request, descriptors: list[int]) -> None:
        confinement = request.confinement
        if confinement.scans:
            __import__("re")  # here once, so that the guards need not, one by one
        inside = confinement.level == "namespaces"
        flags = _namespaces.FLAGS | (0 if confinement.network else system.CLONE_NEWNET)
        try:
            pid = system.clone(flags) if inside else os.fork()
        except OSError as error:
            _refuse(descriptors[0], error)
            return
        if pid == 0:
            try:
                os.close(self._lifeline_end)
                signals.set_wakeup_fd(-1)
                Guard(request, descriptors[0], tuple(descriptors[1:]), self._lifeline).run(self._uid, self._gid)
            finally:
                os._exit(70)
        self._guards[pid] = tuple(path for path, kind, _ in confinement.layers if kind == "hold")

    def _reap(self) -> None:
        crashed = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                pid, status = 0, 0
            if pid == 0:
                break
            places = self._guards.pop(pid, None)
            crashed = crashed or status != 0 or places is None
            for path in places or ():
                release(path)
        if crashed:
            self._kill_orphans()

    def _kill_orphans(self) -> None:
        """Somebody killed a guard: what it guarded has come to us."""
        for pid in children_of(os.getpid()):
            if pid not in self._guards:
                try:
                    os.kill(pid, signals.SIGKILL)
                except OSError:
                    pass

    def _end(self) -> None:
        """Our owner is gone: so are the guards' (their sockets ended with it); wait for them and tidy."""
        signals.alarm(5)
        while self._guards:
            try:
                pid, _ = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            for path in self._guards.pop(pid, ()):
                release(path)


def _note(number: int, frame: object) -> None:
    """A child ended; the loop learns of it through the wake-up pipe."""


def _read_all(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    data = os.pread(descriptor, size, 0)
    os.close(descriptor)
    return data


def _refuse(status: int, error: OSError) -> None:
    socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, os.dup(status))
    try:
        socket.send(marshal.dumps((FAILED, "sandbox", error.errno or 0, str(error))))
    except OSError:
        pass
    socket.close()
