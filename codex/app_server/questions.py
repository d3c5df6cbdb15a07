"""Questions of the engine in the words of the API, and the clients' answers in those of the engine.  Pure."""

from collections.abc import Mapping

from codex.app_server.api.approval import (
    AcceptWithExecpolicyAmendment,
    CommandExecutionApprovalDecision,
    CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse,
    ExecpolicyAmendmentTerms,
    FileChangeRequestApprovalParams,
    FileChangeRequestApprovalResponse,
)
from codex.app_server.wire import BadParams, decode
from codex.base.jsontext import Json
from codex.base.quoting import command_line
from codex.protocol.approval import (
    Abort,
    ApplyPatchApprovalRequest,
    Approved,
    ApprovedExecpolicyAmendment,
    ApprovedForSession,
    DecisionKind,
    Denied,
    ExecApprovalRequest,
    Question,
    ReviewDecision,
)
from codex.protocol.op import ExecApproval, PatchApproval

COMMAND = "item/commandExecution/requestApproval"
FILE_CHANGE = "item/fileChange/requestApproval"

_PLAIN: Mapping[DecisionKind, CommandExecutionApprovalDecision] = {
    "approved": "accept",
    "approved_for_session": "acceptForSession",
    "denied": "decline",
    "abort": "cancel",
}


def asked(question: Question) -> tuple[str, CommandExecutionRequestApprovalParams | FileChangeRequestApprovalParams]:
    """The method and the params of the request that puts this question to a client."""
    started = int(question.started_at * 1000)
    if isinstance(question, ApplyPatchApprovalRequest):
        return FILE_CHANGE, FileChangeRequestApprovalParams(
            thread_id=question.thread_id,
            turn_id=question.turn_id,
            item_id=question.call_id,
            started_at_ms=started,
            reason=question.reason,
        )
    from codex.app_server.command_actions import actions_of

    return COMMAND, CommandExecutionRequestApprovalParams(
        thread_id=question.thread_id,
        turn_id=question.turn_id,
        item_id=question.call_id,
        started_at_ms=started,
        environment_id="local",
        reason=question.reason,
        command=command_line(question.command),
        cwd=question.cwd,
        command_actions=actions_of(question.command, question.cwd),
        proposed_execpolicy_amendment=question.proposed_execpolicy_amendment,
        available_decisions=tuple(_decisions(question)),
    )


_OFFERED = frozenset[DecisionKind](("approved", "abort"))
"""What Codex lists besides the amendment; the others are taken, too."""


def _decisions(question: ExecApprovalRequest) -> list[CommandExecutionApprovalDecision]:
    shown: list[CommandExecutionApprovalDecision] = []
    prefix = question.proposed_execpolicy_amendment
    for kind in question.available_decisions:
        if kind == "approved_execpolicy_amendment" and prefix is not None:
            terms = ExecpolicyAmendmentTerms(execpolicy_amendment=prefix)
            shown.append(AcceptWithExecpolicyAmendment(accept_with_execpolicy_amendment=terms))
        elif kind in _OFFERED:
            shown.append(_PLAIN[kind])
    return shown


def answered(question: Question, result: Json, *, failed: bool) -> tuple[ExecApproval | PatchApproval, bool]:
    """The operation that hands a client's answer to the engine, and whether it was understood; else it is a no."""
    op = PatchApproval if isinstance(question, ApplyPatchApprovalRequest) else ExecApproval
    response = FileChangeRequestApprovalResponse if op is PatchApproval else CommandExecutionRequestApprovalResponse
    if failed:
        return op(question.id, Denied()), False
    try:
        return op(question.id, _decision(decode(response, result).decision)), True
    except BadParams as fault:
        return op(question.id, Denied(f"the client's answer was not understood: {fault}")), False


def _decision(decision: CommandExecutionApprovalDecision) -> ReviewDecision:
    match decision:
        case "accept":
            return Approved()
        case "acceptForSession":
            return ApprovedForSession()
        case "cancel":
            return Abort()
        case AcceptWithExecpolicyAmendment(accept_with_execpolicy_amendment=terms):
            return ApprovedExecpolicyAmendment(terms.execpolicy_amendment)
        case _:
            return Denied()
