"""One sampling request as an actor: the model's events become items, in order, as they arrive."""

from typing import Never, TypeAlias

import trio

from actors import Mailbox, Ref
from codex.base.frozen import frozen
from codex.ports.model import ModelError, ModelRequest, ResponseCompleted
from codex.protocol.usage import TokenUsage
from codex.tools import ToolCall
from codex.turn.context import TurnContext, TurnResult
from codex.turn.items import ItemTracker


@frozen
class CallsArrived:
    """The model finished calls; they are in the history."""

    calls: tuple[ToolCall, ...]


@frozen
class Sampled:
    """The response is whole and in the history."""

    end_turn: bool | None


@frozen
class SamplingBroke:
    """The response broke off or never came; finished items are in the history."""

    error: ModelError


@frozen
class ContextFull:
    """Nothing was asked: the history has to be compacted first."""


_Told: TypeAlias = CallsArrived | Sampled | SamplingBroke | ContextFull


async def sample(
    _mailbox: Mailbox[Never],
    *,
    context: TurnContext,
    result: TurnResult,
    turn: Ref[_Told],
) -> None:
    """Ask the model once and tell the turn what came. Cancelled, the connection is closed."""
    tracker = ItemTracker(context.turn_id)
    try:
        request = await context.port.next_request()
        if request is None:
            await turn.send(ContextFull())
            return
        stream = _stream if context.gate is None else _stream_between_hooks
        end_turn = await stream(context, request, result, tracker, turn)
    except ModelError as error:
        await turn.send(SamplingBroke(error))
    else:
        await turn.send(Sampled(end_turn))


async def _stream_between_hooks(
    context: TurnContext,
    request: ModelRequest,
    result: TurnResult,
    tracker: ItemTracker,
    turn: Ref[_Told],
) -> bool | None:
    """As `_stream`, unless a hook refuses the request; hooks are told how it ended."""
    assert context.gate is not None
    if (reason := await context.gate.request_begins()) is not None:
        raise ModelError(f"a hook refused the request: {reason}")
    try:
        end_turn = await _stream(context, request, result, tracker, turn)
    except ModelError as error:
        await context.gate.request_ended(None, error.message)
        raise
    await context.gate.request_ended(tracker.usage, None)
    return end_turn


async def _stream(
    context: TurnContext,
    request: ModelRequest,
    result: TurnResult,
    tracker: ItemTracker,
    turn: Ref[_Told],
) -> bool | None:
    async with context.client.stream(request) as batches:
        async for batch in batches:
            step = tracker.step(batch)
            if step.spoke and result.first_token_at is None:
                result.first_token_at = trio.current_time()
            counted = _counted(step.completed)
            if counted is not None:
                tracker.usage = counted[1]
            if step.msgs or step.items or counted:
                await context.port.publish(step.msgs, step.items, counted)
            if tracker.last_message is not None:
                result.last_message = tracker.last_message
            if step.calls:
                await turn.send(CallsArrived(tuple(context.router.prepare(call) for call in step.calls)))
            if step.completed is not None:
                return step.completed.end_turn
    raise broken_off()


def broken_off() -> ModelError:
    """The error of a stream that ended before its response was whole."""
    return ModelError(
        "stream disconnected before completion: stream closed before response.completed",
        "stream_disconnected",
        retryable=True,
    )


def _counted(completed: ResponseCompleted | None) -> tuple[str, TokenUsage] | None:
    if completed is None or completed.usage is None:
        return None
    return completed.response_id, completed.usage
