"""What a thread can be asked to do."""

from typing import Literal, TypeAlias

import attrs

from codex.base.jsontext import JsonObject
from codex.protocol.approval import ReviewDecision
from codex.protocol.user_input import UserInput

TurnMode: TypeAlias = Literal["start_or_steer", "start_if_idle"]


@attrs.frozen
class TurnInput:
    """Start a turn with this input, or hand it to the one that runs."""

    items: tuple[UserInput, ...]
    mode: TurnMode = "start_or_steer"
    output_schema: JsonObject | None = None


@attrs.frozen
class Interrupt:
    """End the running turn; everything it started is stopped first."""


@attrs.frozen
class Shutdown:
    """End the thread after its running turn was ended."""


@attrs.frozen
class ExecApproval:
    """Answer the question about a command, by the question's id."""

    id: str
    decision: ReviewDecision


@attrs.frozen
class PatchApproval:
    """Answer the question about a patch, by the question's id."""

    id: str
    decision: ReviewDecision


Op: TypeAlias = TurnInput | Interrupt | ExecApproval | PatchApproval | Shutdown


@attrs.frozen
class Submission:
    """An operation with the id its answers carry."""

    id: str
    op: Op
