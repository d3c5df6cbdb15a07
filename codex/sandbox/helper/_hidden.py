"""What a command must not see, found when it starts: files by pattern, and the sockets of other programs."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from .request import Scan

_MOST_ENTRIES = 1_000_000
_MOST_SOCKETS = 10_000


class TooMuch(Exception):
    """The bound of a search was reached: what lies behind it would be readable."""


def find_denied(scans: tuple[Scan, ...]) -> Iterator[tuple[str, tuple[int, int], str]]:
    """Path and identity of all that the scans match, and the directory of the scan.

    Links are not followed; one that matches comes with what it leads to.

    Raises:
      TooMuch: there is more than can be looked at.
    """
    import re

    for base, expression, depth, bounded in scans:
        compiled = re.compile(expression, re.DOTALL)
        for path, is_link in _matches(base, compiled, depth, bounded=bounded):
            for place in (path, os.path.realpath(path)) if is_link else (path,):
                try:
                    found = os.lstat(place)
                except OSError:
                    continue  # gone meanwhile, or a link to nothing
                yield place, (found.st_dev, found.st_ino), base


def _matches(base: str, expression: re.Pattern[str], depth: int, *, bounded: bool) -> Iterator[tuple[str, bool]]:
    start = len(base.rstrip("/")) + 1
    level, seen = [base], 0
    while level:
        if depth == 0:
            if bounded:
                return
            raise TooMuch(
                f"{level[0]!r} lies deeper than patterns of what must not be read are looked for; raise "
                "filesystem.glob_scan_max_depth in the permission profile, or name a narrower place in the pattern"
            )
        depth -= 1
        below: list[str] = []
        for directory in level:
            try:
                entries = os.scandir(directory)
            except OSError:
                continue  # gone, or it cannot be read: then the command cannot read it either
            with entries:
                for entry in entries:
                    seen += 1
                    if expression.fullmatch(entry.path, start):
                        yield entry.path, entry.is_symlink()
                    elif entry.is_dir(follow_symlinks=False):
                        below.append(entry.path)
            if seen > _MOST_ENTRIES:
                raise TooMuch(
                    f"there are more than {_MOST_ENTRIES:,} files below {base!r}, too many to look for what must not "
                    "be read; name a narrower place in the pattern"
                )
        level = below


def bound_sockets(reachable: tuple[str, ...]) -> list[str]:
    """The Unix sockets that programs have bound to a path of this machine, save those in the reachable places.

    Raises:
      TooMuch: there are too many.
    """
    found: dict[str, None] = {}
    with open("/proc/self/net/unix", encoding="utf-8", errors="surrogateescape") as file:
        next(file, None)
        for line in file:
            fields = line.rstrip("\n").split(None, 7)
            if len(fields) == 8 and fields[7].startswith("/"):
                path = os.path.realpath(fields[7])
                if not any(path == place or path.startswith(place + "/") for place in reachable):
                    found[path] = None
    if len(found) > _MOST_SOCKETS:
        raise TooMuch(f"there are more than {_MOST_SOCKETS:,} bound Unix sockets, too many to hide from a command")
    return list(found)
