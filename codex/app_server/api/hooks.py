"""Hooks: which there are, and their runs."""

from typing import Literal, TypeAlias

from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class HooksListParams:
    """Asks `hooks/list`."""

    cwds: tuple[str, ...] = ()
    thread_id: str | None = None


@frozen(kw_only=True)
class HookErrorInfo:
    """A hook that could not be read."""

    path: str
    message: str


HookEventName: TypeAlias = Literal[
    "preModelRequest",
    "postModelRequest",
    "preToolUse",
    "permissionRequest",
    "postToolUse",
    "preCompact",
    "postCompact",
    "sessionStart",
    "sessionEnd",
    "userPromptSubmit",
    "subagentStart",
    "subagentStop",
    "stop",
    "interrupt",
]

HookSource: TypeAlias = Literal[
    "system",
    "user",
    "project",
    "mdm",
    "sessionFlags",
    "plugin",
    "cloudRequirements",
    "cloudManagedConfig",
    "legacyManagedConfigFile",
    "legacyManagedConfigMdm",
    "unknown",
]

HookTrustStatus: TypeAlias = Literal["managed", "untrusted", "trusted", "modified"]


HookHandlerType: TypeAlias = Literal["command", "mcpTool", "prompt", "agent"]


@frozen(kw_only=True)
class HookMetadata:
    """A hook."""

    key: str
    event_name: HookEventName
    matcher: str | None = null()
    timeout_sec: Unsigned
    status_message: str | None = null()
    additional_context_limit: Unsigned | None = null()
    source_path: str
    source: HookSource
    plugin_id: str | None = null()
    environment_id: str | None = null()
    display_order: int
    enabled: bool
    is_managed: bool
    current_hash: str
    trust_status: HookTrustStatus
    handler_type: HookHandlerType
    command: str | None = None
    async_: bool | None = None
    server: str | None = None
    tool: str | None = None


@frozen(kw_only=True)
class HooksListEntry:
    """The hooks of one folder."""

    cwd: str
    hooks: tuple[HookMetadata, ...]
    warnings: tuple[str, ...]
    errors: tuple[HookErrorInfo, ...]


@frozen(kw_only=True)
class HooksListResponse:
    """Answers `hooks/list`."""

    data: tuple[HooksListEntry, ...]


HookExecutionMode: TypeAlias = Literal["sync", "async"]

HookOutputEntryKind: TypeAlias = Literal["warning", "stop", "feedback", "context", "error"]


@frozen(kw_only=True)
class HookOutputEntry:
    """One thing that a hook had to say."""

    kind: HookOutputEntryKind
    text: str


HookRunStatus: TypeAlias = Literal["running", "completed", "failed", "blocked", "stopped"]

HookScope: TypeAlias = Literal["thread", "turn"]


@frozen(kw_only=True)
class HookRunSummary:
    """One run of a hook."""

    id: str
    event_name: HookEventName
    handler_type: HookHandlerType
    execution_mode: HookExecutionMode
    scope: HookScope
    source_path: str
    source: HookSource = "unknown"
    display_order: int
    status: HookRunStatus
    status_message: str | None = null()
    started_at: int
    completed_at: int | None = null()
    duration_ms: int | None = null()
    entries: tuple[HookOutputEntry, ...]


@frozen(kw_only=True)
class HookStartedNotification:
    """Tells `hook/started`."""

    thread_id: str
    turn_id: str | None = null()
    run: HookRunSummary


@frozen(kw_only=True)
class HookCompletedNotification:
    """Tells `hook/completed`."""

    thread_id: str
    turn_id: str | None = null()
    run: HookRunSummary
