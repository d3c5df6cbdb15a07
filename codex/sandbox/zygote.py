"""Start the helper that starts processes. Light on purpose: the command line calls this before anything is imported."""

import os
import sys

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "helper", "main.py")
_INHERITED = 3


class Zygote:
    """A helper that was started: its process and our end of its socket. It ends when that is closed.

    Where there is no helper for the system, nothing was started: the process is 0, the socket -1.
    """

    __slots__ = ("command", "pid", "socket")

    def __init__(self, pid: int, socket: int, command: tuple[str, ...]) -> None:
        self.pid = pid
        self.socket = socket
        self.command = command


def start_zygote(command: tuple[str, ...] = ()) -> Zygote:
    """Start the helper and return at once; it gets ready while we go on.

    It is in a session of its own, so a ^C at our terminal does not reach it, and it ends with this process, however
    this ends. On other systems than Linux nothing is started.

    Args:
      command: the program and its arguments, to which the number of the socket is added; default is our own.

    Raises:
      OSError: no process could be started.
    """
    if sys.platform != "linux":
        return Zygote(0, -1, command)
    import _socket

    command = command or (sys.executable, "-I", "-S", "-X", "utf8", _PROGRAM)
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        nothing = [(os.POSIX_SPAWN_OPEN, n, "/dev/null", os.O_RDWR, 0) for n in (0, 1, 2)]
        pid = os.posix_spawn(
            command[0],
            [*command, str(_INHERITED)],
            {"LC_CTYPE": "C.UTF-8"},
            file_actions=[*nothing, (os.POSIX_SPAWN_DUP2, theirs.fileno(), _INHERITED)],
            setsid=True,
            setsigmask=(),
        )
    finally:
        theirs.close()
    return Zygote(pid, ours.detach(), command)
