"""One thread's session as an actor: takes operations, runs turns, keeps the order of the rollout."""

from collections.abc import Awaitable, Iterator, Sequence
from typing import TypeVar, assert_never

import attrs
import trio

import codex.rollout as rollout
from actors import Down, Mailbox, Reply
from codex.base.errors import CodexError, UserError
from codex.base.ids import uuid7
from codex.context import read_agents_md
from codex.model import fallback_warning
from codex.ports.agents import generation
from codex.ports.model import ModelRequest
from codex.protocol.event import (
    ErrorNotice,
    EventMsg,
    ItemCompleted,
    SessionConfigured,
    TaskComplete,
    TaskStarted,
    TokenCount,
    TurnAborted,
    TurnFailed,
    Warning,
)
from codex.protocol.item import UserMessage
from codex.protocol.op import (
    CleanBackgroundTerminals,
    Compact,
    ExecApproval,
    Interrupt,
    OverrideTurnContext,
    PatchApproval,
    RunUserShellCommand,
    Shutdown,
    Submission,
    TurnInput,
)
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import UserInput
from codex.session._machine import (
    Close,
    Effect,
    Refuse,
    RunShell,
    SessionMachine,
    StartCompaction,
    StartTurn,
    SteerTurn,
    StopTurn,
)
from codex.session._settings import Settings
from codex.session._turns import Turns
from codex.session.approvals import SessionApprovals
from codex.session.context import Inbox, Restored, SessionContext, restored_from
from codex.session.hooks import SessionHooks
from codex.session.journal import Journal
from codex.session.memory import Memory
from codex.session.messages import (
    AbortTurn,
    BeginTurn,
    CloseQuestion,
    CopyHistory,
    Inject,
    NextRequest,
    OpenQuestion,
    Publish,
    QuestionDue,
    RecordInput,
    ReplaceHistory,
    Reviewed,
    Submit,
    SummaryRequest,
    Tell,
)
from codex.session.skills import SessionSkills
from codex.tools.offer import offer
from codex.tools.router import Router
from codex.turn import Phase, Summary

T = TypeVar("T")
_CLOSE_WITHIN = 5.0
_CRASHED = "the session crashed and was started again from its rollout; what the turn had done until then is kept"


async def run(mailbox: Mailbox[Inbox], *, context: SessionContext) -> None:
    """Serve one thread until it is shut down.

    Stopped or cancelled, its turn, its calls, its processes and its sub-agents are gone before it ends. Started again
    after a crash, it goes on from the rollout, and the turn that was open is told to have failed.
    """
    context.places.session = mailbox.ref
    if context.outbox.configured:
        context = attrs.evolve(context, restored=_stored(context))
    session = _Session(mailbox, context)
    await session.serve()


def _stored(context: SessionContext) -> Restored:
    """What the incarnation before this one has kept."""
    if context.rollout_path is None:
        return context.restored
    try:
        stored = rollout.load(context.config.codex_home, context.identity.thread_id)
    except rollout.RolloutNotFound:
        return context.restored
    return restored_from(stored)


