"""The guard of one command: it starts it, reports on it, and takes the whole tree down.

In namespaces it is process 1 of its own PID namespace, and its end is the end of everything in it. Elsewhere it is a
subreaper: whatever the command starts, also what leaves its session and its parent, comes back to it as its child, and
it kills its children until there are none.
"""

# ruff: noqa: SIM105 (contextlib is too heavy to import here)

from __future__ import annotations

import _socket
import marshal
import os
import select
import time

from . import _landlock, _namespaces
from . import _system as system
from ._command import can_spawn, run_command, spawn_command
from ._hidden import TooMuch
from ._signals import signals
from .request import EXITED, FAILED, KILL, SIGNAL, STARTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .request import Request

_KILL_SECONDS = 3.0


class Guard:
    """One command's guard, in a process of its own; `run` never returns.

    `stdio`: nothing for a terminal, one descriptor for all output, or one each for input, output and errors.
    """

    def __init__(self, request: Request, status: int, stdio: tuple[int, ...], lifeline: int) -> None:
        self.request = request
        self.status = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, status)
        self.stdio = stdio
        self.lifeline = lifeline
        self.level = request.confinement.level
        self.command = 0
        self.exited = False
        self.wake = -1

    def run(self, uid: int, gid: int) -> None:
        """Prepare, start the command, stay until nothing is left of it."""
        stage = "sandbox"
        try:
            self._prepare(uid, gid)
            stage = "exec"
            self._start()
            self._attend()
        except OSError as error:
            self._tell((FAILED, stage, error.errno or 0, str(error)))
            self._kill_all()
        except TooMuch as error:
            self._tell((FAILED, stage, 0, str(error)))
            self._kill_all()
        except Exception as error:  # whatever it is, it must not unwind into the helper's own loop
            self._tell((FAILED, stage, 0, f"{type(error).__name__}: {error}"))
            self._kill_all()
        os._exit(0)

    def _prepare(self, uid: int, gid: int) -> None:
        confinement = self.request.confinement
        keep = [self.status.fileno(), self.lifeline, *self.stdio]
        if self.level == "namespaces":
            _namespaces.map_user(uid, gid)
            keep += _namespaces.build(confinement)
            system.set_dumpable(on=False)
            system.forbid_new_privileges()
            if confinement.reachable is not None:
                _landlock.scope_abstract_sockets()
            system.drop_capabilities()
            system.install_filter(confinement.syscalls)
            system.die_with_parent(signals.SIGKILL)
        else:
            system.become_subreaper()
            system.die_with_parent(signals.SIGTERM)
        close_others(keep)
        # The parent may have gone before we asked to follow it; then its end of the lifeline is closed.
        poll = select.poll()
        poll.register(self.lifeline, 0)
        if poll.poll(0):
            os._exit(0)
        os.close(self.lifeline)

    def _start(self) -> None:
        wake, wake_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.wake = wake
        signals.signal(signals.SIGCHLD, _note)
        signals.signal(signals.SIGTERM, _note)
        signals.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        terminal = -1
        if can_spawn(self.request):
            try:
                self.command = spawn_command(self.request, self.stdio)
            except OSError as error:
                self._give_up("exec", error.errno or 0, error.strerror or str(error))
        else:
            terminal = self._fork_command()
        for descriptor in self.stdio:
            os.close(descriptor)
        self.stdio = ()
        descriptors = [os.pidfd_open(os.getpid()), os.pidfd_open(self.command)]
        if terminal >= 0:
            descriptors.append(terminal)
        self._tell((STARTED,), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _fork_command(self) -> int:
        """Start the command with steps of ours in between; our side of its terminal, or -1."""
        ours, theirs = os.openpty() if self.request.tty else (-1, -1)
        told, tell = os.pipe2(os.O_CLOEXEC)
        self.command = os.fork()
        if self.command == 0:
            run_command(self.request, tell, self.stdio if theirs < 0 else (theirs,) * 3)
        os.close(tell)
        if theirs >= 0:
            os.close(theirs)
        failure = os.read(told, 4096)
        os.close(told)
        if failure:
            self._give_up(*marshal.loads(failure))
        return ours

    def _give_up(self, stage: str, number: int, text: str) -> NoReturn:
        self._tell((FAILED, stage, number, text))
        self._kill_all()
        os._exit(0)

    def _attend(self) -> None:
        poll = select.poll()
        poll.register(self.status.fileno(), select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        while True:
            self._reap()
            for descriptor, _ in poll.poll():
                if descriptor == self.wake:
                    if signals.SIGTERM in os.read(self.wake, 512):
                        self._kill_all()
                        return
                elif not self._obey():
                    self._kill_all()
                    return

    def _obey(self) -> bool:
        """Do what the status socket says; False when everything is to end."""
        try:
            order = self.status.recv(16)
        except OSError:
            return False
        if order[:1] != SIGNAL:
            assert order in (b"", KILL)
            return False
        if not self.exited:
            try:
                os.killpg(self.command, order[1])
            except OSError:
                pass  # its group is gone
        return True

    def _reap(self) -> None:
        """Collect the dead; ends this process when nothing is left to guard."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                if self.exited:
                    os._exit(0)
                return
            if pid == 0:
                return
            if pid == self.command:
                self.exited = True
                left = self.level != "namespaces" and has_children()
                self._tell((EXITED, os.waitstatus_to_exitcode(status), left))
                if not left:
                    os._exit(0)

    def _kill_all(self) -> None:
        if self.level == "namespaces":
            os._exit(0)  # the kernel kills the rest of the namespace before it reports our end
        kill_descendants()

    def _tell(self, message: tuple[int | str | bool, ...], descriptors: list[int] | None = None) -> None:
        ancillary = []
        if descriptors:
            packed = b"".join(number.to_bytes(4, "little") for number in descriptors)
            ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)]
        try:
            self.status.sendmsg([marshal.dumps(message)], ancillary)
        except OSError:
            pass  # nobody is left to hear it


def _note(number: int, frame: object) -> None:
    """A signal came; the loop learns of it through the wake-up pipe."""


def close_others(keep: list[int]) -> None:
    """Close every descriptor above the standard ones, save those."""
    last = 2
    for descriptor in sorted(set(keep)):
        if descriptor > last:
            os.closerange(last + 1, descriptor)
            last = descriptor
    os.closerange(last + 1, 1 << 20)


def children_of(pid: int) -> list[int]:
    """The living and unreaped children of a process, of all its threads."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
                found += [int(child) for child in file.read(1 << 20).split()]
    except OSError:
        pass  # gone meanwhile
    return found


def has_children() -> bool:
    """Whether this process has any child left."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill_descendants() -> None:
    """Kill all below this process until there is nothing, whatever forks meanwhile; gives up after three seconds.

    What cannot die then is in an uninterruptible sleep, or belongs to another user.
    """
    give_up_at = time.monotonic() + _KILL_SECONDS
    while time.monotonic() < give_up_at:
        doomed = children_of(os.getpid())
        for pid in doomed:
            doomed += children_of(pid)
        for pid in doomed:
            try:
                os.kill(pid, signals.SIGKILL)
            except OSError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.0002)
