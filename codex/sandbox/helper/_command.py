"""From a guard to the command: by vfork where nothing has to be done in between, else by the last steps of a fork."""

from __future__ import annotations

import fcntl
import marshal
import os
import termios

from . import _landlock
from . import _system as system
from ._signals import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .request import Request


# What the interpreter and the helper ignore, and an exec would leave ignored.
_DEFAULT = (signals.SIGPIPE, signals.SIGXFSZ, signals.SIGINT, signals.SIGHUP)


def can_spawn(request: Request) -> bool:
    """Whether the command can be started without a step of ours between the fork and the exec, twice as fast."""
    return not request.tty and request.confinement.level != "landlock"


def spawn_command(request: Request, stdio: tuple[int, ...]) -> int:
    """Start the command without a terminal; its pid. It does not die with the guard: the helper sees to that.

    Raises:
      OSError: the directory or the program cannot be used.
    """
    _change_directory(request.cwd)
    actions: list[tuple[int, int, int] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_DUP2, stdio[0], 0)
        if len(stdio) == 3
        else (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, stdio[-2:][0], 1),
        (os.POSIX_SPAWN_DUP2, stdio[-1], 2),
    ]
    refused: OSError | None = None
    for program in _candidates(request):
        try:
            return os.posix_spawn(
                program,
                request.argv,
                request.env,
                file_actions=actions,
                setsid=True,
                setsigmask=(),
                setsigdef=_DEFAULT,
            )
        except OSError as error:
            refused = refused if isinstance(error, FileNotFoundError) and refused else _plain(error)
    raise refused or FileNotFoundError(2, "No such file or directory")


def _candidates(request: Request) -> list[bytes]:
    """Where the program may be: the name itself, or what exists of it on the command's own PATH."""
    name = request.argv[0]
    if b"/" in name:
        return [name]
    directories = request.env.get(b"PATH", b"/usr/local/bin:/usr/bin:/bin").split(b":")
    paths = [(directory or b".") + b"/" + name for directory in directories]
    return [path for path in paths if os.path.exists(path)]


def _change_directory(path: bytes) -> None:
    try:
        os.chdir(path)
    except OSError as error:
        raise OSError(error.errno, f"working directory {os.fsdecode(path)!r}: {error.strerror}") from None


def _plain(error: OSError) -> OSError:
    return OSError(error.errno, error.strerror)


def run_command(request: Request, tell: int, stdio: tuple[int, ...]) -> NoReturn:
    """Become the command; what goes wrong is written to `tell`, which closes by itself when the command runs."""
    stage = "exec"
    try:
        os.setsid()
        _take_stdio(request, stdio)
        signals.set_wakeup_fd(-1)
        for number in (*_DEFAULT, signals.SIGCHLD, signals.SIGTERM):
            signals.signal(number, signals.SIG_DFL)
        signals.pthread_sigmask(signals.SIG_SETMASK, ())
        if request.confinement.level != "namespaces":
            system.die_with_parent(signals.SIGKILL)
        if request.confinement.level == "landlock":
            stage = "sandbox"
            system.forbid_new_privileges()
            _landlock.restrict(request.confinement)
            system.drop_capabilities()
            system.install_filter(request.confinement.syscalls)
            stage = "exec"
        _change_directory(request.cwd)
        _execute(request)
    except OSError as error:
        os.write(tell, marshal.dumps((stage, error.errno or 0, (error.strerror or str(error))[:2000])))
    finally:
        os._exit(127)


def _take_stdio(request: Request, stdio: tuple[int, ...]) -> None:
    if request.tty:
        output = stdio[0]
        fcntl.ioctl(output, termios.TIOCSCTTY, 0)
        rows, columns = request.size
        size = rows.to_bytes(2, "little") + columns.to_bytes(2, "little") + bytes(4)
        fcntl.ioctl(output, termios.TIOCSWINSZ, size)
    if len(stdio) == 3:
        os.dup2(stdio[0], 0)
    else:
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
    os.dup2(stdio[-2:][0], 1)
    os.dup2(stdio[-1], 2)


def _execute(request: Request) -> NoReturn:
    refused: OSError | None = None
    for program in _candidates(request):
        try:
            os.execve(program, request.argv, request.env)
        except OSError as error:
            refused = refused if isinstance(error, FileNotFoundError) and refused else _plain(error)
    raise refused or FileNotFoundError(2, "No such file or directory")