class _Session:
    def __init__(self, mailbox: Mailbox[Inbox], context: SessionContext) -> None:
        self._mailbox = mailbox
        self._context = context
        self._machine = SessionMachine()
        self._settings = Settings(context)
        self._agents = context.places.agents = context.agents(mailbox) if context.agents else None
        self._router = self._offered(context)
        agents_md = read_agents_md(context.config)
        self._skills = SessionSkills(context)
        self._hooks = SessionHooks(mailbox, context)
        self._memory = Memory(context, agents_md, self._router.specs, skills=self._skills.catalogue)
        self._warnings = (*agents_md.warnings, *self._skills.warnings, *self._hooks.warnings)
        self._journal = Journal(context, self._memory.instructions)
        self._approvals = SessionApprovals(mailbox, context, lambda: self._memory.items)
        self._turns = Turns(mailbox, context, self._router, self._memory, self._hooks, self._agents)
        self._refused = ""

    async def serve(self) -> None:
        """Handle messages until the machine has closed."""
        await self._journal.open()
        await self._greet()
        if self._context.config.features.get("shell_snapshot", False):
            self._turns.begin_snapshot()
        async for message in self._mailbox:
            await self._handle(message)
            if self._machine.state == "closed":
                return

    async def _greet(self) -> None:
        outbox = self._context.outbox
        if not outbox.configured:
            outbox.publish([self._configured(), *map(Warning, [*self._warnings, *self._model_warnings()])])
            return
        outbox.withdraw_questions()
        if outbox.open_turn is not None:
            self._turns.id = outbox.open_turn
            await self._end_turn(TurnFailed(self._turns.id, _CRASHED, "other", self._memory.total))

    def _model_warnings(self) -> Iterator[str]:
        model, restored = self._context.model, self._context.restored
        if restored.path is not None and restored.model not in (None, model.slug):
            yield (
                f"this session was recorded with the model {restored.model!r} and goes on with {model.slug!r}, "
                f"which may do worse; `-m {restored.model}` goes on as before"
            )
        if model.is_fallback:
            yield fallback_warning(model.slug)

    async def _handle(self, message: Inbox) -> None:
        match message:
            case Submit(submission=submission, reply=reply):
                await self._perform(self._submitted(submission))
                if self._refused:
                    reply.fail(UserError(self._refused))
                    self._refused = ""
                else:
                    reply.set(submission.id)
            case Publish(msgs=msgs, items=items, counted=counted, lines=lines, reply=reply):
                await _answer(reply, self._publish(msgs, items, counted, lines))
            case Tell(msg=msg):
                self._context.outbox.publish([msg])
            case RecordInput(items=items, client_id=client_id, reply=reply):
                await _answer(reply, self._record_input(items, client_id))
            case BeginTurn(reply=reply):
                await _answer(reply, self._begin_turn())
            case NextRequest(reply=reply):
                await _answer(reply, self._next_request())
            case SummaryRequest(reply=reply):
                await _answer(reply, self._summary_request(message))
            case ReplaceHistory(summary=summary, phase=phase, reply=reply):
                await _answer(reply, self._replace_history(summary, phase))
            case Inject(items=items, wake=wake, task=task):
                fresh = self._memory.inject(items)
                if self._machine.state == "idle" and not task:
                    await self._keep_news()
                await self._perform(self._machine.woken(task=task) if wake and fresh else [])
            case CopyHistory(reply=reply):
                reply.set(self._memory.items)
            case OpenQuestion() | CloseQuestion() | QuestionDue() | Reviewed():
                self._approvals.handle(message)
            case AbortTurn(turn_id=turn_id):
                if turn_id == self._turns.id:
                    await self._perform(self._machine.interrupted())
            case Down(ref=ref, exit=ended):
                if ref == self._turns.ref:
                    await self._end_turn(self._turns.ending(ended.error, closing=self._machine.state == "closing"))
                else:
                    self._approvals.down(ref, ended.error)
            case _ as never:
                assert_never(never)

    def _submitted(self, submission: Submission) -> list[Effect]:
        match submission.op:
            case TurnInput() as op:
                return self._machine.submitted(op)
            case Interrupt():
                self._turns.interrupt_shells()
                return self._machine.interrupted()
            case ExecApproval() | PatchApproval() as op:
                refusal = self._approvals.submitted(op)
                return [] if refusal is None else [Refuse(refusal)]
            case RunUserShellCommand() as op:
                return self._machine.shell_command(op)
            case CleanBackgroundTerminals():
                manager = self._context.services.processes.opened
                if manager is not None:
                    manager.clean_nowait(self._context.identity.thread_id)
                return []
            case OverrideTurnContext() as op:
                try:
                    self._settings.override(op)
                except UserError as error:
                    return [Refuse(str(error))]
                return []
            case Compact():
                return self._machine.compaction_asked()
            case Shutdown():
                return self._machine.shut_down()

    async def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case StartTurn(input=op):
                    await self._start_turn(op)
                case RunShell(op=op, beside=beside):
                    await self._run_shell(op, beside=beside)
                case StartCompaction():
                    await self._start_turn(None)
                case SteerTurn(input=op):
                    if not self._turns.steer(op):
                        self._machine.steer_refused(op)
                case StopTurn():
                    self._turns.interrupt()
                case Refuse(reason=reason):
                    self._refused = reason
                case Close():
                    await self._close()
                case _ as never:
                    assert_never(never)

    def _offered(self, context: SessionContext) -> Router:
        """The tools that hold from now on; those for goals are for root threads."""
        goals = context.services.goals is not None and context.identity.parent_id is None
        agents = generation(self._agents)
        return offer(context.config, context.model, agents=agents, dynamic=context.dynamic, goals=goals)

    def _settle(self) -> None:
        """Let the settings hold that were changed since the last turn."""
        before, context = self._settings.settle(), self._context
        if before is not None:
            self._router = self._offered(context)
            self._memory.change_model(before, self._router.specs)
            self._turns.router = self._router

    async def _open_turn(self, op: TurnInput | None) -> bool:
        """Tell and keep that a turn starts. False where the disk refuses it; the turn has failed then."""
        self._settle()
        self._turns.open(op)
        turn_id, window = self._turns.id, self._memory.window
        self._memory.begin_turn(op.output_schema if op else None)
        try:
            await self._journal.begin_turn(turn_id, window)
            self._context.outbox.publish([TaskStarted(turn_id, window)])
        except CodexError as error:
            await self._end_turn(TurnFailed(turn_id, str(error), "other", self._memory.total))
            return False
        return True

    async def _start_turn(self, op: TurnInput | None) -> None:
        """Start a turn with this input; with None it compacts the history and does nothing else."""
        if await self._open_turn(op):
            self._turns.start(compacts=op is None)

    async def _run_shell(self, op: RunUserShellCommand, *, beside: bool) -> None:
        if beside or await self._open_turn(TurnInput(())):
            self._turns.start_shell(op, beside=beside)

    async def _begin_turn(self) -> None:
        told, begun_by = self._memory.record(self._memory.news()), self._turns.input
        if begun_by is None or not begun_by.items:
            await self._journal.tell_context(told)
            return
        said = self._memory.record(await self._said(begun_by.items))
        msgs = [ItemCompleted(self._turns.id, UserMessage(uuid7(), begun_by.items, begun_by.client_id))]
        await self._journal.tell_context(told, said, msgs)
        self._show(msgs)

    async def _end_turn(self, msg: TaskComplete | TurnFailed | TurnAborted) -> None:
        """Tell how the turn ended, on disk first; a disk that refuses it must not keep it from the screen."""
        self._approvals.close_own()
        workplace = self._context.services.workplace
        if workplace is not None and not (isinstance(msg, TurnAborted) and msg.reason == "shutdown"):
            await workplace.hand_in()
        await self._keep_news()
        told = isinstance(msg, TurnAborted) and self._context.config.interrupt_message
        marker = [self._memory.abort_marker()] if told else []
        try:
            await self._journal.end_turn(msg, self._memory.record(marker))
        except CodexError as error:
            self._context.outbox.publish([ErrorNotice(self._turns.id, str(error))])
        if isinstance(msg, TaskComplete) and self._context.config.notify and self._turns.input is not None:
            await self._tell_program(msg)
        self._context.outbox.publish([msg])
        if self._machine.state != "idle":
            await self._perform(self._machine.turn_ended(self._turns.result.left_over))

    async def _tell_program(self, msg: TaskComplete) -> None:
        from codex.session.notify import tell_program

        await tell_program(self._mailbox, self._context, msg.turn_id, self._memory.items, msg.last_agent_message)

    async def _publish(
        self,
        msgs: Sequence[EventMsg],
        items: Sequence[ResponseItem],
        counted: tuple[str, TokenUsage] | None = None,
        lines: Sequence[rollout.Line] = (),
    ) -> None:
        kept, records = self._memory.record(items), [*lines]
        if counted is not None:
            response_id, usage = counted
            self._memory.count(usage)
            count = TokenCount(self._turns.id, self._memory.total, usage, self._memory.window)
            records.append(self._journal.usage_record(response_id, count, self._memory.turn_total))
            msgs = [*msgs, count]
        await self._journal.append(kept, msgs, records)
        self._show(msgs)

    def _show(self, msgs: Sequence[EventMsg]) -> None:
        for msg in msgs:
            self._memory.worklog.note(msg)
        self._context.outbox.publish(msgs)

    async def _record_input(self, items: tuple[UserInput, ...], client_id: str | None) -> None:
        said = ItemCompleted(self._turns.id, UserMessage(uuid7(), items, client_id))
        await self._publish([said], await self._said(items))

    async def _said(self, items: tuple[UserInput, ...]) -> list[ResponseItem]:
        return [await self._memory.user_message(items), *self._skills.items_for(items)]

    async def _next_request(self) -> ModelRequest | None:
        await self._record_news()
        self._machine.news_read()
        return self._memory.request(self._turns.id, self._journal.window.number)

    async def _summary_request(self, ask: SummaryRequest) -> ModelRequest:
        from codex.session._compaction import summary_request

        told = self._turns.input
        if ask.phase == "pre_turn" and not ask.dropped and told is not None and told.items:
            await self._journal.keep_input(await self._memory.user_message(told.items))
        return summary_request(self._context, self._memory, self._turns.id, self._journal.window.number, ask)

    async def _replace_history(self, summary: Summary, phase: Phase) -> None:
        from codex.session._compaction import replace_history

        context, memory, journal = self._context, self._memory, self._journal
        shown = await replace_history(context, memory, journal, self._turns.id, summary, phase, agents=self._agents)
        self._show(shown)

    async def _record_news(self) -> None:
        news = self._memory.take_injected()
        if news:
            await self._publish([], news)
        self._memory.told_news(news)

    async def _keep_news(self) -> None:
        """Put news on disk that no request carries yet; before the first turn there is no place for them."""
        try:
            if self._journal.begun:
                await self._record_news()
        except CodexError as error:
            self._context.outbox.publish([ErrorNotice(None, str(error))])

    async def _close(self) -> None:
        with trio.move_on_after(_CLOSE_WITHIN / 2):
            await self._hooks.ended()
        with trio.move_on_after(_CLOSE_WITHIN):
            manager = self._context.services.processes.opened
            if manager is not None:
                await manager.terminate_all(self._context.identity.thread_id)
            try:
                await self._journal.sync()
            except CodexError as error:
                self._context.outbox.publish([ErrorNotice(None, str(error))])

    def _configured(self) -> SessionConfigured:
        config = self._context.config
        return SessionConfigured(
            thread_id=self._context.identity.thread_id,
            model=self._context.model.slug,
            model_provider=config.model_provider,
            cwd=config.cwd,
            approval_policy=config.approval_policy,
            sandbox_policy=config.sandbox_policy,
            rollout_path=self._context.rollout_path,
            reasoning_effort=config.model_reasoning_effort,
            reasoning_summary=config.model_reasoning_summary,
        )


async def _answer(reply: Reply[T], work: Awaitable[T]) -> None:
    """Do the work and give its result, or its error, to whoever asked."""
    try:
        value = await work
    except CodexError as error:
        reply.fail(error)
    else:
        reply.set(value)
