"""A git worktree for one agent: made from what its parent has now, merged back by patch, never lost.

    open --> working --hand_in--> working            what changed since the last time is patched into the parent's files
    working --close--> removed                       after a last hand_in
    working --the program dies--> left --recover--> removed, and what had changed is kept as a patch
Law: a change is in the parent's files, or in a patch with a name that is told, or in the worktree; before it leaves
the one it is in the other. What the parent has, committed or not, is never overwritten: a file that does not fit stays
as it is, and its part of the patch is kept.

All of this blocks, and is called in a thread. A worktree is locked as long as the program lives that made it.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

import attrs

from codex.base.errors import CodexError

_ABOUT_OURS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "codex"), ("EMAIL", "codex@localhost"))
}
_PLACE = "worktrees"


class WorktreeError(CodexError):
    """A worktree could not be made, merged or removed; the text says which and what to do."""


@attrs.frozen
class Merged:
    """What became of an agent's changes: `files` are in the parent's directory, `conflicts` only in the `patch`."""

    files: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    patch: str | None = None

    def __str__(self) -> str:
        said = [f"merged into your directory: {', '.join(self.files)}"] if self.files else []
        if self.conflicts:
            said.append(
                f"not merged, since they do not fit what you have now: {', '.join(self.conflicts)}; these changes are "
                f"kept in {self.patch}: look at it and apply it yourself, for example with `git apply --3way`"
            )
        return "; ".join(said) or "nothing was changed"


class Worktree:
    """The directory of one agent. `cwd` is where it works, `repository` the top of what its parent works in."""

    def __init__(self, home: str, name: str, repository: str, lock: int) -> None:
        self._home, self._name, self._lock = home, name, lock
        self.repository = repository
        self.top = os.path.join(home, name, "tree")
        self.cwd = self.top
        self._base = ""

    @classmethod
    def open(cls, codex_home: str, name: str, parent_cwd: str) -> "Worktree":
        """Make it from all that the parent has now, committed or not, but for what git ignores.

        Raises: WorktreeError when the parent does not work in a git repository with a commit.
        """
        try:
            repository = _git(parent_cwd, "rev-parse", "--show-toplevel").strip()
            _git(repository, "rev-parse", "--verify", "HEAD")
        except WorktreeError as error:
            raise WorktreeError(
                f"an agent with a worktree of its own needs a git repository with a commit, and {parent_cwd} is in "
                "none: commit something there, or let it share the directory"
            ) from error
        home = os.path.join(codex_home, _PLACE)
        os.makedirs(os.path.join(home, name), mode=0o700)
        lock = _locked(os.path.join(home, name))
        assert lock is not None
        tree = cls(home, name, repository, lock)
        try:
            with open(os.path.join(home, name, "repository"), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(repository)
            tree._base = _snapshot(repository, os.path.join(home, name))
            _git(repository, "worktree", "add", "--detach", "--quiet", tree.top, tree._base)
        except BaseException:
            tree._remove()
            raise
        inside = os.path.relpath(os.path.realpath(parent_cwd), os.path.realpath(repository))
        tree.cwd = os.path.normpath(os.path.join(tree.top, inside))
        os.makedirs(tree.cwd, exist_ok=True)
        return tree

    def hand_in(self) -> Merged:
        """Patch what has changed since the last time into the parent's files, as far as it fits."""
        now = _snapshot(self.top, os.path.join(self._home, self._name), parent=self._base)
        files = _changed(self.top, self._base, now)
        if not files:
            return Merged()
        patch = self._keep(self.top, self._base, now)
        merged, conflicts = _apply(self.repository, patch, files)
        if conflicts:
            rest = self._keep(self.top, self._base, now, conflicts)
            if rest != patch:
                os.unlink(patch)
            patch = rest
        else:
            os.unlink(patch)
        # What was handed in is the base of the next patch, also of one that is kept after a kill.
        _git(self.top, "update-ref", "--no-deref", "HEAD", now)
        self._base = now
        return Merged(merged, conflicts, patch if conflicts else None)

    def close(self) -> None:
        """Remove the directory; what was not handed in is lost, so hand in before."""
        self._remove()

    def _keep(self, top: str, base: str, now: str, files: Sequence[str] = ()) -> str:
        """The changes as a patch on disk; its path."""
        return _keep(os.path.join(self._home, self._name), top, base, now, files)

    def _remove(self) -> None:
        _remove(os.path.join(self._home, self._name), self.repository)
        with suppress(OSError):
            os.close(self._lock)


