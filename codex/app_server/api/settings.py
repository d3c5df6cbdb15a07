"""What a thread runs with: approvals, sandbox, reasoning, place."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.wire import UNSET, Unset, Unsigned, null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class GranularApproval:
    """Which kinds of questions may be asked at all."""

    SNAKE_CASE: ClassVar = True
    sandbox_approval: bool
    rules: bool
    skill_approval: bool = False
    request_permissions: bool = False
    mcp_elicitations: bool


@frozen(kw_only=True)
class GranularAskForApproval:
    """Ask, but only what is named."""

    granular: GranularApproval


AskForApproval: TypeAlias = Literal["untrusted", "on-request", "never"] | GranularAskForApproval


@frozen(kw_only=True)
class DangerFullAccessPolicy:
    """No sandbox."""

    type: ClassVar[Literal["dangerFullAccess"]] = "dangerFullAccess"


NetworkAccess: TypeAlias = Literal["restricted", "enabled"]


@frozen(kw_only=True)
class ExternalSandboxPolicy:
    """No sandbox of ours, since there is one around us."""

    type: ClassVar[Literal["externalSandbox"]] = "externalSandbox"
    network_access: NetworkAccess = "restricted"


@frozen(kw_only=True)
class ReadOnlyPolicy:
    """Read everything, write nothing."""

    type: ClassVar[Literal["readOnly"]] = "readOnly"
    network_access: bool = False


@frozen(kw_only=True)
class WorkspaceWritePolicy:
    """Write only below the workspace's roots."""

    type: ClassVar[Literal["workspaceWrite"]] = "workspaceWrite"
    writable_roots: tuple[str, ...] = ()
    network_access: bool = False
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False


SandboxPolicy: TypeAlias = DangerFullAccessPolicy | ReadOnlyPolicy | ExternalSandboxPolicy | WorkspaceWritePolicy

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]

ApprovalsReviewer: TypeAlias = Literal["user", "auto_review", "guardian_subagent"]

Personality: TypeAlias = Literal["none", "friendly", "pragmatic"]

ModeKind: TypeAlias = Literal["plan", "default"]


@frozen(kw_only=True)
class Settings:
    """What a collaboration mode sets."""

    SNAKE_CASE: ClassVar = True
    model: str
    reasoning_effort: str | None = null()
    developer_instructions: str | None = null()


@frozen(kw_only=True)
class CollaborationMode:
    """How model and user work together, such as planning first."""

    mode: ModeKind
    settings: Settings


ReasoningSummary: TypeAlias = Literal["auto", "concise", "detailed", "none"]


@frozen(kw_only=True)
class CustomMultiAgentMode:
    """A multi-agent mode of the client's own."""

    custom: str


MultiAgentMode: TypeAlias = Literal["explicitRequestOnly", "proactive"] | CustomMultiAgentMode


@frozen(kw_only=True)
class ActivePermissionProfile:
    """The permission profile in force, and what it was made from."""

    id: str
    extends: str | None = null()


@frozen(kw_only=True)
class ThreadEnvironment:
    """A place where a thread's commands run."""

    environment_id: str
    cwd: str
    runtime_workspace_roots: tuple[str, ...]


@frozen(kw_only=True)
class TurnEnvironmentParams:
    """A place where a turn's commands shall run."""

    environment_id: str
    cwd: str
    runtime_workspace_roots: tuple[str, ...] | None = None


@frozen(kw_only=True)
class ThreadSettings:
    """All that is in force for a thread's next turn."""

    disabled_plugin_ids: tuple[str, ...] = ()
    cwd: str
    environments: tuple[ThreadEnvironment, ...] | None = null()
    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    sandbox_policy: SandboxPolicy
    active_permission_profile: ActivePermissionProfile | None = null()
    model: str
    model_provider: str
    service_tier: str | None = null()
    effort: str | None = null()
    summary: ReasoningSummary | None = null()
    collaboration_mode: CollaborationMode
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"
    personality: Personality | None = null()


@frozen(kw_only=True)
class PermissionProfileListParams:
    """Asks `permissionProfile/list`."""

    cursor: str | None = None
    limit: Unsigned | None = None
    cwd: str | None = None


@frozen(kw_only=True)
class PermissionProfileSummary:
    """A permission profile that can be chosen, or why not."""

    id: str
    description: str | None = null()
    allowed: bool


@frozen(kw_only=True)
class PermissionProfileListResponse:
    """Answers `permissionProfile/list`."""

    data: tuple[PermissionProfileSummary, ...]
    next_cursor: str | None = null()


@frozen(kw_only=True)
class CollaborationModeListParams:
    """Asks `collaborationMode/list`."""


@frozen(kw_only=True)
class CollaborationModeMask:
    """A mode on offer, with what it would set."""

    SNAKE_CASE: ClassVar = True
    name: str
    mode: ModeKind | None = null()
    model: str | None = null()
    reasoning_effort: str | None | Unset = UNSET


@frozen(kw_only=True)
class CollaborationModeListResponse:
    """Answers `collaborationMode/list`."""

    data: tuple[CollaborationModeMask, ...]
