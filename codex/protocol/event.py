"""What a thread tells: `Event` is the envelope, `EventMsg` what it carries.

Order within a thread is the order of the rollout: an event that is kept on disk is there before it is seen here.
"""

from typing import Literal, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.protocol.approval import ApplyPatchApprovalRequest, ExecApprovalRequest, ReviewDecision
from codex.protocol.item import PlanStep, ThreadItem
from codex.protocol.permission import ApprovalPolicy, SandboxPolicy
from codex.protocol.usage import TokenUsage

AbortReason: TypeAlias = Literal["interrupted", "replaced", "shutdown"]
AssessmentStatus: TypeAlias = Literal["in_progress", "approved", "denied", "timed_out", "aborted"]
StreamKind: TypeAlias = Literal["stdout", "stderr"]


@frozen
class SessionConfigured:
    """The first event of a thread: who it is and what is in force."""

    thread_id: str
    model: str
    model_provider: str
    cwd: str
    approval_policy: ApprovalPolicy
    sandbox_policy: SandboxPolicy
    rollout_path: str | None
    reasoning_effort: str | None = None
    reasoning_summary: str | None = None


@frozen
class TaskStarted:
    """A turn begins; the context window in tokens where it is known."""

    turn_id: str
    model_context_window: int | None = None


@frozen
class TaskComplete:
    """A turn ended by itself; `usage` is the thread's total."""

    turn_id: str
    last_agent_message: str | None
    usage: TokenUsage
    duration_ms: int
    time_to_first_token_ms: int | None = None


@frozen
class TurnFailed:
    """A turn ended by an error; `usage` is the thread's total."""

    turn_id: str
    message: str
    error_kind: str
    usage: TokenUsage


@frozen
class TurnAborted:
    """A turn was ended from outside; `usage` is the thread's total."""

    turn_id: str
    reason: AbortReason
    usage: TokenUsage


@frozen
class ItemStarted:
    """An item appears, not finished yet."""

    turn_id: str
    item: ThreadItem


@frozen
class ItemUpdated:
    """A living item changed as a whole."""

    turn_id: str
    item: ThreadItem


@frozen
class ItemCompleted:
    """An item in its last form."""

    turn_id: str
    item: ThreadItem


@frozen
class AgentMessageDelta:
    """More text of an agent message; deltas that arrived together come as one."""

    turn_id: str
    item_id: str
    delta: str
    pieces: tuple[str, ...] = attrs.field(default=(), eq=False, repr=False)
    """The text as it was cut when it came, where it came in several pieces."""


@frozen
class ReasoningDelta:
    """More text of a reasoning summary (or of the raw reasoning)."""

    turn_id: str
    item_id: str
    delta: str
    raw: bool = False
    pieces: tuple[str, ...] = attrs.field(default=(), eq=False, repr=False)
    """The text as it was cut when it came, where it came in several pieces."""


@frozen
class CommandOutputDelta:
    """More output of a running command."""

    turn_id: str
    item_id: str
    chunk: bytes


@frozen
class TurnDiff:
    """The unified diff of all that patches changed in this turn."""

    turn_id: str
    unified_diff: str


@frozen
class PlanUpdate:
    """The model set its plan."""

    turn_id: str
    explanation: str | None
    plan: tuple[PlanStep, ...]


@frozen
class TokenCount:
    """Token counts after a response."""

    turn_id: str
    total: TokenUsage
    last: TokenUsage
    model_context_window: int | None = None


@frozen
class StreamErrorNotice:
    """The connection to the model failed and is tried again."""

    turn_id: str
    message: str


@frozen
class ApprovalResolved:
    """A question is closed, whoever answered it; `decision` is None where it was withdrawn, as by an interrupt."""

    turn_id: str
    id: str
    call_id: str
    decision: ReviewDecision | None


@frozen
class ActionRefused:
    """The policy refused an action without asking; `action` is the command line, or the patch's files."""

    turn_id: str
    call_id: str
    action: str
    reason: str


@frozen
class GuardianAssessment:
    """What the automatic reviewer thinks of the action behind a question; the name is Codex's.

    `status`: `in_progress`, then `approved`, `denied`, `timed_out` or `aborted`.
    """

    turn_id: str
    id: str
    call_id: str
    status: AssessmentStatus
    risk_level: str | None = None
    rationale: str | None = None


@frozen
class Warning:
    """Something the user should know; nothing stopped. The name is Codex's."""

    message: str


@frozen
class ErrorNotice:
    """Something failed; `turn_id` is None outside of a turn."""

    turn_id: str | None
    message: str
    error_kind: str = "other"


@frozen
class ShutdownComplete:
    """The last event of a thread."""


EventMsg: TypeAlias = (
    SessionConfigured
    | TaskStarted
    | TaskComplete
    | TurnFailed
    | TurnAborted
    | ItemStarted
    | ItemUpdated
    | ItemCompleted
    | AgentMessageDelta
    | ReasoningDelta
    | CommandOutputDelta
    | TurnDiff
    | PlanUpdate
    | TokenCount
    | StreamErrorNotice
    | ExecApprovalRequest
    | ApplyPatchApprovalRequest
    | ApprovalResolved
    | ActionRefused
    | GuardianAssessment
    | Warning
    | ErrorNotice
    | ShutdownComplete
)


@frozen
class Event:
    """An event with the thread it belongs to and its place in that thread's order."""

    thread_id: str
    seq: int
    msg: EventMsg


def ends_turn(msg: EventMsg) -> bool:
    """Whether this is the last event of a turn."""
    return isinstance(msg, TaskComplete | TurnFailed | TurnAborted)
