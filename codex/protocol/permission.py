"""What commands may touch, and when somebody is asked."""

from typing import Literal, TypeAlias

import attrs

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
ApprovalPolicy: TypeAlias = Literal["never", "on-request", "on-failure", "untrusted"]

SANDBOX_MODES: tuple[SandboxMode, ...] = ("read-only", "workspace-write", "danger-full-access")
APPROVAL_POLICIES: tuple[ApprovalPolicy, ...] = ("never", "on-request", "on-failure", "untrusted")


@attrs.frozen
class SandboxPolicy:
    """What the processes of a call may write and whether they reach the network.

    `writable_roots` come on top of the working directory and are absolute; all three of the fields that
    follow count in workspace-write only.
    """

    mode: SandboxMode = "read-only"
    writable_roots: tuple[str, ...] = ()
    network_access: bool = False
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False
