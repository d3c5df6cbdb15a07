"""Threads: their state, and starting, resuming and forking them."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.dynamic_tool import DynamicToolSpec
from codex.app_server.api.settings import (
    ActivePermissionProfile,
    ApprovalsReviewer,
    AskForApproval,
    CollaborationMode,
    MultiAgentMode,
    Personality,
    SandboxMode,
    SandboxPolicy,
    ThreadEnvironment,
    TurnEnvironmentParams,
)
from codex.app_server.api.turn import Turn, TurnItemsView
from codex.app_server.wire import UNSET, Unset, Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject


@frozen(kw_only=True)
class GitInfo:
    """Where the repository stood when the thread began."""

    sha: str | None = null()
    branch: str | None = null()
    origin_url: str | None = null()


@frozen(kw_only=True)
class CustomSource:
    """A program that gave its own name."""

    custom: str


@frozen(kw_only=True)
class OtherSource:
    """A sub-agent of another kind."""

    other: str


@frozen(kw_only=True)
class ThreadSpawn:
    """Who spawned a sub-agent, how deep, as what."""

    SNAKE_CASE: ClassVar = True
    parent_thread_id: str
    depth: int
    agent_path: str | None = null()
    agent_nickname: str | None = null()
    agent_role: str | None = null()


@frozen(kw_only=True)
class ThreadSpawnSource:
    """A sub-agent that the model spawned."""

    SNAKE_CASE: ClassVar = True
    thread_spawn: ThreadSpawn


SubAgentSource: TypeAlias = Literal["review", "compact", "memory_consolidation"] | ThreadSpawnSource | OtherSource


@frozen(kw_only=True)
class SubAgentOrigin:
    """The thread belongs to a sub-agent."""

    sub_agent: SubAgentSource


SessionSource: TypeAlias = Literal["cli", "vscode", "exec", "appServer", "unknown"] | CustomSource | SubAgentOrigin

ThreadHistoryMode: TypeAlias = Literal["legacy", "paginated"]


@frozen(kw_only=True)
class ThreadSectionAppearance:
    """How a section is shown."""

    icon: str | None = null()
    color: str | None = null()


@frozen(kw_only=True)
class ThreadSection:
    """A section that threads are sorted into."""

    id: str
    name: str
    appearance: ThreadSectionAppearance | None = null()


ThreadActiveFlag: TypeAlias = Literal["waitingOnApproval", "waitingOnUserInput"]


@frozen(kw_only=True)
class ActiveThreadStatus:
    """A turn runs; the flags tell what it waits for."""

    type: ClassVar[Literal["active"]] = "active"
    active_flags: tuple[ThreadActiveFlag, ...]


@frozen(kw_only=True)
class IdleThreadStatus:
    """Loaded, and no turn runs."""

    type: ClassVar[Literal["idle"]] = "idle"


@frozen(kw_only=True)
class NotLoadedThreadStatus:
    """Only on disk."""

    type: ClassVar[Literal["notLoaded"]] = "notLoaded"


@frozen(kw_only=True)
class SystemErrorThreadStatus:
    """The thread ended by a fault."""

    type: ClassVar[Literal["systemError"]] = "systemError"


ThreadStatus: TypeAlias = NotLoadedThreadStatus | IdleThreadStatus | SystemErrorThreadStatus | ActiveThreadStatus


@frozen(kw_only=True)
class Thread:
    """A conversation, loaded or on disk."""

    id: str
    environments: tuple[ThreadEnvironment, ...] | None = null()
    extra: JsonObject | None = null()
    session_id: str
    forked_from_id: str | None = null()
    attached_to_thread_id: str | None = null()
    parent_thread_id: str | None = null()
    preview: str
    ephemeral: bool
    section: ThreadSection | None = null()
    section_entered_at: int | None = null()
    project_id: str | None = null()
    history_mode: ThreadHistoryMode = "legacy"
    model_provider: str
    model: str | None = null()
    reasoning_effort: str | None = null()
    created_at: int
    updated_at: int
    recency_at: int | None = null()
    status: ThreadStatus
    path: str | None = null()
    cwd: str
    cli_version: str
    originator: str | None = null()
    source: SessionSource
    can_accept_direct_input: bool | None = null()
    thread_source: str | None = null()
    agent_nickname: str | None = null()
    agent_role: str | None = null()
    git_info: GitInfo | None = null()
    name: str | None = null()
    daybreak_enabled: bool | None = null()
    turns: tuple[Turn, ...]


@frozen(kw_only=True)
class CapabilityRootLocation:
    """Where a folder of capabilities is."""

    type: ClassVar[Literal["environment"]] = "environment"
    environment_id: str
    path: str


@frozen(kw_only=True)
class SelectedCapabilityRoot:
    """A folder of capabilities that was chosen."""

    id: str
    location: CapabilityRootLocation


ThreadStartSource: TypeAlias = Literal["startup", "clear"]


@frozen(kw_only=True)
class ThreadStartParams:
    """Asks `thread/start`: a new thread; what is left out comes from the configuration."""

    model: str | None = None
    model_provider: str | None = None
    allow_provider_model_fallback: bool = False
    service_tier: str | None | Unset = UNSET
    cwd: str | None = None
    runtime_workspace_roots: tuple[str, ...] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox: SandboxMode | None = None
    permissions: str | None = None
    config: JsonObject | None = None
    service_name: str | None = None
    base_instructions: str | None = None
    developer_instructions: str | None = None
    personality: Personality | None = None
    multi_agent_mode: MultiAgentMode | None = None
    ephemeral: bool | None = None
    history_mode: ThreadHistoryMode | None = None
    session_start_source: ThreadStartSource | None = None
    thread_source: str | None = None
    project_id: str | None = None
    daybreak_enabled: bool | None = None
    environments: tuple[TurnEnvironmentParams, ...] | None = None
    dynamic_tools: tuple[DynamicToolSpec, ...] | None = None
    selected_capability_roots: tuple[SelectedCapabilityRoot, ...] | None = None
    mock_experimental_field: str | None = None
    experimental_raw_events: bool = False


@frozen(kw_only=True)
class ThreadStartResponse:
    """Answers `thread/start`."""

    thread: Thread
    model: str
    model_provider: str
    service_tier: str | None = null()
    disabled_plugin_ids: tuple[str, ...] = ()
    cwd: str
    runtime_workspace_roots: tuple[str, ...] = ()
    instruction_sources: tuple[str, ...] = ()
    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    sandbox: SandboxPolicy
    active_permission_profile: ActivePermissionProfile | None = null()
    reasoning_effort: str | None = null()
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"


SortDirection: TypeAlias = Literal["asc", "desc"]


@frozen(kw_only=True)
class ThreadResumeInitialTurnsPageParams:
    """Which turns a resume shall bring along."""

    limit: Unsigned | None = None
    sort_direction: SortDirection | None = None
    items_view: TurnItemsView | None = None


@frozen(kw_only=True)
class ThreadResumeParams:
    """Asks `thread/resume`: load a stored thread, or join a running one, and be told of it."""

    thread_id: str
    history: tuple[JsonObject, ...] | None = None
    path: str | None = None
    model: str | None = None
    model_provider: str | None = None
    service_tier: str | None | Unset = UNSET
    cwd: str | None = None
    runtime_workspace_roots: tuple[str, ...] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox: SandboxMode | None = None
    permissions: str | None = None
    config: JsonObject | None = None
    base_instructions: str | None = None
    developer_instructions: str | None = None
    personality: Personality | None = None
    exclude_turns: bool = False
    initial_turns_page: ThreadResumeInitialTurnsPageParams | None = None


@frozen(kw_only=True)
class TurnsPage:
    """Some turns, and where to go on."""

    data: tuple[Turn, ...]
    next_cursor: str | None = null()
    backwards_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadResumeResponse:
    """Answers `thread/resume`."""

    thread: Thread
    model: str
    model_provider: str
    service_tier: str | None = null()
    disabled_plugin_ids: tuple[str, ...] = ()
    cwd: str
    runtime_workspace_roots: tuple[str, ...] = ()
    instruction_sources: tuple[str, ...] = ()
    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    sandbox: SandboxPolicy
    active_permission_profile: ActivePermissionProfile | None = null()
    reasoning_effort: str | None = null()
    collaboration_mode: CollaborationMode | None = null()
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"
    initial_turns_page: TurnsPage | None = null()
    turns_backwards_cursor: str | None = null()
    items_backwards_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadForkParams:
    """Asks `thread/fork`: copy a thread, or its beginning, into a new one."""

    thread_id: str
    experimental_prediction_mode: bool = False
    experimental_disable_prediction_mcp: bool = False
    last_turn_id: str | None = None
    before_turn_id: str | None = None
    path: str | None = None
    model: str | None = None
    model_provider: str | None = None
    service_tier: str | None | Unset = UNSET
    cwd: str | None = None
    runtime_workspace_roots: tuple[str, ...] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox: SandboxMode | None = None
    permissions: str | None = None
    config: JsonObject | None = None
    base_instructions: str | None = None
    developer_instructions: str | None = None
    ephemeral: bool = False
    attach_to_source: bool = False
    thread_source: str | None = None
    exclude_turns: bool = False
    defer_goal_continuation: bool = False


@frozen(kw_only=True)
class ThreadForkResponse:
    """Answers `thread/fork`."""

    thread: Thread
    model: str
    model_provider: str
    service_tier: str | None = null()
    disabled_plugin_ids: tuple[str, ...] = ()
    cwd: str
    runtime_workspace_roots: tuple[str, ...] = ()
    instruction_sources: tuple[str, ...] = ()
    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    sandbox: SandboxPolicy
    active_permission_profile: ActivePermissionProfile | None = null()
    reasoning_effort: str | None = null()
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"
