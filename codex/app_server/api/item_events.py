"""What is told while items come to be."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.item import ThreadItem
from codex.app_server.api.item_parts import FileUpdateChange
from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject


@frozen(kw_only=True)
class ItemStartedNotification:
    """Tells `item/started`."""

    item: ThreadItem
    thread_id: str
    turn_id: str
    started_at_ms: int


@frozen(kw_only=True)
class ItemCompletedNotification:
    """Tells `item/completed`."""

    item: ThreadItem
    thread_id: str
    turn_id: str
    content_token_count: Unsigned | None = null()
    completed_at_ms: int


@frozen(kw_only=True)
class AgentMessageDeltaNotification:
    """Tells `item/agentMessage/delta`."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str


@frozen(kw_only=True)
class PlanDeltaNotification:
    """Tells `item/plan/delta`."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str


@frozen(kw_only=True)
class ReasoningSummaryTextDeltaNotification:
    """Tells `item/reasoning/summaryTextDelta`."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str
    summary_index: int


@frozen(kw_only=True)
class ReasoningSummaryPartAddedNotification:
    """Tells `item/reasoning/summaryPartAdded`."""

    thread_id: str
    turn_id: str
    item_id: str
    summary_index: int


@frozen(kw_only=True)
class ReasoningTextDeltaNotification:
    """Tells `item/reasoning/textDelta`."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str
    content_index: int


@frozen(kw_only=True)
class CommandExecutionOutputDeltaNotification:
    """Tells `item/commandExecution/outputDelta`."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str


@frozen(kw_only=True)
class TerminalInteractionNotification:
    """Tells `item/commandExecution/terminalInteraction`."""

    thread_id: str
    turn_id: str
    item_id: str
    process_id: str
    stdin: str


@frozen(kw_only=True)
class FileChangePatchUpdatedNotification:
    """Tells `item/fileChange/patchUpdated`."""

    thread_id: str
    turn_id: str
    item_id: str
    changes: tuple[FileUpdateChange, ...]


@frozen(kw_only=True)
class McpToolCallProgressNotification:
    """Tells `item/mcpToolCall/progress`."""

    thread_id: str
    turn_id: str
    item_id: str
    message: str


@frozen(kw_only=True)
class RawResponseItemCompletedNotification:
    """Tells `rawResponseItem/completed`."""

    thread_id: str
    turn_id: str
    item: JsonObject


@frozen(kw_only=True)
class ResponseUsageMetadata:
    """What the provider says of a response's cost."""

    amount: str | None = null()
    metadata: Json = null()


@frozen(kw_only=True)
class TokenUsageBreakdown:
    """Tokens, by kind."""

    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int = 0
    output_tokens: int
    reasoning_output_tokens: int


@frozen(kw_only=True)
class RawResponseCompletedNotification:
    """Tells `rawResponse/completed`."""

    thread_id: str
    turn_id: str
    response_id: str
    usage: TokenUsageBreakdown | None = null()
    usage_metadata: ResponseUsageMetadata | None = null()


GuardianApprovalReviewStatus: TypeAlias = Literal["inProgress", "approved", "denied", "timedOut", "aborted"]

GuardianRiskLevel: TypeAlias = Literal["low", "medium", "high", "critical"]

GuardianUserAuthorization: TypeAlias = Literal["unknown", "low", "medium", "high"]


@frozen(kw_only=True)
class GuardianApprovalReview:
    """How the automatic reviewer judged."""

    status: GuardianApprovalReviewStatus
    risk_level: GuardianRiskLevel | None = null()
    user_authorization: GuardianUserAuthorization | None = null()
    rationale: str | None = null()


@frozen(kw_only=True)
class ApplyPatchReview:
    """The reviewer looked at a patch."""

    type: ClassVar[Literal["applyPatch"]] = "applyPatch"
    cwd: str
    files: tuple[str, ...]


GuardianCommandSource: TypeAlias = Literal["shell", "unifiedExec"]


@frozen(kw_only=True)
class CommandReview:
    """The reviewer looked at a command."""

    type: ClassVar[Literal["command"]] = "command"
    source: GuardianCommandSource
    command: str
    cwd: str


@frozen(kw_only=True)
class ExecveReview:
    """The reviewer looked at a program's start."""

    type: ClassVar[Literal["execve"]] = "execve"
    source: GuardianCommandSource
    program: str
    argv: tuple[str, ...]
    cwd: str


