"""The questions of a thread at work: shown, handed to a reviewer or to the parent, answered, closed.

Everything here returns at once: the call waits for its answer itself, and the session reads on.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Never, assert_never

import attrs

from actors import ActorGone, Mailbox, MailboxFull, Ref, Reply, Timer
from codex.ports.approvals import Reviewer
from codex.protocol.approval import Approved, Denied, Question, ReviewDecision, TimedOut, refusal_of
from codex.protocol.event import ApprovalResolved, ErrorNotice, Warning
from codex.protocol.op import ExecApproval, PatchApproval
from codex.protocol.response_item import ResponseItem
from codex.session._denials import TOO_MANY, Denials
from codex.session._questions import OpenQuestions
from codex.session.context import Inbox, SessionContext
from codex.session.messages import AbortTurn, Approving, CloseQuestion, Message, OpenQuestion, QuestionDue, Reviewed


@attrs.define
class _Waiting:
    """What belongs to an open question, and ends with it."""

    reply: Reply[ReviewDecision]
    asker: object = None
    timer: Timer | None = None
    reviewer: Ref[Never] | None = None
    climbed: Ref[Message] | None = None


class SessionApprovals:
    """Performs what `OpenQuestions` decides. Used by the session's actor alone."""

    def __init__(
        self, mailbox: Mailbox[Inbox], context: SessionContext, history: Callable[[], Sequence[ResponseItem]]
    ) -> None:
        self._mailbox = mailbox
        self._context = context
        self._history = history
        self._reviewer = context.services.reviewer
        self._is_programs = self._reviewer is not None
        self._denials = Denials()
        self._questions = OpenQuestions()
        self._waiting: dict[str, _Waiting] = {}

    @property
    def _reviews_itself(self) -> bool:
        return not self._is_programs and self._context.config.approvals_reviewer == "auto_review"

    def handle(self, message: Approving) -> None:
        """A call, a reviewer or a clock has something to say."""
        match message:
            case OpenQuestion():
                self._open(message)
            case CloseQuestion(question_id=question_id, decision=decision):
                self._close(question_id, decision)
            case QuestionDue(question_id=question_id):
                self._answer(question_id, TimedOut())
            case Reviewed(question_id=question_id, decision=decision):
                self._reviewed(question_id, decision)
            case _ as never:
                assert_never(never)

    def submitted(self, op: ExecApproval | PatchApproval) -> str | None:
        """A front-end answers; why that cannot be taken, or None."""
        refusal = self._questions.refusal(op.id, op.decision)
        if refusal is None:
            self._answer(op.id, op.decision)
        return refusal

    def down(self, ref: Ref[object], error: BaseException | None) -> None:
        """An actor has ended: a reviewer that failed counts as no; the questions of an asker go with it."""
        for question_id, waiting in tuple(self._waiting.items()):
            if waiting.asker == ref:
                self._close(question_id, None)
            elif waiting.reviewer == ref and error is not None:
                self._context.outbox.publish([Warning(f"the reviewer failed, which counts as no: {error!r}")])
                self._answer(question_id, Denied("the reviewer failed", by="reviewer"))

    def close_own(self) -> None:
        """A turn of this thread has ended: no call of it waits any more."""
        self._denials = Denials()
        for question in self._questions.all:
            if question.thread_id == self._context.identity.thread_id:
                self._close(question.id, None)

    def _open(self, message: OpenQuestion) -> None:
        question, reply = message.asked.question, message.reply
        if reply.is_set:  # the call was stopped meanwhile
            return
        if not self._questions.ask(message.asked):
            reply.set(Approved())
            return
        waiting = self._waiting[question.id] = _Waiting(reply, message.asker)
        if message.asker is None:
            seconds = self._context.config.approval_timeout_seconds
            waiting.timer = self._mailbox.send_later(seconds, QuestionDue(question.id))
        else:
            self._mailbox.watch(message.asker)
        reviewer = self._reviewer_of(question)
        if reviewer is not None:
            run = partial(_review, reviewer=reviewer, question=question, session=self._mailbox.ref)
            waiting.reviewer = self._mailbox.spawn(run, name=f"review-{question.call_id}", watch=True, shutdown=0)
        elif not self._context.outbox.has_answerer:
            waiting.climbed = self._climb(message)

    def _reviewer_of(self, question: Question) -> Reviewer | None:
        """Who answers it here, if it is not for whoever watches; those see it unless the reviewer is a model."""
        if not self._reviews_itself:
            self._context.outbox.publish([question])
            return self._reviewer if self._is_programs else None
        if self._reviewer is None:
            from codex.session.auto_review import AutoReviewer

            self._reviewer = AutoReviewer(self._context, self._history, self._context.outbox.publish)
        return self._reviewer

    def _climb(self, message: OpenQuestion) -> Ref[Message] | None:
        """Hand the question to the parent, which may hand it on; its answer goes to the call directly."""
        parent = self._context.places.parent
        if parent is None:
            return None
        try:
            parent.send_nowait(
                OpenQuestion(attrs.evolve(message.asked, keys=()), self._mailbox.ref, message.reply), control=True
            )
        except (ActorGone, MailboxFull):
            return None
        return parent

    def _reviewed(self, question_id: str, decision: ReviewDecision) -> None:
        question = self._questions.find(question_id)
        wrong = refusal_of(question, decision) if question is not None else None
        if wrong is not None:
            decision = Denied(f"its answer does not fit: {wrong}", by="reviewer")
        self._answer(question_id, decision)

    def _answer(self, question_id: str, decision: ReviewDecision) -> None:
        question = self._questions.answer(question_id)
        if question is None:
            return
        reply = self._waiting[question_id].reply
        if reply.is_set:  # an ancestor was faster
            return
        reply.set(decision)
        self._resolved(question, decision)
        if self._reviews_itself and self._denials.count(decision):
            self._break_off(question)

    def _break_off(self, question: Question) -> None:
        """The reviewer keeps saying no: the turn ends, so that the model does not go on trying."""
        self._context.outbox.publish([ErrorNotice(question.turn_id, TOO_MANY, "too_many_denials")])
        self._mailbox.ref.send_nowait(AbortTurn(question.turn_id), control=True)

    def _close(self, question_id: str, decision: ReviewDecision | None) -> None:
        question = self._questions.close(question_id, decision)
        waiting = self._waiting.pop(question_id, None)
        if question is None or waiting is None:
            # Known above still, if this session was started again.
            _close_above(self._context.places.parent, question_id, decision)
            return
        if waiting.timer is not None:
            waiting.timer.cancel()
        if waiting.reviewer is not None:
            waiting.reviewer.stop_nowait(reason="the question is closed")
        self._resolved(question, decision)
        _close_above(waiting.climbed, question_id, decision)

    def _resolved(self, question: Question, decision: ReviewDecision | None) -> None:
        """Tell that it is closed, once, to those to whom it was shown."""
        if question.id in self._context.outbox.open_questions:
            self._context.outbox.publish([ApprovalResolved(question.turn_id, question.id, question.call_id, decision)])


def _close_above(parent: Ref[Message] | None, question_id: str, decision: ReviewDecision | None) -> None:
    if parent is None:
        return
    try:
        parent.send_nowait(CloseQuestion(question_id, decision), control=True)
    except (ActorGone, MailboxFull):
        return  # it closes it when this thread ends


async def _review(_mailbox: Mailbox[Never], *, reviewer: Reviewer, question: Question, session: Ref[Reviewed]) -> None:
    """Ask the reviewer; what it raises is seen by the session, which watches this."""
    await session.send(Reviewed(question.id, await reviewer.review(question)))
