"""The session of a thread that runs at a worker, as everybody in this process sees it.

It has the session's place: what it is asked goes to the worker, what the worker tells is told here. Its sub-agents live
below it, in this process or at workers of their own; the questions of both are answered here.
"""

from collections.abc import Sequence
from functools import partial
from typing import Never, cast

from actors import ActorGone, ActorsError, Down, Mailbox, MailboxFull, Ref, Reply
from codex.base.errors import CodexError, UserError
from codex.config.schema import Config
from codex.placement import _link
from codex.placement._service import Service
from codex.placement.calls import Calls
from codex.placement.frames import (
    Call,
    Changed,
    Failed,
    Frame,
    Returned,
    Shown,
    Start,
    Told,
    Withdrawn,
    failed,
)
from codex.placement.messages import Gone, Message, Received, Send
from codex.ports.agents import generation
from codex.ports.approvals import Asked
from codex.ports.placement import WorkerLost, Workers
from codex.protocol.approval import ApplyPatchApprovalRequest, ExecApprovalRequest, ReviewDecision
from codex.protocol.event import ApprovalResolved, ErrorNotice, EventMsg, ShutdownComplete, TokenCount, TurnFailed
from codex.protocol.op import ExecApproval, PatchApproval, Submission
from codex.protocol.usage import TokenUsage
from codex.session import CopyHistory, Inbox, Inject, Publish, SessionContext, Submit
from codex.session.approvals import SessionApprovals
from codex.session.messages import AbortTurn, CloseQuestion, OpenQuestion, QuestionDue, Reviewed, Tell

_LINK_CAPACITY = 4_096
_LINK_SHUTDOWN = 4.5
# Told here by whoever answers the questions, and by the manager of threads.
_TOLD_HERE = (ExecApprovalRequest, ApplyPatchApprovalRequest, ApprovalResolved, ShutdownComplete)


async def run(mailbox: Mailbox[Inbox], *, context: SessionContext, workers: Workers, stored: bool) -> None:
    """Serve until the worker's thread has ended.

    Stopped or cancelled, the worker is gone, and all that was below it. Raises: WorkerLost where it went by itself.
    """
    context.places.session = mailbox.ref
    context.places.agents = context.agents(mailbox) if context.agents else None
    # The actor's own messages come into the same mailbox; nobody else sends them.
    own = cast("Mailbox[Message]", mailbox)
    session = _FarSession(mailbox, own, context)
    session.begin(workers, stored=stored or context.outbox.configured)
    assert context.places.in_force is not None
    unlisten = context.places.in_force.listen(session.limit)
    try:
        async for message in own:
            session.handle(message)
            if session.over:
                return
    finally:
        unlisten()


def _start(context: SessionContext, *, stored: bool) -> Start:
    services, dynamic = context.services, context.dynamic
    return Start(
        context.identity,
        context.config,
        dict(services.environ),
        services.originator,
        services.installation_id,
        services.source,
        context.rollout_path,
        stored,
        context.restored.items,
        generation(context.places.agents),
        metered=services.purse is not None,
        workplace=services.workplace is not None,
        tools=dynamic.tools if dynamic else (),
        descriptions=dict(dynamic.descriptions) if dynamic else {},
        tool_within=dynamic.within if dynamic else 0.0,
        limit=_limit(context),
    )


def _limit(context: SessionContext) -> Config | None:
    """What the thread may now, where that is less than it asks for."""
    in_force = context.places.in_force
    return None if in_force is None or in_force.config is in_force.own else in_force.config


