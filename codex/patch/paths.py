"""Where the paths of a patch point to."""

import os

from codex.base.errors import ToolFailure

_LOST_IN_URLS = str.maketrans("", "", "\t\r\n")


class UnusablePath(ToolFailure):
    """No file can have this path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"'{path}' is invalid on 'linux'")
        self.path = path


def resolve(path: str, cwd: str) -> str:
    """The absolute path, with `.` and `..` taken out by their letters: symbolic links are not looked at.

    Raises:
      UnusablePath: it holds a NUL.
    """
    if "\0" in path:
        raise UnusablePath(path)
    first = path.lstrip("/").partition("/")[0].translate(_LOST_IN_URLS)
    like_a_drive = path.startswith("/") and len(first) == 2 and first[0].isalpha() and first[1] in ":|"
    if ("\t" in path or "\r" in path) and not like_a_drive:
        return _resolve_as_url(path, cwd)
    absolute = os.path.normpath(os.path.join(cwd, path))
    return absolute[1:] if absolute.startswith("//") else absolute


def _resolve_as_url(path: str, cwd: str) -> str:
    # Codex keeps paths as file URLs, which lose tabs and carriage returns, and only then see `..` in `.<tab>.`.
    result = "/" if path.startswith("/") else cwd
    for segment in path.split("/"):
        if segment == "..":
            result = result[: result.rfind("/")] or "/"
        elif segment not in ("", "."):
            result = _push(result, segment.translate(_LOST_IN_URLS))
    return result


def _push(path: str, segment: str) -> str:
    opened = path if path == "/" else f"{path}/"
    if segment == "..":
        upper = opened[:-1]
        return upper[: upper.rfind("/") + 1] or "/"
    return opened if segment == "." else opened + segment


def parent(path: str) -> str:
    """The directory an absolute path stands in."""
    return os.path.dirname(path.rstrip("/")) or "/"
