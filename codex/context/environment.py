"""What the model is told about the place it works in."""

from collections.abc import Mapping
from datetime import datetime

import attrs

from codex.protocol.contextual import ENVIRONMENT_CLOSE, ENVIRONMENT_OPEN
from codex.protocol.permission import SandboxPolicy

_PROTECTED = (".git", ".agents", ".codex")


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
            zone = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
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
    roots = workspace_roots(cwd, sandbox)
    if not sandbox.exclude_slash_tmp:
        roots.append("/tmp")
    tmpdir = environ.get("TMPDIR", "")
    if not sandbox.exclude_tmpdir_env_var and tmpdir.startswith("/"):
        roots.append(tmpdir)
    return sorted(set(roots))


def filesystem(cwd: str, sandbox: SandboxPolicy) -> str:
    """The `<filesystem>` element: workspace roots, and what may be read and written."""
    roots = workspace_roots(cwd, sandbox) if sandbox.mode == "workspace-write" else [cwd]
    listed = "".join(f"<root>{_escape(root)}</root>" for root in roots)
    if sandbox.mode == "danger-full-access":
        profile = '<permission_profile type="disabled"><file_system type="unrestricted" /></permission_profile>'
    else:
        entries = "".join(_entries(roots, sandbox))
        profile = (
            '<permission_profile type="managed"><file_system type="restricted">'
            f"{entries}</file_system></permission_profile>"
        )
    return f"<filesystem><workspace_roots>{listed}</workspace_roots>{profile}</filesystem>"


def _entries(roots: list[str], sandbox: SandboxPolicy) -> list[str]:
    entries = ['<entry access="read"><special>:root</special></entry>']
    if sandbox.mode == "read-only":
        return entries
    entries += [f'<entry access="write"><path>{_escape(root)}</path></entry>' for root in roots]
    if not sandbox.exclude_slash_tmp:
        entries.append('<entry access="write"><special>:slash_tmp</special></entry>')
    if not sandbox.exclude_tmpdir_env_var:
        entries.append('<entry access="write"><special>:tmpdir</special></entry>')
    for name in _PROTECTED:
        entries += [f'<entry access="read"><path>{_escape(root.rstrip("/"))}/{name}</path></entry>' for root in roots]
    return entries


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
