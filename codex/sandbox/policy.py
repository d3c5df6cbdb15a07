"""What a sandbox policy means for one place: what can be written there, what in it cannot, and what cannot be read.

In workspace-write the workspace, the configured roots, /tmp and $TMPDIR are writable. A permission profile names its
places itself; the nearest rule above a path decides, of two for the same place `deny` before `write` before `read`,
and a pattern denies wherever it matches. Under each writable root `.git`, `.codex` and `.agents` are read-only,
whether they exist or not, and so is the directory that a `.git` file points to: whoever can write there decides what
runs the next time somebody uses git or an agent here. A rule for such a place itself, and a writable `/`, lift that.

Nothing here looks at the disk by itself: `look` does.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from codex.protocol.permission import PROTECTED_NAMES, Access, SandboxMode, SandboxPolicy, entries_of
from codex.sandbox.patterns import Pattern

MINIMAL = (
    "/bin",
    "/sbin",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/nix/store",
    "/run/current-system",
)
"""What `:minimal` stands for on Linux: what programs need to run at all."""

Kind: TypeAlias = Literal["directory", "file", "link", "missing"]
_STRICTEST: tuple[Access, ...] = ("deny", "write", "read")


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

    `anchors` are the directories between a root and what has a rule of its own inside of it: they are kept in place, so
    that nobody moves the inner place away and puts another in its stead. `denied` cannot be read, nor what `patterns`
    match. `readable` can be read although what is around it cannot: with `closed` that is everything.
    `workspace`: where Unix sockets may be connected to when the network is on.
    """

    mode: SandboxMode
    network: bool
    roots: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    protected: tuple[Protected, ...] = ()
    denied: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    closed: bool = False
    patterns: tuple[Pattern, ...] = ()
    workspace: tuple[str, ...] = ()

    @property
    def limits_reading(self) -> bool:
        """Whether there is anything that cannot be read."""
        return self.closed or bool(self.denied or self.patterns)

    def is_writable(self, path: str) -> bool:
        """Whether a command could write at the absolute path, as far as the plan goes."""
        if self.mode == "danger-full-access":
            return True
        root = _depth(path, self.roots)
        shield = _depth(path, (*(item.path for item in self.protected), *self.denied, *self.readable))
        return root > shield and not self._matches(path)

    def is_readable(self, path: str) -> bool:
        """Whether a command could read at the absolute path, as far as the plan goes."""
        allowed = _depth(path, (*self.roots, *self.readable, *(item.path for item in self.protected)))
        denied = max(_depth(path, self.denied), 1 if self.closed else 0)
        return (allowed > denied or denied == 0) and not self._matches(path)

    def _matches(self, path: str) -> bool:
        return any(pattern.matches(path) for pattern in self.patterns)


def _depth(path: str, places: Iterable[str]) -> int:
    """How long the nearest of the places above the path is, 0 for none."""
    return max((len(place) for place in places if is_within(path, place)), default=0)


