"""What happens to a command before it runs: the policy's answer as a table.

    policy        plain command     a forced removal     the model asks to leave the sandbox
    never         run sandboxed     refuse               refuse
    on-request    run sandboxed     ask                  ask
    on-failure    run sandboxed     ask                  run outside
    untrusted     ask               ask                  ask
A full-access sandbox has nothing to leave: there the last column is the first.
"""

from typing import Literal, TypeAlias

from codex.protocol.permission import ApprovalPolicy, SandboxPolicy

Verdict: TypeAlias = Literal["run", "run_outside", "ask", "refuse"]

REFUSED_ESCALATION = (
    "approval policy is Never; reject command — "
    "you cannot ask for escalated permissions if the approval policy is Never"
)
NO_ADDITIONAL_PERMISSIONS = "additional permissions cannot be granted here; ask with `require_escalated` or do without"
REJECTED_BY_USER = "rejected by user approval settings"


def decide(policy: ApprovalPolicy, sandbox: SandboxPolicy, *, escalated: bool, dangerous: bool = False) -> Verdict:
    """What to do with a command.

    Args:
      escalated: the model asks to run it without the sandbox.
      dangerous: it destroys without asking, as `execpolicy.is_dangerous` finds.
    """
    if policy == "untrusted":
        return "ask"
    leaves = escalated and sandbox.mode != "danger-full-access"
    if policy == "never":
        return "refuse" if leaves or dangerous else "run"
    if dangerous or (leaves and policy == "on-request"):
        return "ask"
    return "run_outside" if leaves else "run"


def rejected(reason: str) -> str:
    """The text that tells the model why its command was not started, in Codex's wording."""
    return f"exec_command failed: CreateProcess {{ message: {_quoted(f'Rejected({_quoted(reason)})')} }}"


def forced_removal(command: str) -> str:
    """Why a forced removal was not started."""
    return f"`{command}` rejected: rm -f style commands are not permitted. Use a safer approach"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
