"""A compaction as an actor below its turn: the model is asked for a summary, which takes the history's place."""

from typing import Never

import trio

from actors import Mailbox, Ref
from codex.base.errors import CodexError
from codex.base.ids import uuid7
from codex.ports.model import ModelError, ModelRequest, OutputItemDone, ResponseCompleted
from codex.protocol.event import ItemStarted, StreamErrorNotice
from codex.protocol.item import ContextCompaction
from codex.protocol.response_item import ResponseItem, message_text
from codex.turn._attempts import Attempts, GiveUp
from codex.turn._sampling import broken_off
from codex.turn.context import CompactionBroke, CompactionDone, Phase, Summary, TurnContext

COMPACT_WITHIN = 1200.0
"""Seconds for a compaction with all its attempts."""


async def compact(
    _mailbox: Mailbox[Never], *, context: TurnContext, phase: Phase, turn: Ref[CompactionDone | CompactionBroke]
) -> None:
    """Compact the history and tell the turn how it went.

    Cancelled, or after any failure, the history is the old one: it is replaced in one step, at the end.
    """
    try:
        with trio.fail_after(COMPACT_WITHIN):
            await _between_hooks(context, phase)
    except ModelError as error:
        await turn.send(CompactionBroke(error))
    except CodexError as error:
        await turn.send(CompactionBroke(ModelError(str(error))))
    except trio.TooSlowError:
        late = ModelError(f"the model wrote no summary within {COMPACT_WITHIN:.0f} seconds", "stream_disconnected")
        await turn.send(CompactionBroke(late))
    else:
        await turn.send(CompactionDone())


async def _between_hooks(context: TurnContext, phase: Phase) -> None:
    gate = context.gate
    if gate is not None and (reason := await gate.compaction_begins(phase)) is not None:
        raise ModelError(f"a hook refused it: {reason}")
    await _compact(context, phase)
    if gate is not None:
        await gate.compaction_ended(phase)


async def _compact(context: TurnContext, phase: Phase) -> None:
    port, attempts, shown = context.port, Attempts(), ContextCompaction(uuid7())
    request = await port.summary_request(phase, 0)
    await port.publish([ItemStarted(context.turn_id, shown)])
    while True:
        try:
            summary = await _summary(context, request, shown.id)
        except ModelError as error:
            match attempts.broke(error, context.retry(error, attempts.failures + 1)):
                case GiveUp(error=final):
                    raise final from error
                case again:
                    pass
        else:
            break
        if again.retry is not None:
            await port.publish([StreamErrorNotice(context.turn_id, again.retry.message)])
            await trio.sleep(again.retry.delay)
        request = await port.summary_request(phase, again.dropped)
    await port.replace_history(summary, phase)


async def _summary(context: TurnContext, request: ModelRequest, compaction_id: str) -> Summary:
    """Ask once. Raises: ModelError, also when the model said nothing."""
    last: ResponseItem | None = None
    async with context.client.stream(request) as batches:
        async for batch in batches:
            for event in batch:
                match event:
                    case OutputItemDone(item=item) if _is_answer(item):
                        last = item
                    case ResponseCompleted(response_id=response_id, usage=usage):
                        if last is None or not message_text(last).strip():
                            raise ModelError("the model wrote no summary", "stream_disconnected", retryable=True)
                        return Summary(compaction_id, last, response_id, usage)
                    case _:
                        pass
    raise broken_off()


def _is_answer(item: ResponseItem) -> bool:
    return item.get("type") == "message" and item.get("role", "assistant") == "assistant"
