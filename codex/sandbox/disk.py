"""Where the policy meets the disk: what stands at a path, and which place a root meant when it was first used."""

import os
import stat

import attrs

from codex.protocol.permission import SandboxPolicy
from codex.sandbox.policy import Found, Plan, resolve_policy

_LARGEST_POINTER = 8192


def look(path: str) -> Found:
    """What stands at the path; whatever cannot be looked at counts as missing."""
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode) or os.path.realpath(os.path.dirname(path)) != os.path.dirname(path):
            return Found("link", os.path.realpath(path))
        if stat.S_ISDIR(mode):
            return Found("directory")
        if stat.S_ISREG(mode) and os.path.basename(path) == ".git":
            return Found("file", _git_directory(path))
    except OSError:
        return Found("missing")
    return Found("file")


def _git_directory(path: str) -> str:
    """The directory that a `.git` file names, or an empty text."""
    with open(path, "rb") as file:
        words = os.fsdecode(file.read(_LARGEST_POINTER)).strip()
    if not words.startswith("gitdir:"):
        return ""
    return os.path.realpath(os.path.join(os.path.dirname(path), words.removeprefix("gitdir:").strip()))


class Places:
    """Remembers where each root led when it was first used.

    A command that may write somewhere above a root could put a link in its place; the next command must not follow it.
    A root that became a link since is not writable any more; a new start of the program looks again.
    """

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def resolve(self, policy: SandboxPolicy, workspace: str, tmpdir: str | None) -> Plan:
        """The plan for a command of this workspace."""
        if policy.mode != "workspace-write":
            return resolve_policy(policy, workspace, tmpdir, look)
        roots = [*policy.writable_roots]
        if not policy.exclude_slash_tmp:
            roots.append("/tmp")
        pinned = attrs.evolve(policy, writable_roots=tuple(map(self.real, roots)), exclude_slash_tmp=True)
        tmpdir = tmpdir and self.real(tmpdir)
        return resolve_policy(pinned, self.real(workspace), tmpdir, look, follow_links=False)

    def real(self, path: str) -> str:
        """Where the path led when it was first asked for."""
        known = self._real.get(path)
        if known is None:
            known = self._real[path] = os.path.realpath(path) if os.path.isabs(path) else path
        return known
