"""What the server asks its client: approvals, permissions, questions."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.item_events import (
    AdditionalFileSystemPermissions,
    AdditionalNetworkPermissions,
    NetworkApprovalProtocol,
    RequestPermissionProfile,
)
from codex.app_server.api.item_parts import CommandAction
from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject


@frozen(kw_only=True)
class AdditionalPermissionProfile:
    """Permissions in addition to those in force."""

    network: AdditionalNetworkPermissions | None = null()
    file_system: AdditionalFileSystemPermissions | None = null()


ExecPolicyAmendment: TypeAlias = tuple[str, ...]


@frozen(kw_only=True)
class ExecpolicyAmendmentTerms:
    """The words that commands allowed from now on begin with."""

    SNAKE_CASE: ClassVar = True
    execpolicy_amendment: ExecPolicyAmendment


@frozen(kw_only=True)
class AcceptWithExecpolicyAmendment:
    """Yes, and the same for every command that begins so."""

    accept_with_execpolicy_amendment: ExecpolicyAmendmentTerms


NetworkPolicyRuleAction: TypeAlias = Literal["allow", "deny"]


@frozen(kw_only=True)
class NetworkPolicyAmendment:
    """A host that is allowed or denied from now on."""

    host: str
    action: NetworkPolicyRuleAction


@frozen(kw_only=True)
class NetworkPolicyAmendmentTerms:
    """The rule for a host that is to hold."""

    SNAKE_CASE: ClassVar = True
    network_policy_amendment: NetworkPolicyAmendment


@frozen(kw_only=True)
class ApplyNetworkPolicyAmendment:
    """Decide by a rule for the host, which holds from now on."""

    apply_network_policy_amendment: NetworkPolicyAmendmentTerms


CommandExecutionApprovalDecision: TypeAlias = (
    Literal["accept", "acceptForSession", "decline", "cancel"]
    | AcceptWithExecpolicyAmendment
    | ApplyNetworkPolicyAmendment
)

CommandExecutionApprovalKind: TypeAlias = Literal["command", "humanCommand", "writeStdin"]


@frozen(kw_only=True)
class NetworkApprovalContext:
    """The connection that is asked about."""

    host: str
    protocol: NetworkApprovalProtocol


@frozen(kw_only=True)
class CommandExecutionRequestApprovalParams:
    """Asks the client `item/commandExecution/requestApproval`."""

    kind: CommandExecutionApprovalKind = "command"
    thread_id: str
    turn_id: str
    item_id: str
    started_at_ms: int
    approval_id: str | None = None
    environment_id: str | None = null()
    reason: str | None = None
    network_approval_context: NetworkApprovalContext | None = None
    command: str | None = None
    cwd: str | None = None
    command_actions: tuple[CommandAction, ...] | None = None
    additional_permissions: AdditionalPermissionProfile | None = None
    proposed_execpolicy_amendment: ExecPolicyAmendment | None = None
    proposed_network_policy_amendments: tuple[NetworkPolicyAmendment, ...] | None = None
    available_decisions: tuple[CommandExecutionApprovalDecision, ...] | None = None


@frozen(kw_only=True)
class CommandExecutionRequestApprovalResponse:
    """The client's answer to `item/commandExecution/requestApproval`."""

    decision: CommandExecutionApprovalDecision


@frozen(kw_only=True)
class FileChangeRequestApprovalParams:
    """Asks the client `item/fileChange/requestApproval`."""

    thread_id: str
    turn_id: str
    item_id: str
    started_at_ms: int
    reason: str | None = null()
    grant_root: str | None = null()


FileChangeApprovalDecision: TypeAlias = Literal["accept", "acceptForSession", "decline", "cancel"]


@frozen(kw_only=True)
class FileChangeRequestApprovalResponse:
    """The client's answer to `item/fileChange/requestApproval`."""

    decision: FileChangeApprovalDecision


@frozen(kw_only=True)
class PermissionsRequestApprovalParams:
    """Asks the client `item/permissions/requestApproval`."""

    thread_id: str
    turn_id: str
    item_id: str
    environment_id: str | None = null()
    started_at_ms: int
    cwd: str
    reason: str | None = null()
    permissions: RequestPermissionProfile


@frozen(kw_only=True)
class GrantedPermissionProfile:
    """The permissions that were given."""

    network: AdditionalNetworkPermissions | None = None
    file_system: AdditionalFileSystemPermissions | None = None


PermissionGrantScope: TypeAlias = Literal["turn", "session"]


@frozen(kw_only=True)
class PermissionsRequestApprovalResponse:
    """The client's answer to `item/permissions/requestApproval`."""

    permissions: GrantedPermissionProfile
    scope: PermissionGrantScope = "turn"
    strict_auto_review: bool = False


@frozen(kw_only=True)
class ToolRequestUserInputOption:
    """An answer to choose."""

    label: str
    description: str


@frozen(kw_only=True)
class ToolRequestUserInputQuestion:
    """One question to the user."""

    id: str
    header: str
    question: str
    is_other: bool = False
    is_secret: bool = False
    options: tuple[ToolRequestUserInputOption, ...] | None = null()


@frozen(kw_only=True)
class ToolRequestUserInputParams:
    """Asks the client `item/tool/requestUserInput`."""

    thread_id: str
    turn_id: str
    item_id: str
    questions: tuple[ToolRequestUserInputQuestion, ...]
    is_blocking: bool
    auto_resolution_ms: Unsigned | None = null()


@frozen(kw_only=True)
class ToolRequestUserInputAnswer:
    """The answers to one question."""

    answers: tuple[str, ...]


@frozen(kw_only=True)
class ToolRequestUserInputResponse:
    """The client's answer to `item/tool/requestUserInput`."""

    answers: dict[str, ToolRequestUserInputAnswer]


@frozen(kw_only=True)
class FormElicitation:
    """An MCP server asks for values of a form."""

    mode: ClassVar[Literal["form"]] = "form"
    thread_id: str
    turn_id: str | None = null()
    server_name: str
    meta: Json = null()
    message: str
    requested_schema: JsonObject


@frozen(kw_only=True)
class OpenaiFormElicitation:
    """An MCP server asks for values of a form of another kind."""

    mode: ClassVar[Literal["openaiForm"]] = "openaiForm"
    thread_id: str
    turn_id: str | None = null()
    server_name: str
    meta: Json = null()
    message: str
    requested_schema: Json


@frozen(kw_only=True)
class UrlElicitation:
    """An MCP server asks the user to visit an address."""

    mode: ClassVar[Literal["url"]] = "url"
    thread_id: str
    turn_id: str | None = null()
    server_name: str
    meta: Json = null()
    message: str
    url: str
    elicitation_id: str


@frozen(kw_only=True)
class UserVerificationElicitation:
    """An MCP server asks for a proof that the user is there."""

    mode: ClassVar[Literal["openai/userVerification"]] = "openai/userVerification"
    thread_id: str
    turn_id: str | None = null()
    server_name: str
    meta: Json = null()
    title: str
    description: str
    challenge: str


McpServerElicitationRequestParams: TypeAlias = (
    UserVerificationElicitation | FormElicitation | OpenaiFormElicitation | OpenaiFormElicitation | UrlElicitation
)

McpServerElicitationAction: TypeAlias = Literal["accept", "decline", "cancel"]


@frozen(kw_only=True)
class McpServerElicitationRequestResponse:
    """The client's answer to `mcpServer/elicitation/request`."""

    action: McpServerElicitationAction
    content: Json = null()
    meta: Json = null()
