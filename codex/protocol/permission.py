"""What commands may touch, and when somebody is asked."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.base.jsontext import Json

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
ApprovalPolicyName: TypeAlias = Literal["never", "on-request", "on-failure", "untrusted", "permissive"]
Access: TypeAlias = Literal["read", "write", "deny"]
Place: TypeAlias = Literal["path", "glob", "root", "minimal", "workspace_roots", "tmpdir", "slash_tmp"]
ApprovalsReviewer: TypeAlias = Literal["user", "auto_review"]

SANDBOX_MODES: tuple[SandboxMode, ...] = ("read-only", "workspace-write", "danger-full-access")
APPROVAL_POLICIES: tuple[ApprovalPolicyName, ...] = ("never", "on-request", "on-failure", "untrusted", "permissive")


@frozen
class Granular:
    """The policy `granular`: which kinds of questions are asked; the other kinds are refused without asking.

    `sandbox_approval`: leaving the sandbox, and forced removals. `rules`: commands that a rule says to ask about.
    The other three are about MCP servers' own questions, more permissions for a turn, and scripts of skills.
    """

    sandbox_approval: bool = True
    rules: bool = True
    mcp_elicitations: bool = True
    request_permissions: bool = False
    skill_approval: bool = False


OnePolicy: TypeAlias = ApprovalPolicyName | Granular
ApprovalPolicy: TypeAlias = OnePolicy | tuple[OnePolicy, ...]
"""A policy, or several that hold at once, as for a sub-agent that may do only what its parent may, too: the strictest
counts, and what one of them would ask is refused where another lets nobody be asked. The first is the one that stands
for all where only one can be named."""


def policies_of(policy: ApprovalPolicy) -> tuple[OnePolicy, ...]:
    """All that hold."""
    return policy if isinstance(policy, tuple) else (policy,)


def policy_name(policy: ApprovalPolicy) -> str:
    """The policy in a word, or several with `+`."""
    return "+".join("granular" if isinstance(one, Granular) else one for one in policies_of(policy))


def policy_json(policy: ApprovalPolicy) -> Json:
    """The policy as Codex writes it: its name, or `{"granular": {...}}`; of several the first."""
    policy = policies_of(policy)[0]
    return {"granular": attrs.asdict(policy)} if isinstance(policy, Granular) else policy


PROTECTED_NAMES = (".git", ".agents", ".codex")
"""Read-only in every writable root, whether they are there or not."""


@frozen
class FileSystemEntry:
    """What may be done with one place.

    `path` is absolute, a pattern for `glob`; below `workspace_roots` it is relative to each of them (a path or a
    pattern, empty for the roots themselves); with the other places it is empty.
    """

    place: Place
    access: Access
    path: str = ""


@frozen
class SandboxPolicy:
    """What the processes of a call may read and write, and whether they reach the network.

    Without `entries` the mode says it all: `writable_roots` come on top of the working directory and are absolute, and
    all three of the fields that follow count in workspace-write only.

    `entries` are those of a permission profile, which then say what may be touched: `mode` only sums them up,
    `writable_roots` are further workspace roots, and `unix_sockets` may be connected to where the network is on.
    """

    mode: SandboxMode = "read-only"
    writable_roots: tuple[str, ...] = ()
    network_access: bool = False
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False
    profile: str | None = None
    entries: tuple[FileSystemEntry, ...] | None = None
    glob_scan_max_depth: int | None = None
    unix_sockets: tuple[str, ...] = ()

    @property
    def network(self) -> bool:
        """Whether commands reach the network."""
        if self.mode == "danger-full-access":
            return True
        return self.network_access and (self.mode == "workspace-write" or self.entries is not None)

    @property
    def denies_reading(self) -> bool:
        """Whether anything is kept from being read; this holds for commands outside of the sandbox, too."""
        return any(entry.access == "deny" and entry.place != "root" for entry in self.entries or ())

    def outside(self) -> "SandboxPolicy":
        """The policy of a command that was allowed to leave the sandbox: all rights, save what may not be read."""
        if not self.denies_reading:
            return SandboxPolicy("danger-full-access")
        kept = tuple(entry for entry in self.entries or () if entry.access == "deny" and entry.place != "root")
        return attrs.evolve(
            self,
            mode="workspace-write",
            network_access=True,
            entries=(FileSystemEntry("root", "write"), *kept),
        )


def entries_of(policy: SandboxPolicy, cwd: str) -> Iterator[FileSystemEntry]:
    """The policy line by line, as it is told to others: with the workspace roots by their names.

    Nothing comes for danger-full-access, which has no limits.
    """
    roots = list(dict.fromkeys([cwd, *policy.writable_roots]))
    if policy.entries is not None:
        for entry in policy.entries:
            if entry.place == "workspace_roots":
                for root in roots:
                    yield _below(root, entry)
            else:
                yield entry
    elif policy.mode != "danger-full-access":
        yield FileSystemEntry("root", "read")
        if policy.mode == "workspace-write":
            yield from (FileSystemEntry("path", "write", root) for root in roots)
            if not policy.exclude_slash_tmp:
                yield FileSystemEntry("slash_tmp", "write")
            if not policy.exclude_tmpdir_env_var:
                yield FileSystemEntry("tmpdir", "write")
            for name in PROTECTED_NAMES:
                yield from (FileSystemEntry("path", "read", f"{root.rstrip('/')}/{name}") for root in roots)


def is_glob(text: str) -> bool:
    """Whether a path is a pattern."""
    return any(char in text for char in "*?[")


def _below(root: str, entry: FileSystemEntry) -> FileSystemEntry:
    if not entry.path:
        return FileSystemEntry("path", entry.access, root)
    path = f"{root.rstrip('/')}/{entry.path}"
    return FileSystemEntry("glob" if is_glob(entry.path) else "path", entry.access, path)
