"""What a sandbox policy means for one place: which directories stay writable, and what in them does not.

In workspace-write the workspace, the configured roots, /tmp and $TMPDIR are writable. Under each of them `.git`,
`.codex` and `.agents` are read-only, whether they exist or not, and so is the directory that a `.git` file points to:
whoever can write there decides what runs the next time somebody uses git or an agent here.

Nothing here looks at the disk by itself: `look` does.
"""

import os
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

import attrs

from codex.protocol.permission import SandboxMode, SandboxPolicy

PROTECTED_NAMES = (".git", ".codex", ".agents")

Kind: TypeAlias = Literal["directory", "file", "link", "missing"]


@attrs.frozen
class Found:
    """What stands at a path. `target`: where a link leads in the end, or which directory a `.git` file names."""

    kind: Kind
    target: str = ""


Look: TypeAlias = Callable[[str], Found]


@attrs.frozen
class Protected:
    """A path that stays read-only inside a writable root; `target` is set for a link."""

    path: str
    kind: Kind
    target: str = ""


@attrs.frozen
class Plan:
    """A policy, resolved. Paths are absolute, without links, sorted: an outer one comes before what is in it.

    `anchors` are the directories between a root and a root inside of it: they are kept in place, so that nobody moves
    the inner root away and puts another in its stead.
    """

    mode: SandboxMode
    network: bool
    roots: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    protected: tuple[Protected, ...] = ()

    def is_writable(self, path: str) -> bool:
        """Whether a command could write at the absolute path, as far as the plan goes."""
        if self.mode == "danger-full-access":
            return True
        root = max((len(root) for root in self.roots if is_within(path, root)), default=0)
        shield = max((len(item.path) for item in self.protected if is_within(path, item.path)), default=0)
        return root > shield


def is_within(path: str, directory: str) -> bool:
    """Whether the path is the directory or lies in it; both normalised and absolute."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def resolve_policy(
    policy: SandboxPolicy, workspace: str, tmpdir: str | None, look: Look, *, follow_links: bool = True
) -> Plan:
    """The plan for a command of this workspace.

    Args:
      workspace: the session's directory. Not the directory of a single command: the model chooses that one.
      tmpdir: the value of $TMPDIR that the command will see, if any.
      look: what stands at a path; a link's target must be free of links.
      follow_links: whether a root that is a link stands for what it leads to; else it is left out. Commands are
        confined without following, see `disk.Places`.
    """
    if policy.mode != "workspace-write":
        return Plan(policy.mode, network=policy.mode == "danger-full-access")
    wanted = [workspace, *policy.writable_roots]
    if not policy.exclude_slash_tmp:
        wanted.append("/tmp")
    if tmpdir and not policy.exclude_tmpdir_env_var:
        wanted.append(tmpdir)
    roots = _sorted(root for path in wanted if (root := _directory(path, look, follow=follow_links)))
    protected = {item.path: item for root in roots for item in _protected_in(root, look)}
    # A protected directory that was itself named as a root was meant to be written.
    inside = [
        protected[path]
        for path in _sorted(protected)
        if path not in roots and any(is_within(path, root) for root in roots)
    ]
    return Plan(policy.mode, policy.network_access, roots, _anchors(roots), tuple(inside))


def _sorted(paths: Iterable[str]) -> tuple[str, ...]:
    """Each once, an outer one before what is in it."""
    return tuple(sorted(set(paths), key=lambda path: path.rstrip("/").split("/")))


def _directory(path: str, look: Look, *, follow: bool) -> str | None:
    """The directory at the path, or None where there is none."""
    path = os.path.normpath(path)
    if not path.startswith("/"):
        return None
    path = "/" + path.lstrip("/")
    found = look(path)
    if found.kind == "link" and follow:
        path, found = found.target, look(found.target)
    return path if found.kind == "directory" else None


def _protected_in(root: str, look: Look) -> list[Protected]:
    items: list[Protected] = []
    for name in PROTECTED_NAMES:
        path = os.path.join(root, name)
        found = look(path)
        items.append(Protected(path, found.kind, found.target if found.kind == "link" else ""))
        if not found.target:
            continue
        behind = look(found.target)
        if behind.kind in ("directory", "file"):
            items.append(Protected(found.target, behind.kind))
        if behind.kind == "file" and behind.target:
            items.append(Protected(behind.target, look(behind.target).kind))
    return items


def _anchors(roots: tuple[str, ...]) -> tuple[str, ...]:
    between: set[str] = set()
    for inner in roots:
        for outer in roots:
            if outer == inner or not is_within(inner, outer):
                continue
            parent = os.path.dirname(inner)
            while parent != outer and is_within(parent, outer):
                between.add(parent)
                parent = os.path.dirname(parent)
    return _sorted(between - set(roots))