@frozen(kw_only=True)
class McpToolCallReview:
    """The reviewer looked at an MCP call."""

    type: ClassVar[Literal["mcpToolCall"]] = "mcpToolCall"
    server: str
    tool_name: str
    connector_id: str | None = null()
    connector_name: str | None = null()
    tool_title: str | None = null()


NetworkApprovalProtocol: TypeAlias = Literal["http", "https", "socks5Tcp", "socks5Udp"]


@frozen(kw_only=True)
class NetworkAccessReview:
    """The reviewer looked at a connection."""

    type: ClassVar[Literal["networkAccess"]] = "networkAccess"
    target: str
    host: str
    protocol: NetworkApprovalProtocol
    port: Unsigned


FileSystemAccessMode: TypeAlias = Literal["read", "write", "deny"]


@frozen(kw_only=True)
class GlobPatternFileSystemPath:
    """Paths that match a pattern."""

    type: ClassVar[Literal["glob_pattern"]] = "glob_pattern"
    pattern: str


@frozen(kw_only=True)
class PathFileSystemPath:
    """One path."""

    type: ClassVar[Literal["path"]] = "path"
    path: str


@frozen(kw_only=True)
class KindFileSystemSpecialPath:
    """A place known by its meaning."""

    kind: Literal["root"]
    subpath: str | None = None
    path: str | None = None


FileSystemSpecialPath: TypeAlias = KindFileSystemSpecialPath


@frozen(kw_only=True)
class SpecialFileSystemPath:
    """A place known by its meaning, as a path."""

    type: ClassVar[Literal["special"]] = "special"
    value: FileSystemSpecialPath


FileSystemPath: TypeAlias = PathFileSystemPath | GlobPatternFileSystemPath | SpecialFileSystemPath


@frozen(kw_only=True)
class FileSystemSandboxEntry:
    """One place and what may be done there."""

    path: FileSystemPath
    access: FileSystemAccessMode


@frozen(kw_only=True)
class AdditionalFileSystemPermissions:
    """Places that may be read or written in addition."""

    read: tuple[str, ...] | None = null()
    write: tuple[str, ...] | None = null()
    glob_scan_max_depth: Unsigned | None = None
    entries: tuple[FileSystemSandboxEntry, ...] = ()


@frozen(kw_only=True)
class AdditionalNetworkPermissions:
    """Whether the network may be used in addition."""

    enabled: bool | None = null()


@frozen(kw_only=True)
class RequestPermissionProfile:
    """The permissions that are wished for."""

    network: AdditionalNetworkPermissions | None = null()
    file_system: AdditionalFileSystemPermissions | None = null()


@frozen(kw_only=True)
class RequestPermissionsReview:
    """The reviewer looked at a wish for permissions."""

    type: ClassVar[Literal["requestPermissions"]] = "requestPermissions"
    reason: str | None = null()
    permissions: RequestPermissionProfile


@frozen(kw_only=True)
class WriteStdinReview:
    """The reviewer looked at input for a running command."""

    type: ClassVar[Literal["writeStdin"]] = "writeStdin"
    approval_id: str
    process_id: str
    stdin: str
    cwd: str


GuardianApprovalReviewAction: TypeAlias = (
    CommandReview
    | ExecveReview
    | WriteStdinReview
    | ApplyPatchReview
    | NetworkAccessReview
    | McpToolCallReview
    | RequestPermissionsReview
)


@frozen(kw_only=True)
class ItemGuardianApprovalReviewStartedNotification:
    """Tells `item/autoApprovalReview/started`."""

    thread_id: str
    turn_id: str
    started_at_ms: int
    review_id: str
    target_item_id: str | None = null()
    review: GuardianApprovalReview
    action: GuardianApprovalReviewAction


AutoReviewDecisionSource: TypeAlias = Literal["agent"]


@frozen(kw_only=True)
class ItemGuardianApprovalReviewCompletedNotification:
    """Tells `item/autoApprovalReview/completed`."""

    thread_id: str
    turn_id: str
    started_at_ms: int
    completed_at_ms: int
    review_id: str
    target_item_id: str | None = null()
    decision_source: AutoReviewDecisionSource
    review: GuardianApprovalReview
    action: GuardianApprovalReviewAction
