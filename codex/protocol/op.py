"""What a thread can be asked to do."""

from typing import Literal, TypeAlias

from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject
from codex.protocol.approval import ReviewDecision
from codex.protocol.permission import ApprovalPolicy, ApprovalsReviewer, SandboxPolicy
from codex.protocol.user_input import UserInput

TurnMode: TypeAlias = Literal["start_or_steer", "start_if_idle"]


@frozen
class TurnInput:
    """Start a turn with this input, or hand it to the one that runs.

    `client_id` is what the front-end calls the input; its item has it, too.
    """

    items: tuple[UserInput, ...]
    mode: TurnMode = "start_or_steer"
    output_schema: JsonObject | None = None
    client_id: str | None = None


@frozen
class OverrideTurnContext:
    """Let other settings hold from the next turn on; what is None stays. The name is Codex's.

    `cwd` is absolute, `sandbox_policy` whole. A running turn keeps its settings.
    """

    cwd: str | None = None
    approval_policy: ApprovalPolicy | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox_policy: SandboxPolicy | None = None
    model: str | None = None
    effort: str | None = None
    summary: str | None = None
    service_tier: str | None = None


@frozen
class Interrupt:
    """End the running turn; everything it started is stopped first."""


@frozen
class Compact:
    """Replace the history by a summary of it, in a turn of its own; refused while another turn runs."""


@frozen
class Shutdown:
    """End the thread after its running turn was ended."""


@frozen
class ExecApproval:
    """Answer the question about a command, by the question's id."""

    id: str
    decision: ReviewDecision


@frozen
class PatchApproval:
    """Answer the question about a patch, by the question's id."""

    id: str
    decision: ReviewDecision


@frozen
class RunUserShellCommand:
    """Run the user's own command line in the user's shell, without a sandbox, and let the model know of it.

    It is a turn of its own where none runs, and else goes on beside it. After `timeout` seconds it is killed, with
    exit code 124; 0 gives it no time at all.
    """

    command: str
    timeout: float = 3600.0


@frozen
class CleanBackgroundTerminals:
    """End all commands that go on in the background."""


Op: TypeAlias = (
    TurnInput
    | Interrupt
    | Compact
    | ExecApproval
    | PatchApproval
    | Shutdown
    | RunUserShellCommand
    | CleanBackgroundTerminals
    | OverrideTurnContext
)


@frozen
class Submission:
    """An operation with the id its answers carry."""

    id: str
    op: Op
