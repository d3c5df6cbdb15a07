"""Promises known from other systems, one by one; `tests/conformance` lists which."""

from __future__ import annotations

import gc
import logging
import weakref
from time import process_time
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import Down, Exit, Mailbox, Ref, Reply, open_runtime
from supervisors import ChildCounts, ChildNotFound, ChildSpec, StartFailed, Supervisor, SupervisorSpec, start_supervisor
from supervisors.testing import CuedChild

Clock = trio.testing.MockClock


@attrs.frozen
class Get:
    reply: Reply[int]


async def idle(mailbox: Mailbox[Any]) -> None:
    async for message in mailbox:
        if message == "crash":
            raise ValueError(message)


async def ref_of(supervisor: Supervisor, id: str) -> Ref[Any]:
    return next(child.ref for child in await supervisor.which_children() if child.id == id)


def test_the_defaults_are_otps() -> None:
    child = ChildSpec(id="a", start=idle)
    assert (child.restart, child.shutdown_seconds, child.significant) == ("permanent", 5.0, False)
    assert ChildSpec(id="a", start=SupervisorSpec()).shutdown_seconds == float("inf")
    spec = SupervisorSpec()
    assert (spec.strategy, spec.max_restarts, spec.period, spec.auto_shutdown) == ("one_for_one", 1, 5.0, "never")


async def test_a_child_that_cannot_start_leaves_no_spec_and_its_siblings_alone() -> None:
    sibling, broken = CuedChild("sibling"), CuedChild("broken")
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[sibling.spec()]))
        broken.fail_starts = 1
        with pytest.raises(StartFailed):
            await supervisor.start_child(broken.spec())
        assert [child.id for child in await supervisor.which_children()] == ["sibling"]
        await supervisor.start_child(broken.spec())
        await supervisor.terminate_child("broken")
        broken.fail_starts = 1
        with pytest.raises(StartFailed):
            await supervisor.restart_child("broken")
        assert (await supervisor.which_children())[1].state == "stopped"
        assert sibling.log == ["start"]


async def test_a_batch_starts_whoever_can_and_names_the_first_that_cannot() -> None:
    good, broken = CuedChild("good"), CuedChild("broken")
    broken.fail_starts = 1
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        with pytest.raises(StartFailed, match="broken"):
            await supervisor.start_children([broken.spec(), good.spec()])
        assert [child.id for child in await supervisor.which_children()] == ["good"]


async def test_two_thousand_children_are_counted_rightly_also_while_some_restart() -> None:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic", max_restarts=5_000))
        refs = await supervisor.start_children([ChildSpec(id=f"{n}", start=idle) for n in range(2_000)])
        assert await supervisor.count_children() == ChildCounts(2_000, 2_000, 0, 2_000)
        for ref in refs[:500]:
            ref.send_nowait("crash")
        await supervisor.terminate_child("1999")
        counts = await supervisor.count_children()
        assert (counts.specs, counts.workers) == (1_999, 1_999)
        await wait_all_tasks_blocked()
        assert await supervisor.count_children() == ChildCounts(1_999, 1_999, 0, 1_999)


async def test_what_temporary_children_were_is_forgotten() -> None:
    weak: list[weakref.ref[Any]] = []
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        for number in range(50):
            child = CuedChild(f"{number}")
            weak.append(weakref.ref(child))
            await supervisor.start_child(child.spec(restart="temporary"))
            await child.end()
            await wait_all_tasks_blocked()
        del child
        gc.collect()
        assert [one for one in weak if one() is not None] == []


async def test_the_restart_budget_belongs_to_the_supervisor() -> None:
    children = [CuedChild(id) for id in "abc"]
    async with open_runtime() as runtime:
        spec = SupervisorSpec(children=[child.spec() for child in children], max_restarts=2)
        supervisor = await start_supervisor(runtime, spec)
        for child in children:
            await child.crash()
            await wait_all_tasks_blocked()
        assert await supervisor.wait() == Exit("shutdown", None, "too many restarts")


