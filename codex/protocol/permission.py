"""What commands may touch, and when somebody is asked."""

from typing import Literal, TypeAlias

import attrs

from codex.base.jsontext import Json

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
ApprovalPolicyName: TypeAlias = Literal["never", "on-request", "on-failure", "untrusted", "permissive"]
ApprovalsReviewer: TypeAlias = Literal["user", "auto_review"]

SANDBOX_MODES: tuple[SandboxMode, ...] = ("read-only", "workspace-write", "danger-full-access")
APPROVAL_POLICIES: tuple[ApprovalPolicyName, ...] = ("never", "on-request", "on-failure", "untrusted", "permissive")


@attrs.frozen
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


ApprovalPolicy: TypeAlias = ApprovalPolicyName | Granular


def policy_name(policy: ApprovalPolicy) -> str:
    """The policy in a word."""
    return "granular" if isinstance(policy, Granular) else policy


def policy_json(policy: ApprovalPolicy) -> Json:
    """The policy as Codex writes it: its name, or `{"granular": {...}}`."""
    return {"granular": attrs.asdict(policy)} if isinstance(policy, Granular) else policy


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
