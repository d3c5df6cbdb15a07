"""One thread's session as an actor: takes operations, runs turns, keeps the order of the rollout."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TypeVar, assert_never

import attrs
import trio

import codex.rollout as rollout
from actors import ActorGone, Down, Mailbox, Ref, Reply
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
from codex.session._port import SessionPort
from codex.session._shell_snapshot import ShellReplay
from codex.session._user_shell import run_user_shell
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
from codex.tools import ToolContext
from codex.tools.offer import offer
from codex.turn import Inbox as TurnInbox
from codex.turn import InterruptTurn, Steer, Summary, TurnContext, TurnResult
from codex.turn import run as run_turn

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
        self._agents = context.places.agents = context.agents(mailbox) if context.agents else None
        self._router = offer(context.config, context.model, agents=generation(self._agents))
        agents_md = read_agents_md(context.config)
        self._skills = SessionSkills(context)
        self._hooks = SessionHooks(context)
        self._memory = Memory(context, agents_md, self._router.specs, skills=self._skills.catalogue)
        self._warnings = (*agents_md.warnings, *self._skills.warnings, *self._hooks.warnings)
        self._journal = Journal(context, self._memory.instructions)
        self._approvals = SessionApprovals(mailbox, context, lambda: self._memory.items)
        self._turn: Ref[TurnInbox] | None = None
        self._shells: list[Ref[TurnInbox]] = []
        self._turn_id = ""
        self._input: TurnInput | None = None
        self._result = TurnResult()
        self._turn_began = 0.0
        self._refused = ""
        self._replay = ShellReplay()

    async def serve(self) -> None:
        """Handle messages until the machine has closed."""
        await self._journal.open()
        await self._greet()
        self._begin_snapshot()
        async for message in self._mailbox:
            await self._handle(message)
            if self._machine.state == "closed":
                return

    async def _greet(self) -> None:
        outbox, model = self._context.outbox, self._context.model
        if not outbox.configured:
            warnings = (*self._warnings, *([fallback_warning(model.slug)] if model.is_fallback else []))
            outbox.publish([self._configured(), *(Warning(text) for text in warnings)])
            return
        outbox.withdraw_questions()
        if outbox.open_turn is not None:
            self._turn_id = outbox.open_turn
            await self._end_turn(TurnFailed(self._turn_id, _CRASHED, "other", self._memory.total))

    def _begin_snapshot(self) -> None:
        """Have the user's shell looked at, beside everything else."""
        if self._context.config.features.get("shell_snapshot", False):
            publisher = SessionPort(self._mailbox.ref)
            run = partial(self._replay.run, context=self._context, publisher=publisher)
            self._mailbox.spawn(run, name="shell-snapshot", shutdown=3.0)

    async def _handle(self, message: Inbox) -> None:
        match message:
            case Submit(submission=submission, reply=reply):
                await self._perform(self._submitted(submission))
                if self._refused:
                    reply.fail(UserError(self._refused))
                    self._refused = ""
                else:
                    reply.set(submission.id)
            case Publish(msgs=msgs, items=items, counted=counted, reply=reply):
                await _answer(reply, self._publish(msgs, items, counted))
            case Tell(msg=msg):
                self._context.outbox.publish([msg])
            case RecordInput(items=items, reply=reply):
                await _answer(reply, self._record_input(items))
            case BeginTurn(reply=reply):
                await _answer(reply, self._begin_turn())
            case NextRequest(reply=reply):
                await _answer(reply, self._next_request())
            case SummaryRequest(reply=reply):
                await _answer(reply, self._summary_request(message))
            case ReplaceHistory(summary=summary, reply=reply):
                await _answer(reply, self._replace_history(summary))
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
                if turn_id == self._turn_id:
                    await self._perform(self._machine.interrupted())
            case Down(ref=ref, exit=ended):
                if ref == self._turn:
                    await self._turn_ended(ended.error)
                else:
                    self._approvals.down(ref, ended.error)
            case _ as never:
                assert_never(never)

    def _submitted(self, submission: Submission) -> list[Effect]:
        match submission.op:
            case TurnInput() as op:
                return self._machine.submitted(op)
            case Interrupt():
                for shell in self._shells:
                    self._tell(shell, InterruptTurn())
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
                    self._steer(op)
                case StopTurn():
                    self._tell_turn(InterruptTurn())
                case Refuse(reason=reason):
                    self._refused = reason
                case Close():
                    await self._close()
                case _ as never:
                    assert_never(never)

    def _steer(self, op: TurnInput) -> None:
        if not self._tell_turn(Steer(op)):
            self._machine.steer_refused(op)

    def _tell_turn(self, message: Steer | InterruptTurn) -> bool:
        return self._turn is not None and self._tell(self._turn, message)

    def _tell(self, ref: Ref[TurnInbox], message: Steer | InterruptTurn) -> bool:
        try:
            ref.send_nowait(message, control=isinstance(message, InterruptTurn))
        except ActorGone:
            return False
        return True

    async def _open_turn(self, op: TurnInput | None) -> bool:
        """Tell and keep that a turn starts. False where the disk refuses it; the turn has failed then."""
        self._turn_id, self._input = uuid7(), op
        self._turn_began, self._result = trio.current_time(), TurnResult()
        window = self._memory.window
        self._memory.begin_turn(op.output_schema if op else None)
        try:
            await self._journal.begin_turn(self._turn_id, window)
            self._context.outbox.publish([TaskStarted(self._turn_id, window)])
        except CodexError as error:
            await self._end_turn(TurnFailed(self._turn_id, str(error), "other", self._memory.total))
            return False
        return True

    def _tools(self, port: SessionPort) -> ToolContext:
        context = self._context
        return ToolContext(
            thread_id=context.identity.thread_id,
            session_id=context.identity.session_id,
            turn_id=self._turn_id,
            config=context.config,
            environ=context.services.environ,
            output_tokens=self._memory.output_tokens,
            publisher=port,
            approvals=port,
            rules=context.rules,
            agent_path=context.identity.agent_path,
            processes=context.services.processes,
            agents=self._agents,
            thread=self._mailbox.ref,
            spawn_background=lambda run, name: self._mailbox.spawn(run, name=name, shutdown=0),
            images=context.model.supports_image_input,
            meter=context.services.meter,
            hooks=self._hooks.runner,
            replay=self._replay,
        )

    async def _start_turn(self, op: TurnInput | None) -> None:
        """Start a turn with this input; with None it compacts the history and does nothing else."""
        if not await self._open_turn(op):
            return
        context, port = self._context, SessionPort(self._mailbox.ref)
        tools = self._tools(port)
        retries = context.config.model_providers[context.config.model_provider].stream_max_retries
        turn = TurnContext(
            self._turn_id,
            context.services.client,
            self._router,
            tools,
            port,
            retries,
            full=self._memory.budget.verdict(self._memory.tokens) == "compact",
            only_compacts=op is None,
            compactable=self._memory.compactable,
            gate=None if op is None else self._hooks.gate(self._turn_id, op.items, port),
        )
        self._turn = self._mailbox.spawn(
            partial(run_turn, context=turn, result=self._result), name="turn", watch=True, shutdown=2.0
        )

    async def _run_shell(self, op: RunUserShellCommand, *, beside: bool) -> None:
        if not beside and not await self._open_turn(TurnInput(())):
            return
        result = TurnResult() if beside else self._result
        run = partial(run_user_shell, op=op, tools=self._tools(SessionPort(self._mailbox.ref)), result=result)
        shell = self._mailbox.spawn(run, name="user-shell", watch=not beside, shutdown=2.0)
        if beside:
            self._shells = [*(one for one in self._shells if one.alive), shell]
        else:
            self._turn = shell

    async def _begin_turn(self) -> None:
        await self._journal.tell_context(self._memory.record(self._memory.news()))
        if self._input is not None and self._input.items:
            await self._record_input(self._input.items)

    async def _turn_ended(self, error: BaseException | None) -> None:
        self._turn = None
        result, total = self._result, self._memory.total
        match result.outcome:
            case "completed":
                first = result.first_token_at
                await self._end_turn(
                    TaskComplete(
                        self._turn_id,
                        result.last_message,
                        total,
                        int((trio.current_time() - self._turn_began) * 1000),
                        None if first is None else int((first - self._turn_began) * 1000),
                    )
                )
            case "aborted":
                closing = self._machine.state == "closing"
                await self._end_turn(TurnAborted(self._turn_id, "shutdown" if closing else "interrupted", total))
            case "failed":
                await self._end_turn(TurnFailed(self._turn_id, result.error_message, result.error_kind, total))
            case None:
                text = str(error) if isinstance(error, CodexError) else f"the turn crashed: {error!r}"
                await self._end_turn(TurnFailed(self._turn_id, text, "other", total))

    async def _end_turn(self, msg: TaskComplete | TurnFailed | TurnAborted) -> None:
        """Tell how the turn ended, on disk first; a disk that refuses it must not keep it from the screen."""
        self._approvals.close_own()
        await self._keep_news()
        marker = [self._memory.abort_marker()] if isinstance(msg, TurnAborted) else []
        try:
            await self._journal.end_turn(msg, self._memory.record(marker))
        except CodexError as error:
            self._context.outbox.publish([ErrorNotice(self._turn_id, str(error))])
        self._context.outbox.publish([msg])
        if self._machine.state != "idle":
            await self._perform(self._machine.turn_ended(self._result.left_over))

    async def _publish(
        self,
        msgs: Sequence[EventMsg],
        items: Sequence[ResponseItem],
        counted: tuple[str, TokenUsage] | None = None,
    ) -> None:
        kept, records = self._memory.record(items), list[rollout.Line]()
        if counted is not None:
            response_id, usage = counted
            self._memory.count(usage)
            count = TokenCount(self._turn_id, self._memory.total, usage, self._memory.window)
            records.append(self._journal.usage_record(response_id, count, self._memory.turn_total))
            msgs = [*msgs, count]
        await self._journal.append(kept, msgs, records)
        self._show(msgs)

    def _show(self, msgs: Sequence[EventMsg]) -> None:
        for msg in msgs:
            self._memory.worklog.note(msg)
        self._context.outbox.publish(msgs)

    async def _record_input(self, items: tuple[UserInput, ...]) -> None:
        item = await self._memory.user_message(items)
        recorded = [item, *self._skills.items_for(items)]
        await self._publish([ItemCompleted(self._turn_id, UserMessage(uuid7(), items))], recorded)

    async def _next_request(self) -> ModelRequest | None:
        await self._record_news()
        self._machine.news_read()
        return self._memory.request(self._turn_id, self._journal.window.number)

    async def _summary_request(self, ask: SummaryRequest) -> ModelRequest:
        from codex.session._compaction import summary_request

        return summary_request(self._context, self._memory, self._turn_id, self._journal.window.number, ask)

    async def _replace_history(self, summary: Summary) -> None:
        from codex.session._compaction import replace_history

        context, memory, journal = self._context, self._memory, self._journal
        self._show(await replace_history(context, memory, journal, self._turn_id, summary, agents=self._agents))

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
