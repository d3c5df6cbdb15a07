"""Turns: starting, steering, interrupting them."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.item import ThreadItem
from codex.app_server.api.item_parts import FunctionCallOutputBody
from codex.app_server.api.settings import (
    ApprovalsReviewer,
    AskForApproval,
    CollaborationMode,
    MultiAgentMode,
    Personality,
    ReasoningSummary,
    SandboxPolicy,
    TurnEnvironmentParams,
)
from codex.app_server.api.user_input import UserInput
from codex.app_server.wire import UNSET, Unset, Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject

NonSteerableTurnKind: TypeAlias = Literal["review", "compact"]


@frozen(kw_only=True)
class NotSteerable:
    """What kind of turn takes no more input."""

    turn_kind: NonSteerableTurnKind


@frozen(kw_only=True)
class ActiveTurnNotSteerable:
    """The running turn takes no more input."""

    active_turn_not_steerable: NotSteerable


@frozen(kw_only=True)
class HttpFailure:
    """The status with which the provider refused, if it came so far."""

    http_status_code: Unsigned | None = null()


@frozen(kw_only=True)
class HttpConnectionFailed:
    """No connection to the provider."""

    http_connection_failed: HttpFailure


@frozen(kw_only=True)
class ResponseStreamConnectionFailed:
    """The stream of the answer could not be opened."""

    response_stream_connection_failed: HttpFailure


@frozen(kw_only=True)
class ResponseStreamDisconnected:
    """The stream of the answer broke off."""

    response_stream_disconnected: HttpFailure


@frozen(kw_only=True)
class ResponseTooManyFailedAttempts:
    """Every attempt to ask the model failed."""

    response_too_many_failed_attempts: HttpFailure


CodexErrorInfo: TypeAlias = (
    Literal[
        "contextWindowExceeded",
        "sessionBudgetExceeded",
        "usageLimitExceeded",
        "rateLimitExceeded",
        "flexUnavailable",
        "serverOverloaded",
        "modelNotFound",
        "policyCapacityUnavailable",
        "inferenceHookDenied",
        "cyberPolicy",
        "misalignmentPolicyViolation",
        "tooManyDenials",
        "internalServerError",
        "unauthorized",
        "badRequest",
        "threadRollbackFailed",
        "sandboxError",
        "other",
    ]
    | str
    | JsonObject
    | HttpConnectionFailed
    | ResponseStreamConnectionFailed
    | ResponseStreamDisconnected
    | ResponseTooManyFailedAttempts
    | ActiveTurnNotSteerable
)


@frozen(kw_only=True)
class MisalignmentSteer:
    """What was said against misalignment."""

    message: str


@frozen(kw_only=True)
class MisalignmentErrorDetails:
    """Why a turn was ended for misalignment."""

    error_type: str | None = null()
    detailed_explanation: str | None = null()
    steer: MisalignmentSteer | None = null()
    review_target: str | None = None


@frozen(kw_only=True)
class TurnError:
    """Why a turn failed."""

    message: str
    codex_error_info: CodexErrorInfo | None = null()
    additional_details: str | None = null()
    misalignment: MisalignmentErrorDetails | None = null()


TurnItemsView: TypeAlias = Literal["notLoaded", "summary", "full"]

TurnStatus: TypeAlias = Literal["completed", "interrupted", "failed", "inProgress"]


@frozen(kw_only=True)
class Turn:
    """One answer of the model, with all it did on the way."""

    id: str
    root_turn_id: str | None = null()
    items: tuple[ThreadItem, ...]
    items_view: TurnItemsView = "full"
    status: TurnStatus
    error: TurnError | None = null()
    started_at: int | None = null()
    completed_at: int | None = null()
    duration_ms: int | None = null()


AdditionalContextKind: TypeAlias = Literal["untrusted", "application"]


@frozen(kw_only=True)
class AdditionalContextEntry:
    """Something more that the model shall know."""

    value: str
    kind: AdditionalContextKind
    name: str | None = None


CyberAccessProgram: TypeAlias = Literal["standard", "daybreakBlue", "daybreakRed"]


@frozen(kw_only=True)
class TurnToolOutput:
    """The output of a call, which starts a turn."""

    name: str
    namespace: str | None = null()
    output: FunctionCallOutputBody
    retain: bool = False


@frozen(kw_only=True)
class TurnStartParams:
    """Asks `turn/start`: a turn with this input; into a running turn the input is steered."""

    thread_id: str
    disabled_plugin_ids: tuple[str, ...] | None = None
    client_user_message_id: str | None = None
    input: tuple[UserInput, ...]
    turn_trigger: str | None = None
    parent_turn_id: str | None = None
    root_turn_id: str | None = None
    tool_output: TurnToolOutput | None = None
    responsesapi_client_metadata: dict[str, str] | None = None
    responsesapi_client_metadata_patch: dict[str, str] | None = None
    additional_context: dict[str, AdditionalContextEntry] | None = None
    environments: tuple[TurnEnvironmentParams, ...] | None = None
    cwd: str | None = None
    runtime_workspace_roots: tuple[str, ...] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox_policy: SandboxPolicy | None = None
    permissions: str | None = None
    model: str | None = None
    service_tier: str | None | Unset = UNSET
    service_tier_for_turn: str | None = None
    effort: str | None = None
    summary: ReasoningSummary | None = None
    personality: Personality | None = None
    output_schema: Json = None
    collaboration_mode: CollaborationMode | None = None
    multi_agent_mode: MultiAgentMode | None = None
    cyber_access_program: CyberAccessProgram | None = None


@frozen(kw_only=True)
class TurnStartResponse:
    """Answers `turn/start`."""

    turn: Turn


@frozen(kw_only=True)
class TurnSteerParams:
    """Asks `turn/steer`: more input for the running turn."""

    thread_id: str
    client_user_message_id: str | None = None
    input: tuple[UserInput, ...]
    responsesapi_client_metadata: dict[str, str] | None = None
    responsesapi_client_metadata_patch: dict[str, str] | None = None
    additional_context: dict[str, AdditionalContextEntry] | None = None
    expected_turn_id: str


@frozen(kw_only=True)
class TurnSteerResponse:
    """Answers `turn/steer`."""

    turn_id: str


@frozen(kw_only=True)
class TurnInterruptParams:
    """Asks `turn/interrupt`: end the running turn."""

    thread_id: str
    turn_id: str


@frozen(kw_only=True)
class TurnInterruptResponse:
    """Answers `turn/interrupt`."""


@frozen(kw_only=True)
class TurnSettingsUpdateParams:
    """Asks `turn/settings/update`."""

    thread_id: str
    turn_id: str
    approvals_reviewer: ApprovalsReviewer | None = None
    environments: tuple[TurnEnvironmentParams, ...] | None = None
    model: str | None = None
    effort: str | None = None
    summary: ReasoningSummary | None = None
    service_tier: str | None | Unset = UNSET


TurnSettingsUpdateStatus: TypeAlias = Literal["applied", "targetUnavailable"]


@frozen(kw_only=True)
class TurnSettingsUpdateResponse:
    """Answers `turn/settings/update`."""

    status: TurnSettingsUpdateStatus


ReviewDelivery: TypeAlias = Literal["inline"]


@frozen(kw_only=True)
class BaseBranchTarget:
    """Review what differs from a branch."""

    type: ClassVar[Literal["baseBranch"]] = "baseBranch"
    branch: str


@frozen(kw_only=True)
class CommitTarget:
    """Review one commit."""

    type: ClassVar[Literal["commit"]] = "commit"
    sha: str
    title: str | None = null()


@frozen(kw_only=True)
class CustomTarget:
    """Review what the instructions say."""

    type: ClassVar[Literal["custom"]] = "custom"
    instructions: str


@frozen(kw_only=True)
class UncommittedChangesTarget:
    """Review what is not committed."""

    type: ClassVar[Literal["uncommittedChanges"]] = "uncommittedChanges"


ReviewTarget: TypeAlias = UncommittedChangesTarget | BaseBranchTarget | CommitTarget | CustomTarget


@frozen(kw_only=True)
class ReviewStartParams:
    """Asks `review/start`."""

    thread_id: str
    target: ReviewTarget
    delivery: ReviewDelivery | None = None


@frozen(kw_only=True)
class ReviewStartResponse:
    """Answers `review/start`."""

    turn: Turn
    review_thread_id: str


@frozen(kw_only=True)
class TurnStartedNotification:
    """Tells `turn/started`."""

    thread_id: str
    turn: Turn


@frozen(kw_only=True)
class TurnCompletedNotification:
    """Tells `turn/completed`."""

    thread_id: str
    turn: Turn


@frozen(kw_only=True)
class TurnDiffUpdatedNotification:
    """Tells `turn/diff/updated`."""

    thread_id: str
    turn_id: str
    diff: str


TurnPlanStepStatus: TypeAlias = Literal["pending", "inProgress", "completed"]


@frozen(kw_only=True)
class TurnPlanStep:
    """One step of the plan."""

    step: str
    status: TurnPlanStepStatus


@frozen(kw_only=True)
class TurnPlanUpdatedNotification:
    """Tells `turn/plan/updated`."""

    thread_id: str
    turn_id: str
    explanation: str | None = null()
    plan: tuple[TurnPlanStep, ...]


@frozen(kw_only=True)
class ErrorNotification:
    """Tells `error`."""

    error: TurnError
    will_retry: bool
    thread_id: str
    turn_id: str
