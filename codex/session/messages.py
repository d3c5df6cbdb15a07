"""What a session understands."""

from typing import Never, TypeAlias

from actors import Ref, Reply
from codex.base.frozen import frozen
from codex.ports.approvals import Asked
from codex.ports.model import ModelRequest
from codex.protocol.approval import ReviewDecision
from codex.protocol.event import EventMsg
from codex.protocol.op import Submission
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import UserInput
from codex.rollout import Line
from codex.turn import Phase, Summary


@frozen
class Submit:
    """An operation from a front-end; answered with its id once it was taken, failed with a UserError otherwise."""

    submission: Submission
    reply: Reply[str]


@frozen
class Publish:
    """Keep items, events and lines, then show the events.

    `counted` is the id and the usage of a response that is whole; `lines` are for the rollout alone.
    """

    msgs: tuple[EventMsg, ...]
    items: tuple[ResponseItem, ...]
    counted: tuple[str, TokenUsage] | None
    reply: Reply[None]
    lines: tuple[Line, ...] = ()


@frozen
class Tell:
    """Show a passing event."""

    msg: EventMsg


@frozen
class RecordInput:
    """Put input of the user into the history of the running turn."""

    items: tuple[UserInput, ...]
    client_id: str | None
    reply: Reply[None]


@frozen
class BeginTurn:
    """Put what the running turn starts with into the history."""

    reply: Reply[None]


@frozen
class NextRequest:
    """The request that carries the history as it is now; None when it has to be compacted first."""

    reply: Reply[ModelRequest | None]


@frozen
class SummaryRequest:
    """The request for a summary of the history, without its `dropped` oldest items."""

    phase: Phase
    dropped: int
    reply: Reply[ModelRequest]


@frozen
class ReplaceHistory:
    """Let the summary take the place of the history; failed, the old one stays."""

    summary: Summary
    phase: Phase
    reply: Reply[None]


@frozen
class Inject:
    """Put items into the history before the next request; with `wake` a turn starts for them where none runs.

    Letters that are in the history already are left out. With `task` they are work, and no mere news: the turn starts
    however many were started without a word of the user's.
    """

    items: tuple[ResponseItem, ...]
    wake: bool = False
    task: bool = False


@frozen
class CopyHistory:
    """The history's items, for a fork."""

    reply: Reply[tuple[ResponseItem, ...]]


@frozen
class OpenQuestion:
    """A call asks whether it may; `reply` is awaited by the call itself, as long as the question's deadline says.

    `asker` is who asks for a sub-agent whose question came up here; its session keeps the deadline. When the call has
    its answer, or is gone, `CloseQuestion` follows.
    """

    asked: Asked
    asker: Ref[Never] | None
    reply: Reply[ReviewDecision]


@frozen
class CloseQuestion:
    """The call has this answer, or none because it is gone."""

    question_id: str
    decision: ReviewDecision | None


@frozen
class QuestionDue:
    """A question's time is over."""

    question_id: str


@frozen
class Reviewed:
    """A reviewer has answered."""

    question_id: str
    decision: ReviewDecision


@frozen
class AbortTurn:
    """A call was answered with `abort`: the turn is to end."""

    turn_id: str


Approving: TypeAlias = OpenQuestion | CloseQuestion | QuestionDue | Reviewed
Message: TypeAlias = (
    Submit
    | Publish
    | Tell
    | RecordInput
    | BeginTurn
    | NextRequest
    | SummaryRequest
    | ReplaceHistory
    | Inject
    | CopyHistory
    | Approving
    | AbortTurn
)
