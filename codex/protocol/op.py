"""What a thread can be asked to do."""

from typing import Literal, TypeAlias

from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject
from codex.protocol.approval import ReviewDecision
from codex.protocol.user_input import UserInput

TurnMode: TypeAlias = Literal["start_or_steer", "start_if_idle"]


@frozen
class TurnInput:
    """Start a turn with this input, or hand it to the one that runs."""

    items: tuple[UserInput, ...]
    mode: TurnMode = "start_or_steer"
    output_schema: JsonObject | None = None


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
)


@frozen
class Submission:
    """An operation with the id its answers carry."""

    id: str
    op: Op
