"""One thread's events in the words of the API, as a pure machine.

    idle    --TaskStarted--> active     status, turn/started
    active  --items, deltas> active     an item is started once, with the time it began, and completed once
    active  --question-----> waiting    the client is asked; the command it is about is shown first
    waiting --resolved-----> active
    any     --turn's end---> idle       what was left to tell, status, turn/completed
Law: before every item/completed there was its item/started; nothing of a turn is told after its turn/completed,
but for the end of a command that went on in the background.
Token counts are told once the calls of their response are done, as in Codex: at the first word of the next answer, or
at the end of the turn.  Not decided here: who is told (feed), how it is written (notice).
"""

import codecs
from collections.abc import Sequence
from typing import Any, TypeAlias, assert_never

import attrs

from codex.app_server.api.account import AccountRateLimitsUpdatedNotification, RateLimitSnapshot
from codex.app_server.api.item import (
    AgentMessageItem,
    CommandExecutionItem,
    ContextCompactionItem,
    FileChangeItem,
    ReasoningItem,
    ThreadItem,
    UserMessageItem,
    WebSearchItem,
)
from codex.app_server.api.item_events import (
    AgentMessageDeltaNotification,
    CommandExecutionOutputDeltaNotification,
    ItemCompletedNotification,
    ItemStartedNotification,
    ReasoningSummaryPartAddedNotification,
    ReasoningSummaryTextDeltaNotification,
    ReasoningTextDeltaNotification,
    TokenUsageBreakdown,
)
from codex.app_server.api.server import WarningNotification
from codex.app_server.api.thread import ActiveThreadStatus, IdleThreadStatus, SystemErrorThreadStatus, ThreadStatus
from codex.app_server.api.thread_events import (
    ThreadStatusChangedNotification,
    ThreadTokenUsage,
    ThreadTokenUsageUpdatedNotification,
)
from codex.app_server.api.turn import (
    ErrorNotification,
    Turn,
    TurnCompletedNotification,
    TurnDiffUpdatedNotification,
    TurnPlanStep,
    TurnPlanStepStatus,
    TurnPlanUpdatedNotification,
    TurnStartedNotification,
    TurnStatus,
)
from codex.app_server.failures import retry_error, turn_error
from codex.app_server.items import shown_item
from codex.app_server.notice import Notice
from codex.app_server.turn_record import TurnRecord
from codex.base.frozen import frozen
from codex.protocol import event as engine
from codex.protocol.approval import Abort, ApplyPatchApprovalRequest, ExecApprovalRequest, Question, is_approval
from codex.protocol.item import CommandExecution, ErrorNote, StepStatus
from codex.protocol.usage import TokenUsage

_STEPS: dict[StepStatus, TurnPlanStepStatus] = {
    "pending": "pending",
    "in_progress": "inProgress",
    "completed": "completed",
}
_NO_LIMITS = AccountRateLimitsUpdatedNotification(rate_limits=RateLimitSnapshot(limit_id="codex"))


@frozen
class Ask:
    """Put this question to the clients."""

    question: Question


@frozen
class Close:
    """The question with this id of the engine's needs no answer any more."""

    question_id: str


@frozen
class TurnRead:
    """A turn ended that the user has not seen."""

    turn_id: str


Told: TypeAlias = Notice | Ask | Close | TurnRead