async def test_an_escalated_restart_brings_back_static_children_and_not_dynamic_ones() -> None:
    static, sibling = CuedChild("static"), CuedChild("sibling")
    inner = SupervisorSpec(children=[static.spec()], max_restarts=0)
    async with open_runtime() as runtime:
        outer = await start_supervisor(
            runtime, SupervisorSpec(children=[ChildSpec(id="inner", start=inner), sibling.spec()])
        )
        added = Supervisor(await ref_of(outer, "inner"), outer.events)
        await added.start_child(ChildSpec(id="added", start=idle))
        await static.crash()
        await wait_all_tasks_blocked()
        assert [child.id for child in await added.which_children()] == ["static"]
        assert sibling.log == ["start"]


async def test_children_that_end_by_themselves_during_the_stop_do_not_disturb_it(autojump_clock: Clock) -> None:
    async def slow(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            pass
        await trio.sleep(2)

    async with open_runtime() as runtime:
        victim = CuedChild("victim")
        supervisor = await start_supervisor(
            runtime, SupervisorSpec(children=[victim.spec(), ChildSpec(id="slow", start=slow)])
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.stop)
            await trio.sleep(1)
            await victim.crash()
        assert victim.log == ["start", "crash"]
        assert runtime.actors() == []


async def test_an_unknown_message_is_logged_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec())
        untyped: Ref[Any] = supervisor.ref
        with caplog.at_level(logging.WARNING):
            await untyped.send("what is this")
            assert await supervisor.which_children() == []
    assert "does not understand 'what is this'" in caplog.text


async def test_auto_shutdown_goes_up_as_far_as_supervisors_are_significant() -> None:
    leaf = CuedChild("leaf")
    inner = SupervisorSpec(children=[leaf.spec(restart="transient", significant=True)], auto_shutdown="any_significant")
    middle = SupervisorSpec(
        children=[ChildSpec(id="inner", start=inner, restart="temporary", significant=True)],
        auto_shutdown="any_significant",
    )
    async with open_runtime() as runtime:
        outer = await start_supervisor(
            runtime,
            SupervisorSpec(children=[ChildSpec(id="middle", start=middle, restart="transient")]),
        )
        await leaf.end()
        await wait_all_tasks_blocked()
        assert [child.state for child in await outer.which_children()] == ["stopped"]


async def test_each_crash_restart_and_give_up_is_told_with_child_and_cause() -> None:
    child = CuedChild("a")
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[child.spec()], max_restarts=2))
        with supervisor.events.open_subscription() as events:
            child.fail_starts = 1
            await child.crash()
            await wait_all_tasks_blocked()
            await child.crash()
            await supervisor.wait()
            told = [(event.kind, event.child, event.supervisor) for event in events.drain()]
    assert told == [
        (kind, "a", "runtime/supervisor") for kind in ("crash", "start_failed", "restart", "crash", "give_up")
    ]


async def test_an_error_an_actor_catches_costs_nothing_and_others_go_up() -> None:
    seen: list[int] = []

    async def careful(mailbox: Mailbox[Any]) -> None:
        handled = 0
        async for error in mailbox:
            try:
                raise error
            except ValueError:
                handled += 1
                seen.append(handled)

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="a", start=careful)]))
        ref = await ref_of(supervisor, "a")
        for error in (ValueError(), ValueError(), KeyError(), ValueError()):
            await ref.send(error)
        await wait_all_tasks_blocked()
        assert seen == [1, 2, 1]


async def test_what_an_incarnation_owned_is_gone_before_the_next_one_starts() -> None:
    log: list[str] = []

    async def below(mailbox: Mailbox[Any]) -> None:
        log.append("+below")
        try:
            await idle(mailbox)
        finally:
            log.append("-below")

    async def above(mailbox: Mailbox[Any]) -> None:
        log.append("+above")
        mailbox.spawn(below)
        await idle(mailbox)

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="a", start=above)]))
        await wait_all_tasks_blocked()
        await (await ref_of(supervisor, "a")).send("crash")
        await wait_all_tasks_blocked()
        assert log == ["+above", "+below", "-below", "+above", "+below"]