def is_within(path: str, directory: str) -> bool:
    """Whether the path is the directory or lies in it; both normalised and absolute."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def resolve_policy(
    policy: SandboxPolicy,
    workspace: str,
    tmpdir: str | None,
    look: Look,
    *,
    slash_tmp: str = "/tmp",
    follow_links: bool = True,
) -> Plan:
    """The plan for a command of this workspace.

    Args:
      workspace: the session's directory. Not the directory of a single command: the model chooses that one.
      tmpdir: the value of $TMPDIR that the command will see, if any.
      slash_tmp: where /tmp is.
      look: what stands at a path; a link's target must be free of links.
      follow_links: whether a root that is a link stands for what it leads to; else it is left out. Commands are
        confined without following, see `disk.Places`.
    """
    if policy.mode == "danger-full-access" or (policy.mode == "read-only" and policy.entries is None):
        return Plan(policy.mode, network=policy.network)
    rules = _rules(policy, workspace, tmpdir, slash_tmp)
    plain = policy.entries is None
    roots = _sorted(
        root
        for path, access in rules.items()
        if access == "write" and (root := _root(path, look, follow=follow_links, file=not plain))
    )
    denied, readable, read = _limits(rules, look)
    named = rules.keys() if not plain else ()
    protected = {item.path: item for path in read for item in _protect(path, look)}
    for root in roots:
        if plain or root != "/":
            protected |= {item.path: item for item in _protected_in(root, look) if item.path not in named}
    # A protected directory that was itself named as a root was meant to be written.
    inside = [
        protected[path]
        for path in _sorted(protected)
        if path not in roots and any(is_within(path, root) for root in roots)
    ]
    patterns = tuple(_patterns(policy, workspace, look))
    held = (*denied, *readable, *(path for path in read if path not in roots))
    return Plan(
        policy.mode,
        policy.network,
        roots,
        _anchors(roots, held, tuple(pattern.base for pattern in patterns), look),
        tuple(inside),
        denied,
        readable,
        closed=rules.get("/", "deny") == "deny",
        patterns=patterns,
        workspace=_sorted([workspace, *policy.writable_roots, *policy.unix_sockets]) if policy.network else (),
    )


def _rules(policy: SandboxPolicy, workspace: str, tmpdir: str | None, slash_tmp: str) -> dict[str, Access]:
    """The access of every place that has a rule of its own, outer before inner."""
    places = {"root": ("/",), "minimal": MINIMAL, "slash_tmp": (slash_tmp,), "tmpdir": (tmpdir,) if tmpdir else ()}
    rules: dict[str, Access] = {}
    for entry in entries_of(policy, workspace):
        if entry.place == "glob":
            continue
        if policy.entries is None and entry.place == "path" and entry.access == "read":
            continue  # a name that is protected in every root, see below
        for path in places.get(entry.place, (entry.path,)):
            path = os.path.normpath(path)
            if path.startswith("/"):
                path = "/" + path.lstrip("/")
                both = (entry.access, rules.get(path, entry.access))
                rules[path] = next(access for access in _STRICTEST if access in both)
    return {path: rules[path] for path in _sorted(rules)}


def _limits(rules: Mapping[str, Access], look: Look) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What is denied, what can be read in spite of what is around it, and what is read-only in a writable place."""
    denied: list[str] = []
    readable: list[str] = []
    read: list[str] = []
    for path, access in rules.items():
        around = _around(path, rules)
        if access == "deny" and path != "/":
            found = look(path)
            denied += [path] if found.kind != "link" else [path, found.target]
        elif access == "read" and around == "deny" and path != "/":
            found = look(path)
            target = found.target if found.kind == "link" else path
            if found.kind != "missing":
                readable.append(target)
        elif access == "read" and around == "write":
            read.append(path)
    return _sorted(denied), _sorted(readable), tuple(read)


def _around(path: str, rules: Mapping[str, Access]) -> Access:
    while path != "/":
        path = os.path.dirname(path)
        if path in rules:
            return rules[path]
    return "deny"


def _sorted(paths: Iterable[str]) -> tuple[str, ...]:
    """Each once, an outer one before what is in it."""
    return tuple(sorted(set(paths), key=lambda path: path.rstrip("/").split("/")))


def _root(path: str, look: Look, *, follow: bool, file: bool) -> str | None:
    """What is writable at the path, or None where there is nothing."""
    found = look(path)
    if found.kind == "link" and follow:
        path, found = found.target, look(found.target)
    return path if found.kind == "directory" or (file and found.kind == "file") else None


def _protected_in(root: str, look: Look) -> list[Protected]:
    if look(root).kind != "directory":
        return []
    return [item for name in PROTECTED_NAMES for item in _shield(os.path.join(root, name), look)]


def _protect(path: str, look: Look) -> list[Protected]:
    """What keeps the path read-only; where a directory above it is missing, that one must not be made."""
    above = os.path.dirname(path)
    while above != "/" and look(above).kind == "missing":
        path, above = above, os.path.dirname(above)
    return _shield(path, look)


def _shield(path: str, look: Look) -> list[Protected]:
    found = look(path)
    items = [Protected(path, found.kind, found.target if found.kind == "link" else "")]
    if not found.target:
        return items
    behind = look(found.target)
    if behind.kind in ("directory", "file"):
        items.append(Protected(found.target, behind.kind))
    if behind.kind == "file" and behind.target:
        items.append(Protected(behind.target, look(behind.target).kind))
    return items


def _patterns(policy: SandboxPolicy, workspace: str, look: Look) -> Iterator[Pattern]:
    for entry in entries_of(policy, workspace):
        if entry.place == "glob":
            pattern = Pattern(entry.path, policy.glob_scan_max_depth)
            yield pattern
            found = look(pattern.base)
            if found.kind == "link":
                yield pattern.moved(found.target)


def _anchors(roots: tuple[str, ...], held: tuple[str, ...], bases: tuple[str, ...], look: Look) -> tuple[str, ...]:
    """The directories between a root and what is in it; the base of a pattern is one of them."""
    between: set[str] = set()
    for inner, first in (*((path, os.path.dirname(path)) for path in (*roots, *held)), *zip(bases, bases, strict=True)):
        for outer in roots:
            if inner == outer or not is_within(inner, outer):
                continue
            parent = first
            while parent != outer and is_within(parent, outer):
                if inner in roots or look(parent).kind == "directory":
                    between.add(parent)
                parent = os.path.dirname(parent)
    return _sorted(between - set(roots) - set(held))
