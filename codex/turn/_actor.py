"""One turn as an actor: performs what the machine decides."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Never, TypeAlias, assert_never

import trio

from actors import ActorGone, Down, Mailbox, Ref
from codex.base.errors import CodexError
from codex.base.frozen import frozen
from codex.model import StreamRetry
from codex.ports.model import ModelError
from codex.protocol.event import StreamErrorNotice, Warning
from codex.protocol.response_item import ResponseItem
from codex.tools import CallSite, ToolCall
from codex.turn._machine import (
    AnnounceRetry,
    AskToClose,
    AskToOpen,
    Begin,
    Compact,
    Effect,
    Finish,
    RecordInput,
    RecordOutput,
    RunTool,
    Sample,
    StopWork,
    TurnMachine,
    Warn,
)
from codex.turn._sampling import CallsArrived, ContextFull, Sampled, SamplingBroke, sample
from codex.turn.context import CompactionBroke, CompactionDone, Phase, TurnContext, TurnGate, TurnResult
from codex.turn.messages import InterruptTurn, Message, Steer

_STOP_WITHIN = 2.0


@frozen
class _ToolDone:
    key: str
    output: ResponseItem


@frozen
class _RetryDue:
    pass


@frozen
class _GateOpened:
    allowed: bool


@frozen
class _GateClosed:
    go_on: bool


Inbox: TypeAlias = (
    Message
    | CallsArrived
    | Sampled
    | SamplingBroke
    | ContextFull
    | CompactionDone
    | CompactionBroke
    | _ToolDone
    | _RetryDue
    | _GateOpened
    | _GateClosed
    | Down
)


async def run(mailbox: Mailbox[Inbox], *, context: TurnContext, result: TurnResult) -> None:
    """Run one turn to its end; `result` says how it went.

    Stopped or cancelled, everything it started is gone before it ends, and open calls stay unanswered in the
    history (the next request answers them).
    """
    await _Turn(mailbox, context, result).run()


class _Turn:
    def __init__(self, mailbox: Mailbox[Inbox], context: TurnContext, result: TurnResult) -> None:
        self._mailbox = mailbox
        self._context = context
        self._result = result
        self._machine = TurnMachine(
            only_compacts=context.only_compacts, gated=context.gate is not None, compactable=context.compactable
        )
        self._children: set[Ref[Never]] = set()
        self._begun = trio.Event()
        self._begun.set()

    async def run(self) -> None:
        await self._perform(self._machine.started(full=self._context.full))
        async for message in self._mailbox:
            await self._perform(self._handle(message))
            if self._machine.state == "done":
                break
        self._keep_late_input()

    def _handle(self, message: Inbox) -> Sequence[Effect]:
        machine = self._machine
        match message:
            case CallsArrived(calls=calls):
                return [effect for call in calls for effect in machine.item_done(call)]
            case Sampled(end_turn=end_turn):
                return machine.sampling_done(end_turn=end_turn)
            case SamplingBroke(error=error):
                return machine.sampling_failed(error, self._retry(error))
            case ContextFull():
                return machine.compaction_due()
            case CompactionDone():
                return machine.compacted()
            case CompactionBroke(error=error):
                return machine.compaction_failed(error)
            case _ToolDone(key=key, output=output):
                return machine.tool_done(key, output)
            case _RetryDue():
                return machine.retry_due()
            case _GateOpened(allowed=allowed):
                return machine.gate_opened(allowed=allowed)
            case _GateClosed(go_on=go_on):
                return machine.gate_closed(go_on=go_on)
            case Steer(input=more):
                if self._context.only_compacts:
                    self._result.left_over.append(more)
                else:
                    machine.steered(more.items, more.client_id)
                return []
            case InterruptTurn():
                return machine.interrupted()
            case Down(ref=ref, exit=ended):
                self._children.discard(ref)
                if ended.kind == "normal":
                    return []
                # Whoever owns the turn is stopping all of it: the part itself, or first what that was waiting for.
                if ended.error is None or isinstance(ended.error, ActorGone):
                    return machine.interrupted()
                return machine.broken(_as_model_error(ref.name, ended.error))
            case _ as never:
                assert_never(never)

    async def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case AskToOpen() | AskToClose():
                    self._ask_gate(effect)
                case Begin():
                    await self._context.port.begin()
                case Compact(phase=phase):
                    self._compact(phase)
                case Warn(error=error):
                    await self._context.port.publish([Warning(f"the conversation was not compacted: {error.message}")])
                case Sample():
                    self._spawn(
                        partial(sample, context=self._context, result=self._result, turn=self._mailbox.ref), "sampling"
                    )
                case RunTool(call=call):
                    self._run_tool(call)
                case RecordOutput(item=item):
                    await self._context.port.publish([], [item])
                case RecordInput(items=items, client_id=client_id):
                    await self._context.port.record_input(items, client_id)
                case AnnounceRetry(retry=retry):
                    await self._announce(retry)
                case StopWork():
                    await self._stop_work()
                case Finish(outcome=outcome, error=error):
                    self._result.outcome = outcome
                    if error is not None:
                        self._result.error_message, self._result.error_kind = error.message, error.kind
                case _ as never:
                    assert_never(never)

    def _compact(self, phase: Phase) -> None:
        from codex.turn._compaction import compact

        self._spawn(partial(compact, context=self._context, phase=phase, turn=self._mailbox.ref), "compaction")

    def _ask_gate(self, effect: AskToOpen | AskToClose) -> None:
        """Ask in an actor of its own, so that an interrupt is heard meanwhile."""
        gate = self._context.gate
        assert gate is not None
        opens = isinstance(effect, AskToOpen)
        self._spawn(partial(_ask, gate=gate, opens=opens, result=self._result, turn=self._mailbox.ref), "hooks")

    def _run_tool(self, call: ToolCall) -> None:
        """Start a call; calls that start together begin in their order, and so do the items they show."""
        after, self._begun = self._begun, trio.Event()
        run = partial(
            _run_call, call=call, context=self._context, turn=self._mailbox.ref, after=after, begun=self._begun
        )
        self._spawn(run, call.name)

    def _spawn(self, run: Callable[[Mailbox[Never]], Awaitable[None]], name: str) -> None:
        ref = self._mailbox.spawn(run, name=name, watch=True, shutdown=0)
        self._children.add(ref)

    def _keep_late_input(self) -> None:
        """Input that came while the turn was ending; nothing can come in between here and the end."""
        while True:
            try:
                message = self._mailbox.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                return
            if isinstance(message, Steer):
                self._result.left_over.append(message.input)

    def _retry(self, error: ModelError) -> StreamRetry | None:
        return self._context.retry(error, self._machine.failures + 1)

    async def _announce(self, retry: StreamRetry) -> None:
        await self._context.port.publish([StreamErrorNotice(self._context.turn_id, retry.message)])
        self._spawn(partial(_remind, turn=self._mailbox.ref, delay=retry.delay), "retry")

    async def _stop_work(self) -> None:
        async with trio.open_nursery() as nursery:
            for child in tuple(self._children):
                nursery.start_soon(partial(child.stop, within=_STOP_WITHIN))


def _as_model_error(name: str, error: BaseException) -> ModelError:
    """A crash below the turn, as the error that ends it; what failed outside speaks for itself."""
    return ModelError(str(error) if isinstance(error, CodexError) else f"{name} crashed: {error!r}")


async def _run_call(
    mailbox: Mailbox[Never],
    *,
    call: ToolCall,
    context: TurnContext,
    turn: Ref[Inbox],
    after: trio.Event,
    begun: trio.Event,
) -> None:
    await after.wait()
    begun.set()  # whoever waits for it runs in a later step of the loop than what follows here
    output = await context.router.dispatch(call, CallSite(call.call_id, context.tools.now(), mailbox.ref))
    await turn.send(_ToolDone(call.key, call.output_item(output)))


async def _ask(_mailbox: Mailbox[Never], *, gate: TurnGate, opens: bool, result: TurnResult, turn: Ref[Inbox]) -> None:
    if opens:
        await turn.send(_GateOpened(await gate.open()))
    else:
        await turn.send(_GateClosed(await gate.close(result.last_message)))


async def _remind(_mailbox: Mailbox[Never], *, turn: Ref[Inbox], delay: float) -> None:
    await trio.sleep(delay)
    await turn.send(_RetryDue())