async def test_a_crash_among_waiting_messages_loses_none_that_was_not_in_hand() -> None:
    log: list[object] = []

    async def run(mailbox: Mailbox[Any]) -> None:
        async for message in mailbox:
            if message == "crash":
                raise ValueError
            log.append(message)

    async with open_runtime() as runtime:
        spec = SupervisorSpec(children=[ChildSpec(id="a", start=run)], max_restarts=10)
        ref = await ref_of(await start_supervisor(runtime, spec), "a")
        for message in ("crash", 1, "crash", 2, 3, "crash", 4):
            ref.send_nowait(message)
        await wait_all_tasks_blocked()
        assert log == [1, 2, 3, 4]


async def test_a_stale_ref_never_reaches_the_next_holder_of_its_name() -> None:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec())
        old = await supervisor.start_child(ChildSpec(id="a", start=idle, restart="temporary"))
        await supervisor.terminate_child(old)
        new = await supervisor.start_child(ChildSpec(id="a", start=idle, restart="temporary"))
        assert (old != new, old.alive, new.alive) == (True, False, True)
        with pytest.raises(ChildNotFound):
            await supervisor.terminate_child(old)


async def test_a_death_notice_carries_the_cause() -> None:
    downs: list[Down] = []

    async def parent(mailbox: Mailbox[Down]) -> None:
        mailbox.spawn(idle, name="child", watch=True).send_nowait("crash")
        downs.append(await mailbox.receive())

    async with open_runtime() as runtime:
        await runtime.spawn(parent).wait()
        assert (downs[0].exit.kind, str(downs[0].exit.error)) == ("crash", "crash")


async def test_two_different_messages_for_one_death_are_refused() -> None:
    async def watcher(mailbox: Mailbox[Any]) -> None:
        mailbox.watch(target, "gone")
        mailbox.watch(target, "gone")
        with pytest.raises(ValueError, match="is watched already"):
            mailbox.watch(target)

    async with open_runtime() as runtime:
        target = runtime.spawn(idle)
        assert await runtime.spawn(watcher).wait() == Exit("normal")


async def test_pipelined_asks_are_answered_in_the_order_they_were_sent() -> None:
    async def count(mailbox: Mailbox[Get]) -> None:
        number = 0
        async for message in mailbox:
            number += 1
            message.reply.set(number)

    sent: list[int] = []
    async with open_runtime() as runtime:
        ref = runtime.spawn(count)

        async def ask() -> None:
            sent.append(len(sent) + 1)
            asked = sent[-1]
            assert await ref.ask(Get) == asked

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)
    assert len(sent) == 20


async def test_a_parent_that_waits_for_a_child_can_still_be_asked_by_it() -> None:
    answers: list[int] = []

    async def child(parent: Ref[Get], mailbox: Mailbox[Get]) -> None:
        async for message in mailbox:
            message.reply.set(1 + await parent.ask(Get))

    async def parent(mailbox: Mailbox[Get]) -> None:
        async def wait_for_child() -> None:
            answers.append(await ref.ask(Get))
            mailbox.ref.stop_nowait()

        ref: Ref[Get] = mailbox.spawn(lambda inner: child(mailbox.ref, inner), name="child")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for_child)
            async for message in mailbox:
                message.reply.set(41)

    async with open_runtime() as runtime:
        await runtime.spawn(parent).wait()
    assert answers == [42]


def test_starting_and_stopping_children_costs_about_the_same_for_each() -> None:
    async def many(count: int) -> None:
        async with open_runtime() as runtime:
            spec = SupervisorSpec(children=[ChildSpec(id=f"{n}", start=idle) for n in range(count)])
            await start_supervisor(runtime, spec)

    def cost(count: int) -> float:
        begin = process_time()
        trio.run(many, count)
        return (process_time() - begin) / count

    gc.disable()
    try:
        cost(200)
        assert cost(4_000) < 4 * cost(500)
    finally:
        gc.enable()
