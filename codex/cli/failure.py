"""How errors end the program: one line for the user, a file for us, never a traceback on the screen."""

import os
import sys
from collections.abc import Mapping
from typing import cast

from codex.base.errors import CodexError, UserError
from codex.cli._arguments import UsageError


class Refusal(UserError):
    """There is nothing to run; told without a prefix, as Codex tells it."""


def report(error: BaseException, *, environ: Mapping[str, str] = os.environ) -> int:
    """Tell the user what went wrong; returns the exit code: 2 for the command line, else 1."""
    for leaf in leaves(error):
        if isinstance(leaf, UsageError):
            say(f"error: {leaf}\n\nFor more information, try '{leaf.command} --help'.")
            return 2
    for leaf in leaves(error):
        if isinstance(leaf, KeyboardInterrupt):
            return 130
        if isinstance(leaf, CodexError):
            say(str(leaf) if isinstance(leaf, Refusal) else f"Error: {leaf}")
            return 1
        if isinstance(leaf, BrokenPipeError):
            return 1
    say(_unexpected(error, environ))
    return 1


def leaves(error: BaseException) -> list[BaseException]:
    """The errors inside of groups, the user's own mistakes first."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)
    found = [leaf for inner in group.exceptions for leaf in leaves(inner)]
    return sorted(found, key=lambda leaf: not isinstance(leaf, UserError))


def say(text: str) -> None:
    """A message on stderr; where nobody can read it, it is dropped."""
    try:
        sys.stderr.write(text if text.endswith("\n") else f"{text}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return


def _unexpected(error: BaseException, environ: Mapping[str, str]) -> str:
    first = leaves(error)[0]
    what = f"{type(first).__name__}: {first}".splitlines()[0][:500]
    path = _keep_traceback(error, environ)
    where = f"; the traceback is in {path}" if path else "; the traceback could not be written"
    return f"Error: codex stopped by a fault of its own: {what}{where}"


def _keep_traceback(error: BaseException, environ: Mapping[str, str]) -> str | None:
    import tempfile
    import time
    import traceback

    text = "".join(traceback.format_exception(error))
    home = environ.get("CODEX_HOME") or os.path.join(os.path.expanduser("~"), ".codex")
    name = f"crash-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    for directory in (os.path.join(home, "log"), tempfile.gettempdir()):
        path = os.path.join(directory, name)
        try:
            if os.path.isdir(home) or directory == tempfile.gettempdir():
                os.makedirs(directory, mode=0o700, exist_ok=True)
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(text)
                return path
        except OSError:
            continue
    return None