class _FarSession:
    def __init__(self, mailbox: Mailbox[Inbox], own: Mailbox[Message], context: SessionContext) -> None:
        self.over = False
        self._mailbox = mailbox
        self._own = own
        self._context = context
        self._approvals = SessionApprovals(mailbox, context, tuple)
        self._calls = Calls(self._send)
        self._service = Service(context, self._calls)
        self._serving: dict[int, Ref[Never]] = {}
        self._asked: dict[str, int] = {}
        self._usage = TokenUsage()
        self._link: Ref[Send] | None = None

    def begin(self, workers: Workers, *, stored: bool) -> None:
        """Start the worker; what is asked of it meanwhile waits."""
        run = partial(
            _link.run,
            workers=workers,
            start=_start(self._context, stored=stored),
            owner=self._own.ref,
            silence=float(self._context.config.worker_silence_seconds),
        )
        self._link = self._own.spawn(run, name="worker", capacity=_LINK_CAPACITY, shutdown=_LINK_SHUTDOWN, watch=True)

    def limit(self) -> None:
        """What the threads above may has changed: the worker has to know."""
        self._send(Told("limit", (_limit(self._context),)))

    def handle(self, message: Message) -> None:
        """One message; nothing here waits."""
        match message:
            case Received(frame=frame):
                self._received(frame)
            case Gone(loss=loss):
                self._gone(loss)
            case Submit(submission=submission, reply=reply):
                self._submitted(submission, reply)
            case Publish(msgs=msgs, items=items, counted=counted, lines=lines, reply=reply):
                self._calls.ask_nowait(reply, "publish", msgs, items, counted, lines)
            case CopyHistory(reply=reply):
                self._calls.ask_nowait(reply, "history")
            case Inject(items=items, wake=wake, task=task):
                self._send(Told("inject", (items, wake, task)))
            case Tell(msg=msg):
                self._context.outbox.publish([msg])
            case AbortTurn(turn_id=turn_id):
                self._send(Told("abort_turn", (turn_id,)))
            case OpenQuestion() | CloseQuestion() | QuestionDue() | Reviewed():
                self._approvals.handle(message)
            case Down(ref=ref, exit=ended):
                if ref == self._link and ended.error is not None:
                    raise ended.error
                self._approvals.down(ref, ended.error)
            case _:
                # The parts of a turn speak to the session beside them, which is at the worker.
                message.reply.fail(CodexError("this thread runs at a worker"))

    def _submitted(self, submission: Submission, reply: Reply[str]) -> None:
        op = submission.op
        if not isinstance(op, ExecApproval | PatchApproval):
            self._calls.ask_nowait(reply, "submit", submission)
            return
        refusal = self._approvals.submitted(op)
        if refusal is None:
            reply.set(submission.id)
        else:
            reply.fail(UserError(refusal))

    def _received(self, frame: Frame) -> None:
        match frame:
            case Shown(msg=msg):
                if not isinstance(msg, _TOLD_HERE):
                    if isinstance(msg, TokenCount):
                        self._usage = msg.total
                    self._context.outbox.publish([msg])
            case Changed(config=config):
                if self._context.places.in_force is not None:
                    self._context.places.in_force.change(config)
            case Returned() | Failed():
                self._calls.answered(frame)
            case Call(id=number, word="question", arguments=(asked,)):
                self._open_question(number, asked)
            case Call(id=number):
                work = partial(self._serve, call=frame)
                self._serving[number] = self._mailbox.spawn(work, name=f"serve-{frame.word}", shutdown=0)
            case Withdrawn(id=number):
                serving = self._serving.pop(number, None)
                if serving is not None:
                    serving.stop_nowait(reason="the call was withdrawn")
                self._service.withdrawn(number)
            case Told(word="close_question", arguments=(question_id, decision)):
                self._close_question(question_id, decision)
            case Told(word=word, arguments=arguments):
                self._service.told(word, arguments)
            case _:
                raise WorkerLost(f"a worker said {type(frame).__qualname__}, which is not for it to say")

    def _open_question(self, number: int, asked: Asked) -> None:
        """A call there asks whether it may: it is asked here as that of a sub-agent in this process would be."""
        reply: Reply[ReviewDecision] = Reply()
        question_id = asked.question.id
        wait = partial(self._wait_decided, number=number, reply=reply)
        self._asked[question_id] = number
        self._serving[number] = self._mailbox.spawn(wait, name=f"question-{asked.question.call_id}", shutdown=0)
        self._approvals.handle(OpenQuestion(asked, self._link, reply))

    def _close_question(self, question_id: str, decision: ReviewDecision | None) -> None:
        waiting = self._serving.pop(self._asked.pop(question_id, 0), None)
        if waiting is not None:
            waiting.stop_nowait(reason="the question is closed")
        self._approvals.handle(CloseQuestion(question_id, decision))

    async def _wait_decided(self, _mailbox: Mailbox[Never], *, number: int, reply: Reply[ReviewDecision]) -> None:
        self._send(Returned(number, await reply.wait()))

    async def _serve(self, _mailbox: Mailbox[Never], *, call: Call) -> None:
        try:
            value = await self._service.answer(call.id, call.word, call.arguments)
        except (CodexError, ActorsError) as error:
            self._send(failed(call.id, error if isinstance(error, CodexError) else CodexError(str(error))))
        except Exception as error:
            self._send(failed(call.id, CodexError(f"{type(error).__name__}: {error}")))
            raise
        else:
            self._send(Returned(call.id, value))
        self._serving.pop(call.id, None)

    def _send(self, frame: Frame) -> None:
        assert self._link is not None
        try:
            self._link.send_nowait(Send(frame))
        except ActorGone:
            return  # its end is on the way here
        except MailboxFull:
            self._link.stop_nowait(reason="the worker does not read")

    def _gone(self, loss: str | None) -> None:
        """The last that is heard of the worker: as the crash, or the end, of a session here."""
        self.over = True
        error = WorkerLost(loss or "the thread has ended")
        self._calls.lose(error)
        self._service.close()
        self._context.outbox.withdraw_questions()
        if loss is not None:
            self._context.outbox.publish(self._last_words(loss))

    def _last_words(self, loss: str) -> Sequence[EventMsg]:
        turn_id = self._context.outbox.open_turn
        if turn_id is None:
            return [ErrorNotice(None, f"the thread crashed: {loss}", "worker_lost")]
        return [TurnFailed(turn_id, f"the thread crashed: {loss}", "worker_lost", self._usage)]
