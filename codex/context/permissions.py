"""What the model is told about its sandbox and about approvals."""

from collections.abc import Sequence

from codex.context.fragments import PERMISSIONS_CLOSE, PERMISSIONS_OPEN
from codex.protocol.permission import ApprovalPolicy, ApprovalPolicyName, Granular, SandboxMode, SandboxPolicy

_SANDBOX: dict[SandboxMode, str] = {
    "read-only": "Commands can read files anywhere and cannot write any.",
    "workspace-write": (
        "Commands can read files anywhere and can write in the working directory and the writable roots listed below. "
        "In each of them `.git`, `.codex` and `.agents` stay read-only."
    ),
    "danger-full-access": "There is no sandbox: commands can read and write everything that the user can. Take care.",
}

_NEVER = (
    "The approval policy is `never`: nobody will be asked. A command that the sandbox stops has failed; do not set "
    "`sandbox_permissions`, such a call is refused. Solve the task within the limits, or say what they prevented."
)
_ESCALATION = (
    "To ask, make the call with `sandbox_permissions` set to `require_escalated` and a `justification`: one short "
    'question to the user that names the effect, such as "May I install the project\'s dependencies with npm?". '
    "Ask when the step is needed for the task and one of these holds: it must write outside of what is writable; it "
    "needs the network; it was stopped and the sandbox is the likely reason; it starts a program with a window; or it "
    "could destroy something the user did not ask you to destroy. Keep the command narrow, ask for it once, and "
    "do not put several unrelated commands into one request. A refusal is final."
)
_APPROVAL: dict[ApprovalPolicyName, str] = {
    "never": _NEVER,
    "on-request": (
        "The approval policy is `on-request`: commands run in the sandbox, and you decide when to ask the user to let "
        f"one run outside of it.\n{_ESCALATION}"
    ),
    "on-failure": (
        "The approval policy is `on-failure`: commands run in the sandbox; when the sandbox stops one, the user is "
        "asked whether it may run again without. You need not ask yourself."
    ),
    "untrusted": (
        "The approval policy is `untrusted`: the user is asked before every command and every patch, save commands "
        f"that their rules allow. Fewer, well-chosen commands save their time.\n{_ESCALATION}"
    ),
    "permissive": (
        "The approval policy is `permissive`: commands run in the sandbox, and again without it when it stops them; "
        "one that is known to need that may set `sandbox_permissions` to `require_escalated` right away. The user is "
        "asked only before something is destroyed for good: files removed, work thrown away that git keeps nowhere, a "
        "service stopped. A refusal is final."
    ),
}
_SEVERAL = (
    "Several approval policies hold at once, since yours cannot be wider than your parent's: the strictest counts, and "
    "where one of them lets nobody be asked, what another one would ask is refused."
)
_GRANULAR = (
    "The approval policy is `granular`: commands run in the sandbox, and the user has chosen which questions they want "
    "to be asked."
)
_GRANULAR_RULES = {
    True: "They are asked about commands for which their rules say so.",
    False: "A command for which their rules say to ask is refused without asking.",
}
_GRANULAR_SANDBOX = {
    True: f"They are asked whether a command may leave the sandbox.\n{_ESCALATION}",
    False: "Nobody is asked whether a command may leave the sandbox: do not set `sandbox_permissions`.",
}
_ALLOWED = (
    "Commands that begin with one of these lists of words are allowed by the user's rules: they run without the "
    "sandbox and without a question, if all that the command line runs is allowed."
)
_UNSANDBOXED_REQUEST = (
    "The approval policy is `on-request`: nothing is kept from you by a sandbox, so ask the user only before a step "
    "that could destroy something they did not ask you to destroy. To ask, set `sandbox_permissions` to "
    "`require_escalated` with a `justification` of one short question."
)


def permissions_instructions(
    sandbox: SandboxPolicy, approval: ApprovalPolicy, writable: Sequence[str], allowed_prefixes: Sequence[str] = ()
) -> str:
    """The permissions message.

    Args:
      writable: the directories that commands can write in, as the sandbox will really mount them.
      allowed_prefixes: the beginnings of commands that rules allow, as lists in JSON.
    """
    network = "enabled" if sandbox.network else "blocked"
    lines = [
        f"The sandbox mode is `{sandbox.mode}`. {_SANDBOX[sandbox.mode]} The network is {network}.",
        _UNSANDBOXED_REQUEST if (sandbox.mode, approval) == ("danger-full-access", "on-request") else _about(approval),
    ]
    if sandbox.denies_reading:
        lines.append("Some paths cannot be read by any command, also after an approval; they are marked `deny` below.")
    if sandbox.mode == "workspace-write" and writable:
        lines.append(f"Writable roots: {', '.join(f'`{root}`' for root in writable)}.")
    if allowed_prefixes:
        lines += [_ALLOWED, *(f"- `{prefix}`" for prefix in allowed_prefixes)]
    return "\n".join([PERMISSIONS_OPEN, *lines, PERMISSIONS_CLOSE])


def _about(approval: ApprovalPolicy) -> str:
    if isinstance(approval, tuple):
        return "\n".join([_SEVERAL, *(f"- {_about(one)}" for one in approval)])
    if not isinstance(approval, Granular):
        return _APPROVAL[approval]
    return f"{_GRANULAR} {_GRANULAR_RULES[approval.rules]} {_GRANULAR_SANDBOX[approval.sandbox_approval]}"