def recover(codex_home: str) -> list[str]:
    """Remove the worktrees whose program died, and keep what had changed in them; what was done, as sentences."""
    home, told = os.path.join(codex_home, _PLACE), list[str]()
    for name in sorted(os.listdir(home)) if os.path.isdir(home) else ():
        place = os.path.join(home, name)
        lock = _locked(place) if os.path.isdir(place) else None
        if lock is None:
            continue
        try:
            told += _recover(place)
        finally:
            os.close(lock)
    return told


def _recover(place: str) -> list[str]:
    top, told = os.path.join(place, "tree"), list[str]()
    try:
        with open(os.path.join(place, "repository"), encoding="utf-8", errors="surrogateescape") as file:
            repository = file.read()
        if os.path.isdir(top):
            base = _git(top, "rev-parse", "HEAD").strip()
            now = _snapshot(top, place)
            if _changed(top, base, now):
                patch = _keep(place, top, base, now)
                told.append(
                    f"an agent was cut off in a worktree of its own; what it had changed in {repository} is kept in "
                    f"{patch}"
                )
        _remove(place, repository)
    except (OSError, WorktreeError) as error:
        told.append(f"the worktree of an agent that was cut off is left as it is: {place}: {error}")
    return told


def _remove(place: str, repository: str) -> None:
    top = os.path.join(place, "tree")
    with suppress(WorktreeError):
        _git(repository, "worktree", "remove", "--force", "--force", top)
    shutil.rmtree(place, ignore_errors=True)
    with suppress(WorktreeError):
        _git(repository, "worktree", "prune")


def _locked(place: str) -> int | None:
    """The descriptor that holds the lock; None where another program has it."""
    lock = os.open(os.path.join(place, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _snapshot(top: str, scratch: str, *, parent: str = "HEAD") -> str:
    """All that stands in a directory as a commit, which belongs to no branch; index and branches stay as they are."""
    index = os.path.join(scratch, "index")
    with suppress(FileNotFoundError):
        os.unlink(index)
    own = {"GIT_INDEX_FILE": index}
    _git(top, "read-tree", parent, env=own)
    _git(top, "add", "--all", "--", ".", env=own)
    tree = _git(top, "write-tree", env=own).strip()
    return _git(top, "commit-tree", "-p", parent, "-m", "what an agent's directory holds", tree, env=_WHO).strip()


def _changed(top: str, base: str, now: str) -> tuple[str, ...]:
    names = _git(top, "diff", "--name-only", "--no-renames", "-z", base, now)
    return tuple(name for name in names.split("\0") if name)


def _keep(place: str, top: str, base: str, now: str, files: Sequence[str] = ()) -> str:
    what = _git(
        top,
        "diff",
        "--binary",
        "--full-index",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        base,
        now,
        "--",
        *files,
    )
    path = f"{place}-{now[:12]}{'-conflicts' if files else ''}.patch"
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(what)
        file.flush()
        os.fsync(file.fileno())
    return path


def _apply(repository: str, patch: str, files: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Apply it file by file; those that it fitted, and those that it did not."""
    merged, conflicts = list[str](), list[str]()
    for name in files:
        only = f"--include={_escaped(name)}"
        try:
            _git(repository, "apply", "--whitespace=nowarn", only, patch)
        except WorktreeError:
            conflicts.append(name)
        else:
            merged.append(name)
    return tuple(merged), tuple(conflicts)


def _escaped(name: str) -> str:
    """A name as a pattern that matches it alone."""
    return "".join(f"\\{char}" if char in "*?[\\" else char for char in name)


def _git(cwd: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What git says. Raises: WorktreeError with its complaint."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *_ABOUT_OURS, *arguments],
            cwd=cwd,
            env={**clean, **(env or {}), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise WorktreeError(f"git could not be started in {cwd}: {error.strerror}") from error
    if done.returncode != 0:
        complaint = done.stderr.decode("utf-8", "replace").strip()
        raise WorktreeError(f"git {arguments[0]} failed in {cwd}: {complaint}")
    return done.stdout.decode("utf-8", "surrogateescape")
