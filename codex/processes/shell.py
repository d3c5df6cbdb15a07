"""The user's shell, and how a command line is given to it."""

import os
from collections.abc import Callable, Mapping

_FALLBACKS = ("/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh")
_KINDS = ("bash", "zsh", "sh")
_USABLE = frozenset(("bash", "zsh", "sh", "dash", "ksh"))


def choose_shell(passwd_shell: str | None, environ: Mapping[str, str], exists: Callable[[str], bool]) -> str:
    """The shell that runs command lines: the user's own where it speaks sh, else bash, else sh.

    Args:
      passwd_shell: the user's entry in the password file, which counts before $SHELL.
      exists: whether there is a program at a path.
    """
    for shell in (passwd_shell, environ.get("SHELL")):
        if shell and shell.startswith("/") and shell.rpartition("/")[2] in _USABLE and exists(shell):
            return shell
    return next((shell for shell in _FALLBACKS if exists(shell)), _FALLBACKS[2])


def user_shell(environ: Mapping[str, str]) -> str:
    """The shell of this user on this machine."""
    import pwd

    try:
        entry = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        entry = None
    return choose_shell(entry, environ, lambda path: os.access(path, os.X_OK))


def find_shell(wanted: str, own: str, environ: Mapping[str, str]) -> str:
    """The shell for a name or path that a model asks for, as Codex finds it: by its kind, never by its place.

    The user's own where it is of that kind, else the one on PATH; sh where there is none, and for any other program.
    """
    from shutil import which

    kind = wanted.rpartition("/")[2].removesuffix(".exe")
    if kind not in _KINDS:
        return _FALLBACKS[2]
    if own.rpartition("/")[2] == kind:
        return own
    return which(kind, path=environ.get("PATH")) or _FALLBACKS[2]


def shell_argv(shell: str, command: str, *, login: bool) -> tuple[str, ...]:
    """The command line as an argument list."""
    return (shell, "-lc" if login else "-c", command)
