"""The test kit of `actors`, used as its users do."""

from __future__ import annotations

import pytest
import trio

from actors import ActorGone, Mailbox, Reply, open_runtime
from actors.testing import Probe, dead_ref, deaf_ref, run_virtual, scheduler_seed


async def order() -> list[int]:
    seen: list[int] = []

    async def one(number: int) -> None:
        seen.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(one, number)
    return seen


def test_one_seed_repeats_the_order_of_tasks_and_others_differ() -> None:
    orders = [run_virtual(order, seed=seed) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_the_seed_is_taken_back() -> None:
    from trio._core import _run

    before = _run._ALLOW_DETERMINISTIC_SCHEDULING
    with scheduler_seed(1):
        pass
    assert before == _run._ALLOW_DETERMINISTIC_SCHEDULING


def test_virtual_time_costs_nothing() -> None:
    async def hour() -> float:
        await trio.sleep(3600)
        return trio.current_time()

    assert run_virtual(hour) == 3600


async def test_a_dead_ref_refuses_and_a_deaf_one_never_answers() -> None:
    with pytest.raises(ActorGone):
        await dead_ref().ask(lambda reply: Reply[int]())
    with trio.move_on_after(0.01) as scope:
        await deaf_ref().ask(lambda reply: reply)
    assert scope.cancelled_caught


async def test_a_probe_remembers_what_it_got_and_says_when_nothing_came() -> None:
    probe = Probe[str]()

    async def greet(mailbox: Mailbox[object]) -> None:
        await probe.ref.send("hello")

    async with open_runtime() as runtime:
        runtime.spawn(greet)
        assert await probe.next() == "hello"
        with pytest.raises(AssertionError, match="got no message"):
            await probe.next()
        await probe.quiet()
        runtime.spawn(greet)
        with pytest.raises(AssertionError, match="hello"):
            await probe.quiet()
