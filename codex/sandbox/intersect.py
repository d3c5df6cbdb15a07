"""What two sandbox policies both allow, as one policy.  Pure, but for `look`, which says what stands at a path.

Two policies are compared by their plans, place by place: between the places that a plan names, nothing changes.
Law: what the result lets be written, read or connected to, both let; it is two policies' own form where that can say
it, else a list of entries. A place that only one of them protects, denies or leaves out is so in the result.
"""

from collections.abc import Iterator

import attrs

from codex.protocol.permission import Access, FileSystemEntry, SandboxPolicy
from codex.sandbox.patterns import DEFAULT_SCAN_DEPTH
from codex.sandbox.policy import Look, Plan, is_within, resolve_policy


@attrs.frozen
class Confined:
    """A policy with the directory that its workspace is."""

    policy: SandboxPolicy
    workspace: str


def intersect_policies(one: Confined, two: Confined, *, tmpdir: str | None, look: Look) -> SandboxPolicy:
    """What both allow, for a thread that works in the workspace of the second.

    Args:
      tmpdir: the value of $TMPDIR that commands will see, if any.
    """
    if one == two:
        return two.policy
    if one.policy.mode == "danger-full-access":
        return two.policy
    plans = tuple(resolve_policy(each.policy, each.workspace, tmpdir, look) for each in (one, two))
    together = one.workspace == two.workspace
    if two.policy.mode == "danger-full-access" and together:
        return one.policy
    plain = one.policy.entries is None and two.policy.entries is None
    if plain and "read-only" in (one.policy.mode, two.policy.mode):
        return SandboxPolicy("read-only")
    if plain and together and _temporary(one.policy) == _temporary(two.policy):
        return _plain(one.policy, two.policy, plans[0], plans[1], look)
    return _listed(one.policy, two.policy, plans[0], plans[1])


def _temporary(policy: SandboxPolicy) -> tuple[bool, bool]:
    return policy.exclude_tmpdir_env_var, policy.exclude_slash_tmp


def _plain(one: SandboxPolicy, two: SandboxPolicy, first: Plan, second: Plan, look: Look) -> SandboxPolicy:
    """Of two workspace-write policies for one workspace, with the same temporary directories."""
    named = {*one.writable_roots, *two.writable_roots}
    shared = {root for root in named if root in one.writable_roots and root in two.writable_roots}
    inside = {found.target if found.kind == "link" else root for root in named - shared for found in [look(root)]}
    roots = tuple(sorted(shared | {root for root in inside if first.is_writable(root) and second.is_writable(root)}))
    both = SandboxPolicy(
        "workspace-write",
        roots,
        one.network_access and two.network_access,
        *_temporary(two),
    )
    for policy in (two, one):
        if attrs.evolve(policy, writable_roots=tuple(sorted(policy.writable_roots)), profile=None) == both:
            return policy
    return both


def _listed(one: SandboxPolicy, two: SandboxPolicy, first: Plan, second: Plan) -> SandboxPolicy:
    entries = tuple(_entries(first, second))
    network = first.network and second.network
    depths = [policy.glob_scan_max_depth for policy in (one, two) if policy.entries is not None]
    return SandboxPolicy(
        "workspace-write" if any(entry.access == "write" for entry in entries) else "read-only",
        network_access=network,
        entries=entries,
        glob_scan_max_depth=max((depth or DEFAULT_SCAN_DEPTH for depth in depths), default=None)
        if any(depths)
        else None,
        unix_sockets=tuple(sorted(_sockets(first, second))) if network else (),
    )


def _entries(first: Plan, second: Plan) -> Iterator[FileSystemEntry]:
    """One for every place that either names, an outer one before what is in it."""
    places = {"/", *_named(first), *_named(second)}
    for path in sorted(places, key=lambda path: path.rstrip("/").split("/")):
        access = _access(first, second, path)
        yield FileSystemEntry("root", access) if path == "/" else FileSystemEntry("path", access, path)
    texts = {pattern.text for plan in (first, second) for pattern in plan.patterns}
    yield from (FileSystemEntry("glob", "deny", text) for text in sorted(texts))


def _named(plan: Plan) -> Iterator[str]:
    yield from plan.roots
    yield from (item.path for item in plan.protected)
    yield from plan.denied
    yield from plan.readable


def _access(first: Plan, second: Plan, path: str) -> Access:
    if first.is_writable(path) and second.is_writable(path):
        return "write"
    return "read" if first.is_readable(path) and second.is_readable(path) else "deny"


def _sockets(first: Plan, second: Plan) -> Iterator[str]:
    for path in {*first.workspace, *second.workspace}:
        if all(
            plan.mode == "danger-full-access" or any(is_within(path, place) for place in plan.workspace)
            for plan in (first, second)
        ):
            yield path
