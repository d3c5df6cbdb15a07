"""What the model is told about an action that does not run.  Pure."""

from codex.protocol.approval import Abort, Denied, ReviewDecision
from codex.protocol.permission import ApprovalPolicy, policy_name

REJECTED_BY_USER = "rejected by user approval settings"
NO_ADDITIONAL_PERMISSIONS = "additional permissions cannot be granted here; ask with `require_escalated` or do without"
NOT_AGAIN = "The sandbox stopped the command, and running it without the sandbox was not allowed"


def refused_escalation(policy: ApprovalPolicy) -> str:
    """Why a command may not ask to leave the sandbox."""
    name = policy_name(policy).capitalize()
    return (
        f"approval policy is {name}; reject command — "
        f"you cannot ask for escalated permissions if the approval policy is {name}"
    )


def rejected(reason: str) -> str:
    """The text that tells the model why its command was not started, in Codex's wording."""
    return f"exec_command failed: CreateProcess {{ message: {_quoted(f'Rejected({_quoted(reason)})')} }}"


def forced_removal(command: str) -> str:
    """Why a forced removal was not started."""
    return f"`{command}` rejected: rm -f style commands are not permitted. Use a safer approach"


def forbidden(command: str, justification: str | None) -> str:
    """Why a rule keeps a command from running."""
    return f"`{command}` rejected: {justification or 'a rule forbids it'}"


def not_asked(command: str, policy: ApprovalPolicy) -> str:
    """Why a command that a rule says to ask about was not started."""
    return (
        f"`{command}` rejected: a rule asks for an approval, and the policy {policy_name(policy)} lets nobody be asked"
    )


def why_not(decision: ReviewDecision) -> str:
    """What the model is told about an answer that is no."""
    match decision:
        case Denied(rejection=why, by=by):
            return f"rejected by {by}: {why.strip()}" if why and why.strip() else f"rejected by {by}"
        case Abort():
            return "rejected by user"
        case _:
            return "nobody answered in time, which counts as no: go on without it, or ask again later"


def refusal_of_patch(decision: ReviewDecision) -> str:
    """What the model is told about a patch that somebody, or the clock, said no to."""
    return (
        f"patch {why_not(decision)}" if isinstance(decision, Denied | Abort) else f"patch rejected: {why_not(decision)}"
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
