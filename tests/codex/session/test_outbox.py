"""A thread's events reach each watcher at its own pace, and nobody waits for one that does not read."""

import pytest
import trio

from codex.protocol.event import AgentMessageDelta, Event, Warning
from codex.session.outbox import Outbox, Subscription, WatcherTooSlow

LAGS_ABOVE, BOUND = 1_024, 65_536


async def read(watcher: Subscription, count: int) -> list[Event]:
    return [await watcher.__anext__() for _ in range(count)]


async def test_a_watcher_that_lags_gets_deltas_joined_and_nothing_else_left_out() -> None:
    outbox = Outbox("thread")
    watcher = outbox.subscribe()
    told = [Warning(str(number)) for number in range(LAGS_ABOVE)]
    deltas = [AgentMessageDelta("turn", "item", f"{number} ") for number in range(500)]
    outbox.publish([*told, *deltas, Warning("last")])
    events = [event.msg for event in await read(watcher, LAGS_ABOVE + 2)]
    assert events[:LAGS_ABOVE] == told
    joined = events[LAGS_ABOVE]
    assert isinstance(joined, AgentMessageDelta)
    assert joined.delta == "".join(delta.delta for delta in deltas)
    assert joined.pieces == tuple(delta.delta for delta in deltas)
    assert events[-1] == Warning("last")


async def test_a_watcher_that_never_reads_is_cut_off_while_others_get_everything() -> None:
    outbox = Outbox("thread")
    silent, reader = outbox.subscribe(), outbox.subscribe()
    for number in range(BOUND + 2):
        outbox.publish([Warning(str(number))])
        [event] = await read(reader, 1)
        assert event.seq == number
    with trio.fail_after(10), pytest.raises(WatcherTooSlow, match="watch it again"):
        await silent.__anext__()
    outbox.publish([Warning("more")])
    with trio.fail_after(10), pytest.raises(WatcherTooSlow):
        await silent.__anext__()
    assert [event.msg for event in await read(reader, 1)] == [Warning("more")]
