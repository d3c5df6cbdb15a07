"""Questions about actions that nobody has allowed yet, and what can be answered to them.

A question is an event of the thread; it is answered once, by an operation that names its `id`, by a reviewer, or by
its deadline, whose answer is always no.
"""

from typing import Literal, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.protocol.item import FileUpdate

DecisionKind: TypeAlias = Literal[
    "approved", "approved_for_session", "approved_execpolicy_amendment", "denied", "timed_out", "abort"
]


@frozen
class Approved:
    """Yes, this once."""

    kind: Literal["approved"] = "approved"


@frozen
class ApprovedForSession:
    """Yes, and for exactly this command, or these files, until the thread ends."""

    kind: Literal["approved_for_session"] = "approved_for_session"


@frozen
class ApprovedExecpolicyAmendment:
    """Yes, and for all commands that begin with this prefix from now on: it becomes a rule."""

    proposed_execpolicy_amendment: tuple[str, ...]
    kind: Literal["approved_execpolicy_amendment"] = "approved_execpolicy_amendment"


@frozen
class Denied:
    """No; the turn goes on, and the model is told, with the `rejection` if there is one, and who said no."""

    rejection: str | None = None
    by: Literal["user", "reviewer"] = "user"
    kind: Literal["denied"] = "denied"


@frozen
class TimedOut:
    """Nobody answered in time; as `Denied`, but the model knows that no person said no."""

    kind: Literal["timed_out"] = "timed_out"


@frozen
class Abort:
    """No, and the turn ends."""

    kind: Literal["abort"] = "abort"


ReviewDecision: TypeAlias = Approved | ApprovedForSession | ApprovedExecpolicyAmendment | Denied | TimedOut | Abort


def is_approval(decision: ReviewDecision) -> bool:
    """Whether the action may go on."""
    return isinstance(decision, Approved | ApprovedForSession | ApprovedExecpolicyAmendment)


@frozen
class ExecApprovalRequest:
    """May this command run? Without an answer until `deadline_at` (wall time in seconds) it may not.

    `id` names the question, `call_id` the item it is about. `reason` is the model's justification, a rule's, or ours.
    `outside`: it would run without the sandbox. `agent_path` says which agent of the tree asks, `thread_id` which
    thread; that is another one than the event's where the question of a sub-agent came up to its parent.
    """

    id: str
    thread_id: str
    turn_id: str
    call_id: str
    command: tuple[str, ...]
    cwd: str
    started_at: float
    deadline_at: float
    reason: str | None = None
    outside: bool = False
    proposed_execpolicy_amendment: tuple[str, ...] | None = None
    available_decisions: tuple[DecisionKind, ...] = ("approved", "approved_for_session", "denied", "abort")
    agent_path: str = "/root"

    def proposing(self, prefix: tuple[str, ...]) -> "ExecApprovalRequest":
        """The question with a rule that can be approved, too."""
        yes, session, *no = self.available_decisions
        decisions: tuple[DecisionKind, ...] = (yes, session, "approved_execpolicy_amendment", *no)
        return attrs.evolve(self, proposed_execpolicy_amendment=prefix, available_decisions=decisions)


@frozen
class ApplyPatchApprovalRequest:
    """May this patch be written? Without an answer until `deadline_at` (wall time in seconds) it may not.

    The fields are those of `ExecApprovalRequest`, with the patch's files in the place of a command.
    """

    id: str
    thread_id: str
    turn_id: str
    call_id: str
    changes: tuple[FileUpdate, ...]
    started_at: float
    deadline_at: float
    reason: str | None = None
    available_decisions: tuple[DecisionKind, ...] = ("approved", "approved_for_session", "denied", "abort")
    agent_path: str = "/root"


Question: TypeAlias = ExecApprovalRequest | ApplyPatchApprovalRequest


def refusal_of(question: Question, decision: ReviewDecision) -> str | None:
    """Why this answer does not fit the question; None when it does."""
    match decision:
        case ApprovedExecpolicyAmendment(proposed_execpolicy_amendment=prefix):
            if isinstance(question, ApplyPatchApprovalRequest):
                return "a patch cannot be answered with a rule for commands; answer approved_for_session"
            if question.proposed_execpolicy_amendment != prefix:
                proposed = question.proposed_execpolicy_amendment
                return f"the rule {list(prefix)!r} was not proposed; proposed: {list(proposed) if proposed else 'none'}"
            return None
        case _:
            return None
