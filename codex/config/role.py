"""A role: what sub-agents of one kind work with, and what follows when they fail."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from codex.protocol.permission import ApprovalPolicy, SandboxMode

if TYPE_CHECKING:
    from codex.ports.placement import Placement

Restart: TypeAlias = Literal["never", "on_crash"]
Isolation: TypeAlias = Literal["share", "worktree", "lease"]


@attrs.frozen
class Role:
    """What the agents of a role have of their own; None, or nothing, is what their parent has.

    `settings` are fields of `Config` by their names. The sandbox, the approvals and the tools can only be narrowed: an
    agent never may more than its parent. `deadline_seconds`: it is ended then. `stall_seconds`: its turn is ended when
    its model says nothing for so long. `restart`: whether it is started again after a failure, with its history or from
    the beginning. `isolation`: they work in their parent's directory, there with leases on what they write, or each in
    a git worktree of its own. `placement`: where they run, None is as the configuration says.
    """

    name: str
    description: str = ""
    nicknames: tuple[str, ...] = ()
    settings: Mapping[str, str] = attrs.field(factory=dict[str, str])
    sandbox_mode: SandboxMode | None = None
    approval_policy: ApprovalPolicy | None = None
    tools: frozenset[str] | None = None
    deadline_seconds: int | None = None
    stall_seconds: int | None = None
    restart: Restart = "never"
    restart_history: bool = True
    isolation: Isolation = "share"
    placement: "Placement | None" = None


BUILT_IN: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role("default", "As its parent."),
        Role("explorer", "Finds out how something is, and changes nothing.", sandbox_mode="read-only"),
        Role("worker", "Carries out a task of its own."),
    )
}