class Translator:
    """What clients are told of one thread. `now_ms` is the wall time in milliseconds."""

    def __init__(self, thread_id: str) -> None:
        self.thread_id = thread_id
        self.turn: TurnRecord | None = None
        self.usage: ThreadTokenUsage | None = None
        self.usage_turn: str | None = None
        self.turns_ended = 0
        self._questions: set[str] = set()
        self._status: ThreadStatus = IdleThreadStatus()
        self._untold_usage = False
        self._refused = ""
        self._unanswered = ""
        """The command or patch whose question a client has answered with an error, or not to be understood."""
        self._stopped_at = ""
        """The patch at whose question the user ended the turn."""
        self._awaiting: dict[str, ThreadItem] = {}
        """Commands that somebody may be asked about: they are told after the status, or when they run."""
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._reasoning_parts: set[str] = set()
        self._now_ms = 0
        self._out: list[Told] = []

    @property
    def status(self) -> ThreadStatus:
        """Whether a turn runs, and what it waits for."""
        return self._status

    def running_turn(self) -> Turn | None:
        """The running turn with its items so far."""
        return None if self.turn is None else self.turn.running()

    def remember(self, usage: ThreadTokenUsage, turn_id: str | None) -> None:
        """What the thread had used before it was loaded, and its last turn then."""
        self.usage, self.usage_turn = usage, turn_id

    def answer_failed(self, call_id: str) -> None:
        """A client could not answer the question about this call: it is told as failed, not as declined."""
        self._unanswered = call_id

    def event(self, msg: engine.EventMsg, now_ms: int) -> Sequence[Told]:
        """What follows from an event of the thread."""
        self._now_ms, self._out = now_ms, []
        match msg:
            case engine.AgentMessageDelta() | engine.ReasoningDelta() | engine.CommandOutputDelta():
                self._delta(msg)
            case engine.ItemStarted(item=item) | engine.ItemUpdated(item=item) | engine.ItemCompleted(item=item):
                self._item(msg, item)
            case engine.TaskStarted(turn_id=turn_id):
                self._begin(turn_id)
            case engine.TaskComplete() | engine.TurnFailed() | engine.TurnAborted():
                self._end(msg)
            case ExecApprovalRequest() | ApplyPatchApprovalRequest():
                self._ask(msg)
            case engine.ApprovalResolved():
                self._resolved(msg)
            case engine.TokenCount(turn_id=turn_id, total=total, last=last, model_context_window=window):
                self._tell_usage()
                self.usage, self.usage_turn = usage_of(total, last, window), turn_id
                self._untold_usage = True
            case _:
                self._other(msg)
        return self._out

    # -- a turn ------------------------------------------------------------------------------------------------------

    def _begin(self, turn_id: str) -> None:
        self.turn = TurnRecord(turn_id, self._now_ms)
        self._set_status(ActiveThreadStatus(active_flags=()))
        turn = attrs.evolve(self.turn.running(), items_view="notLoaded")
        self._tell("turn/started", TurnStartedNotification(thread_id=self.thread_id, turn=turn))

    def _end(self, msg: engine.TaskComplete | engine.TurnFailed | engine.TurnAborted) -> None:
        turn = self.turn or TurnRecord(msg.turn_id, self._now_ms)
        status: TurnStatus = "completed"
        duration: int | None = None
        if isinstance(msg, engine.TurnFailed):
            status, turn.error = "failed", turn_error(msg.message, msg.error_kind)
            told = ErrorNotification(error=turn.error, will_retry=False, thread_id=self.thread_id, turn_id=turn.turn_id)
            self._tell("error", told)
        elif isinstance(msg, engine.TurnAborted):
            status, self._untold_usage = "interrupted", True
        else:
            duration = msg.duration_ms
        self._tell_usage()
        ended = turn.ended(status, self._now_ms, duration)
        if ended.items:
            self._out.append(TurnRead(turn.turn_id))
        self._set_status(SystemErrorThreadStatus() if status == "failed" else IdleThreadStatus())
        self._tell("turn/completed", TurnCompletedNotification(thread_id=self.thread_id, turn=ended))
        self._out += map(Close, self._questions)
        self._questions.clear()
        self.turn = None
        self.turns_ended += 1
        self._awaiting.clear()
        self._decoders.clear()
        self._reasoning_parts.clear()

    # -- items -------------------------------------------------------------------------------------------------------

    def _item(self, msg: engine.ItemStarted | engine.ItemUpdated | engine.ItemCompleted, item: Any) -> None:
        shown = shown_item(item)
        if isinstance(shown, CommandExecutionItem) and isinstance(msg, engine.ItemCompleted) and self._is_over(msg):
            self._tell_completed(shown, msg.turn_id)
            return
        if shown is None or self.turn is None:
            if isinstance(item, ErrorNote) and isinstance(msg, engine.ItemCompleted):
                self._warn(item.message)
            return
        if isinstance(shown, AgentMessageItem | ReasoningItem | UserMessageItem | WebSearchItem):
            self._tell_usage()
        if isinstance(item, CommandExecution) and isinstance(msg, engine.ItemStarted) and item.source == "agent":
            self._awaiting[item.id] = shown
            return
        if waited := self._awaiting.pop(shown.id, None):
            self._start(self.turn, waited)
        if isinstance(shown, ContextCompactionItem) and isinstance(msg, engine.ItemCompleted):
            self._tell_usage()
        if not self.turn.is_open(shown.id) and not isinstance(msg, engine.ItemUpdated):
            begins = attrs.evolve(shown, text="") if isinstance(shown, AgentMessageItem) else shown
            self._start(self.turn, begins)
            if isinstance(shown, ContextCompactionItem) and self.usage is not None:
                # Codex counts once more when the model begins to answer, which says nothing new.
                self.usage_turn, self._untold_usage = self.turn.turn_id, True
                self._tell_usage()
        if isinstance(msg, engine.ItemCompleted):
            if shown.id == self._stopped_at:  # as in Codex, the turn's end says it all
                return
            if shown.id == self._unanswered and isinstance(shown, CommandExecutionItem | FileChangeItem):
                shown = attrs.evolve(shown, status="failed")
            done = self.turn.completed(shown, self._now_ms)
            self._decoders.pop(shown.id, None)
            self._tell_completed(done, self.turn.turn_id)
            if self._refused == shown.id:
                self._refused = ""
                self._tell_unasked()

    def _is_over(self, msg: engine.ItemCompleted) -> bool:
        """Whether it belongs to a turn that has ended, as the end of a command in the background does."""
        return self.turn is None or self.turn.turn_id != msg.turn_id

    def _tell_completed(self, item: ThreadItem, turn_id: str) -> None:
        told = ItemCompletedNotification(
            item=item, thread_id=self.thread_id, turn_id=turn_id, completed_at_ms=self._now_ms
        )
        self._tell("item/completed", told)

    def _start(self, turn: TurnRecord, item: ThreadItem) -> None:
        begun = turn.started(item, self._now_ms)
        self._tell(
            "item/started",
            ItemStartedNotification(
                item=begun, thread_id=self.thread_id, turn_id=turn.turn_id, started_at_ms=self._now_ms
            ),
        )

    def _delta(self, msg: engine.AgentMessageDelta | engine.ReasoningDelta | engine.CommandOutputDelta) -> None:
        if self.turn is None:
            return
        at: dict[str, str] = {"thread_id": self.thread_id, "turn_id": self.turn.turn_id, "item_id": msg.item_id}
        match msg:
            case engine.AgentMessageDelta(item_id=item_id, delta=delta):
                self.turn.spoke(item_id, delta)
                for piece in msg.pieces or (delta,):
                    self._tell("item/agentMessage/delta", AgentMessageDeltaNotification(**at, delta=piece))
            case engine.ReasoningDelta(delta=delta, raw=True):
                for piece in msg.pieces or (delta,):
                    told = ReasoningTextDeltaNotification(**at, delta=piece, content_index=0)
                    self._tell("item/reasoning/textDelta", told)
            case engine.ReasoningDelta(item_id=item_id, delta=delta):
                if item_id not in self._reasoning_parts:
                    self._reasoning_parts.add(item_id)
                    part = ReasoningSummaryPartAddedNotification(**at, summary_index=0)
                    self._tell("item/reasoning/summaryPartAdded", part)
                self.turn.spoke(item_id, delta)
                for piece in msg.pieces or (delta,):
                    summary = ReasoningSummaryTextDeltaNotification(**at, delta=piece, summary_index=0)
                    self._tell("item/reasoning/summaryTextDelta", summary)
            case engine.CommandOutputDelta(item_id=item_id, chunk=chunk):
                if waited := self._awaiting.pop(item_id, None):
                    self._start(self.turn, waited)
                decoder = self._decoders.get(item_id)
                if decoder is None:
                    decoder = self._decoders[item_id] = codecs.getincrementaldecoder("utf-8")("replace")
                text = decoder.decode(chunk)
                if text:
                    output = CommandExecutionOutputDeltaNotification(**at, delta=text)
                    self._tell("item/commandExecution/outputDelta", output)
            case _ as never:
                assert_never(never)

    # -- questions ---------------------------------------------------------------------------------------------------

    def _ask(self, question: Question) -> None:
        self._questions.add(question.id)
        self._set_status(ActiveThreadStatus(active_flags=("waitingOnApproval",)))
        waits = self._awaiting.pop(question.call_id, None)
        if waits is not None and self.turn is not None:
            self._start(self.turn, waits)
        self._out.append(Ask(question))

    def _resolved(self, msg: engine.ApprovalResolved) -> None:
        if msg.decision is None and self.turn is not None and self.turn.turn_id == msg.turn_id:
            return  # as in Codex, what an interrupt withdraws is closed once the turn's end is told
        is_command = self.turn is not None and self.turn.is_command(msg.call_id)
        if not is_command and isinstance(msg.decision, Abort):
            self._stopped_at = msg.call_id
        self._questions.discard(msg.id)
        self._out.append(Close(msg.id))
        if is_command and (msg.decision is None or not is_approval(msg.decision)):
            self._refused = msg.call_id  # as in Codex, its end is told before the status
        else:
            self._tell_unasked()

    def _tell_unasked(self) -> None:
        if not self._questions and self.turn is not None:
            self._set_status(ActiveThreadStatus(active_flags=()))

    # -- the rest ----------------------------------------------------------------------------------------------------

    def _other(self, msg: engine.EventMsg) -> None:
        match msg:
            case engine.TurnDiff(unified_diff=diff) if self.turn is not None:
                self.turn.diff = diff
                self._tell_diff()
            case engine.PlanUpdate(turn_id=turn_id, explanation=explanation, plan=plan):
                steps = tuple(TurnPlanStep(step=step.step, status=_STEPS[step.status]) for step in plan)
                told = TurnPlanUpdatedNotification(
                    thread_id=self.thread_id, turn_id=turn_id, explanation=explanation, plan=steps
                )
                self._tell("turn/plan/updated", told)
            case engine.StreamErrorNotice(turn_id=turn_id, message=message):
                error = retry_error(message)
                told = ErrorNotification(error=error, will_retry=True, thread_id=self.thread_id, turn_id=turn_id)
                self._tell("error", told)
            case engine.ErrorNotice(turn_id=str(turn_id), message=message, error_kind=kind):
                error = turn_error(message, kind)
                told = ErrorNotification(error=error, will_retry=False, thread_id=self.thread_id, turn_id=turn_id)
                self._tell("error", told)
            case engine.ErrorNotice(message=message) | engine.Warning(message=message):
                self._warn(message)
            case _:
                pass

    def _warn(self, message: str) -> None:
        self._tell("warning", WarningNotification(thread_id=self.thread_id, message=message))

    def _tell_usage(self) -> None:
        if not self._untold_usage:
            return
        self._untold_usage = False
        if self.usage is not None and self.usage_turn is not None:
            told = ThreadTokenUsageUpdatedNotification(
                thread_id=self.thread_id, turn_id=self.usage_turn, token_usage=self.usage
            )
            self._tell("thread/tokenUsage/updated", told)
        self._tell("account/rateLimits/updated", _NO_LIMITS)
        self._tell_diff()

    def _tell_diff(self) -> None:
        if self.turn is not None and self.turn.diff:
            told = TurnDiffUpdatedNotification(thread_id=self.thread_id, turn_id=self.turn.turn_id, diff=self.turn.diff)
            self._tell("turn/diff/updated", told)

    def _set_status(self, status: ThreadStatus) -> None:
        if status == self._status:
            return
        self._status = status
        told = ThreadStatusChangedNotification(thread_id=self.thread_id, status=status)
        self._tell("thread/status/changed", told)

    def _tell(self, method: str, params: object) -> None:
        self._out.append(Notice(method, params, self._now_ms))


def usage_of(total: TokenUsage, last: TokenUsage, window: int | None) -> ThreadTokenUsage:
    """Token counts in the words of the API."""
    return ThreadTokenUsage(total=_breakdown(total), last=_breakdown(last), model_context_window=window)


def _breakdown(usage: TokenUsage) -> TokenUsageBreakdown:
    return TokenUsageBreakdown(
        total_tokens=usage.total_tokens,
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_input_tokens=usage.cache_write_input_tokens,
        output_tokens=usage.output_tokens,
        reasoning_output_tokens=usage.reasoning_output_tokens,
    )
