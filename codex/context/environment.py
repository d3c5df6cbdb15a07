"""What the model is told about the place it works in."""

from collections.abc import Mapping
from datetime import datetime

import attrs

from codex.protocol.contextual import ENVIRONMENT_CLOSE, ENVIRONMENT_OPEN
from codex.protocol.permission import FileSystemEntry, SandboxPolicy, entries_of


@attrs.frozen
class Surroundings:
    """What is not in the configuration: the shell, the date and the time zone of the machine."""

    shell: str
    current_date: str
    timezone: str


def _escape(text: str) -> str:
    # Not xml.sax.saxutils: it imports urllib.request, 30 ms.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def look_around(environ: Mapping[str, str], now: datetime) -> Surroundings:
    """The surroundings of this process; `now` is the local time. Reads a link in /etc where TZ is not set."""
    import os

    zone = environ.get("TZ", "").removeprefix(":")
    if not zone:
        try:
            zone = os.readlink("/etc/localtime").partition("zoneinfo/")[2]
            zone = zone or os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
        except OSError:
            zone = ""
    shell = os.path.basename(environ.get("SHELL", "")) or "bash"
    return Surroundings(shell, now.strftime("%Y-%m-%d"), zone or "Etc/UTC")


def workspace_roots(cwd: str, sandbox: SandboxPolicy) -> list[str]:
    """The working directory and the roots that were added to it."""
    return list(dict.fromkeys([cwd, *sandbox.writable_roots]))


def writable_roots(cwd: str, sandbox: SandboxPolicy, environ: Mapping[str, str]) -> list[str]:
    """The directories that commands can write in under workspace-write; none in the other modes."""
    if sandbox.mode != "workspace-write":
        return []
    tmpdir = environ.get("TMPDIR", "")
    places = {"root": "/", "slash_tmp": "/tmp", "tmpdir": tmpdir if tmpdir.startswith("/") else ""}
    found = (places.get(entry.place, entry.path) for entry in entries_of(sandbox, cwd) if entry.access == "write")
    return sorted({path for path in found if path})


def filesystem(cwd: str, sandbox: SandboxPolicy) -> str:
    """The `<filesystem>` element: workspace roots, and what may be read and written."""
    roots = workspace_roots(cwd, sandbox) if sandbox.mode == "workspace-write" else [cwd]
    listed = "".join(f"<root>{_escape(root)}</root>" for root in roots)
    if sandbox.mode == "danger-full-access":
        profile = '<permission_profile type="disabled"><file_system type="unrestricted" /></permission_profile>'
    else:
        depth = sandbox.glob_scan_max_depth
        bound = "" if depth is None else f' glob_scan_max_depth="{depth}"'
        entries = "".join(_entry(entry) for entry in entries_of(sandbox, cwd))
        profile = (
            f'<permission_profile type="managed"><file_system type="restricted"{bound}>'
            f"{entries}</file_system></permission_profile>"
        )
    return f"<filesystem><workspace_roots>{listed}</workspace_roots>{profile}</filesystem>"


def _entry(entry: FileSystemEntry) -> str:
    if entry.place in ("path", "glob"):
        place = f"<{entry.place}>{_escape(entry.path)}</{entry.place}>"
    else:
        place = f"<special>:{entry.place}</special>"
    fixed = ' escalatable="false"' if entry.access == "deny" else ""
    return f'<entry access="{entry.access}"{fixed}>{place}</entry>'


def environment_context(cwd: str, sandbox: SandboxPolicy, around: Surroundings) -> str:
    """The environment message."""
    return "\n".join(
        [
            ENVIRONMENT_OPEN,
            f"  <cwd>{_escape(cwd)}</cwd>",
            f"  <shell>{_escape(around.shell)}</shell>",
            f"  <current_date>{around.current_date}</current_date>",
            f"  <timezone>{_escape(around.timezone)}</timezone>",
            f"  {filesystem(cwd, sandbox)}",
            ENVIRONMENT_CLOSE,
        ]
    )
