"""Where the policy meets the disk: what stands at a path, and which place a root meant when it was first used."""

import os
import stat
from collections.abc import Iterator

import attrs

from codex.protocol.permission import FileSystemEntry, SandboxPolicy
from codex.sandbox.patterns import Pattern
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
        if policy.mode == "danger-full-access" or (policy.mode == "read-only" and policy.entries is None):
            return resolve_policy(policy, workspace, tmpdir, look)
        pinned = attrs.evolve(policy, writable_roots=tuple(map(self.real, policy.writable_roots)))
        if policy.entries is not None:
            pinned = attrs.evolve(pinned, entries=tuple(self._pinned(policy.entries)))
        tmpdir = tmpdir and self.real(tmpdir)
        tmp = self.real("/tmp")
        return resolve_policy(pinned, self.real(workspace), tmpdir, look, slash_tmp=tmp, follow_links=False)

    def _pinned(self, entries: tuple[FileSystemEntry, ...]) -> Iterator[FileSystemEntry]:
        for entry in entries:
            if entry.place == "glob":
                pattern = Pattern(entry.path)
                yield attrs.evolve(entry, path=pattern.moved(self.real(pattern.base)).text)
            elif entry.place != "path":
                yield entry
            else:
                if entry.access == "deny":
                    # The link itself, too: whoever could replace it would lead the next start of the program astray.
                    yield attrs.evolve(entry, path=os.path.join(self.real(os.path.dirname(entry.path)), _name(entry)))
                yield attrs.evolve(entry, path=self.real(entry.path))

    def real(self, path: str) -> str:
        """Where the path led when it was first asked for."""
        known = self._real.get(path)
        if known is None:
            known = self._real[path] = os.path.realpath(path) if os.path.isabs(path) else path
        return known


def _name(entry: FileSystemEntry) -> str:
    return os.path.basename(entry.path)
