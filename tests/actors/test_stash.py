"""Putting messages aside, timers, and a second delivery."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import ActorRestarted, Mailbox, MailboxFull, Reply, open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor


@attrs.frozen
class Get:
    reply: Reply[int]


async def test_what_was_put_aside_is_read_next_in_its_old_order() -> None:
    mailbox = Mailbox[int]("box", capacity=3)
    for number in range(3):
        mailbox.ref.send_nowait(number)
    for _ in range(3):
        mailbox.stash(mailbox.receive_nowait())
    with pytest.raises(MailboxFull):
        mailbox.stash(3)
    mailbox.ref.send_nowait(9)
    mailbox.unstash(1)
    assert mailbox.receive_nowait() == 0
    mailbox.unstash()
    assert mailbox.drain() == [1, 2, 9]


async def test_what_is_put_aside_at_the_end_becomes_dead_letters() -> None:
    async def put_aside(mailbox: Mailbox[int]) -> None:
        async for message in mailbox:
            mailbox.stash(message)

    async with open_runtime() as runtime:
        ref = runtime.spawn(put_aside)
        for number in range(3):
            await ref.send(number)
        await wait_all_tasks_blocked()
        await ref.stop()
        assert [letter.message for letter in runtime.dead_letters] == [0, 1, 2]


async def test_what_is_put_aside_outlives_a_crash_but_for_questions() -> None:
    log: list[object] = []

    async def run(mailbox: Mailbox[Any]) -> None:
        first = not log
        log.append("start")
        async for message in mailbox:
            if message == "crash":
                raise ValueError
            if first:
                mailbox.stash(message)
            else:
                log.append(message)

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="a", start=run)]))
        ref = (await supervisor.which_children())[0].ref
        for message in (1, 2):
            await ref.send(message)

        async def ask() -> None:
            with pytest.raises(ActorRestarted):
                await ref.ask(Get)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            await ref.send("crash")
            await ref.send(3)
        await wait_all_tasks_blocked()
        assert log == ["start", "start", 1, 2, 3]


@pytest.mark.parametrize(("redeliver", "seen"), [(False, ["poison", "next"]), (True, ["poison", "poison", "next"])])
async def test_the_message_in_hand_at_a_crash_is_read_once_more_if_wanted(redeliver: bool, seen: list[str]) -> None:
    log: list[str] = []

    async def run(mailbox: Mailbox[str]) -> None:
        async for message in mailbox:
            log.append(message)
            if message == "poison":
                raise ValueError

    async with open_runtime() as runtime:
        child = ChildSpec(id="a", start=run, redeliver=redeliver)
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[child], max_restarts=5))
        ref = (await supervisor.which_children())[0].ref
        ref.send_nowait("poison")
        ref.send_nowait("next")
        await wait_all_tasks_blocked()
        assert log == seen


async def test_a_timer_comes_in_the_control_lane_and_dies_with_its_actor(
    autojump_clock: trio.testing.MockClock,
) -> None:
    log: list[tuple[float, str]] = []

    async def run(mailbox: Mailbox[str]) -> None:
        mailbox.send_later(5, "tick")
        mailbox.send_later(6, "never").cancel()
        mailbox.send_later(100, "after the end")
        async for message in mailbox:
            log.append((trio.current_time(), message))

    async with open_runtime() as runtime:
        ref = runtime.spawn(run)
        await trio.sleep(50)
        await ref.stop()
        await trio.sleep(100)
        assert (log, runtime.dead_letters) == ([(5, "tick")], [])


async def test_many_cancelled_timers_leave_nothing_behind(autojump_clock: trio.testing.MockClock) -> None:
    fired: list[float] = []
    async with open_runtime() as runtime:
        for number in range(10_000):
            timer = runtime.call_later(1000 + number % 7, lambda: fired.append(0))
            if number % 1000:
                timer.cancel()
        assert len(runtime.machinery.clock._heap) < 200
        runtime.call_later(1, lambda: fired.append(trio.current_time()))
        await trio.sleep(2000)
        assert fired == [1.0] + [0] * 10
