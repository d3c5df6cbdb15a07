"""How actors end, who owns whom, and who is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import (
    ActorGone,
    Down,
    Exit,
    LinkBroken,
    Mailbox,
    Ref,
    Report,
    Runtime,
    Shutdown,
    StopsItself,
    open_runtime,
)


async def idle(mailbox: Mailbox[object]) -> None:
    async for _ in mailbox:
        pass


def ignore(report: Report) -> None:
    pass


async def test_a_return_is_normal_and_an_error_is_a_crash_that_ends_nothing_else() -> None:
    error = ValueError("boom")
    reports: list[Report] = []

    async def crash(mailbox: Mailbox[object]) -> None:
        raise error

    async def leave(mailbox: Mailbox[object]) -> None:
        pass

    async with open_runtime(report=reports.append) as runtime:
        other = runtime.spawn(idle)
        assert await runtime.spawn(leave).wait() == Exit("normal")
        assert await runtime.spawn(crash).wait() == Exit("crash", error)
        unobserved = runtime.spawn(crash)
        await wait_all_tasks_blocked()
        assert other.alive
        assert reports == [Report("crash", unobserved, Exit("crash", error))]


async def test_a_polite_stop_ends_the_reading() -> None:
    async with open_runtime() as runtime:
        ref = runtime.spawn(idle)
        assert await ref.stop(reason="done") == Exit("shutdown", None, "done")
        assert await ref.stop() == Exit("shutdown", None, "done")
        assert not ref.alive


async def test_receive_may_let_the_end_out() -> None:
    async def endless(mailbox: Mailbox[object]) -> None:
        while True:
            await mailbox.receive()

    async with open_runtime() as runtime:
        assert await runtime.spawn(endless).stop() == Exit("shutdown")


async def test_an_actor_may_end_as_if_asked() -> None:
    async def leave(mailbox: Mailbox[object]) -> None:
        raise Shutdown("enough")

    async with open_runtime() as runtime:
        assert await runtime.spawn(leave).wait() == Exit("shutdown", None, "enough")


@pytest.mark.parametrize(("shutdown", "after"), [(5.0, 5.0), (0, 0)])
async def test_after_its_shutdown_seconds_it_is_cancelled(
    shutdown: float, after: float, autojump_clock: trio.testing.MockClock
) -> None:
    cleaned: list[float] = []

    async def deaf(mailbox: Mailbox[object]) -> None:
        try:
            await trio.sleep_forever()
        finally:
            cleaned.append(trio.current_time())

    async with open_runtime() as runtime:
        ref = runtime.spawn(deaf, shutdown=shutdown)
        await wait_all_tasks_blocked()
        assert await ref.stop() == Exit("killed")
        assert cleaned == [after]


async def test_within_ends_the_whole_subtree_in_time(autojump_clock: trio.testing.MockClock) -> None:
    async def deaf(mailbox: Mailbox[object]) -> None:
        mailbox.spawn(deaf_leaf, shutdown=1000)
        await trio.sleep_forever()

    async def deaf_leaf(mailbox: Mailbox[object]) -> None:
        await trio.sleep_forever()

    async with open_runtime() as runtime:
        ref = runtime.spawn(deaf, shutdown=1000)
        await wait_all_tasks_blocked()
        assert await ref.stop(within=3) == Exit("killed")
        assert trio.current_time() == 3


def family(log: list[str], depth: int) -> Callable[[Mailbox[object]], Awaitable[None]]:
    async def run(mailbox: Mailbox[object]) -> None:
        if depth:
            mailbox.spawn(family(log, depth - 1), name=f"{depth - 1}")
        try:
            async for _ in mailbox:
                pass
        finally:
            log.append(mailbox.name)

    return run


async def test_a_stop_takes_children_first() -> None:
    log: list[str] = []
    async with open_runtime() as runtime:
        ref = runtime.spawn(family(log, 3), name="3")
        await wait_all_tasks_blocked()
        await ref.stop()
    assert log == ["0", "1", "2", "3"]


async def test_ownership_may_be_a_thousand_deep() -> None:
    log: list[str] = []
    async with open_runtime() as runtime:
        runtime.spawn(family(log, 1000), name="1000")
        await wait_all_tasks_blocked()
    assert log == [str(depth) for depth in range(1001)]


async def test_what_an_actor_owns_is_gone_before_its_end_is_known() -> None:
    log: list[str] = []

    async def crash(mailbox: Mailbox[object]) -> None:
        mailbox.spawn(family(log, 1), name="1")
        await wait_all_tasks_blocked()
        raise ValueError

    async with open_runtime() as runtime:
        exit = await runtime.spawn(crash).wait()
        log.append(exit.kind)
    assert log == ["0", "1", "crash"]


async def test_cancelling_the_runtime_from_outside_stops_children_first(autojump_clock: trio.testing.MockClock) -> None:
    log: list[str] = []
    with trio.move_on_after(10) as scope:
        async with open_runtime() as runtime:
            runtime.spawn(family(log, 3), name="3")
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["0", "1", "2", "3"]


async def test_the_error_of_the_block_comes_out_as_it_is() -> None:
    log: list[str] = []
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with open_runtime() as runtime:
            runtime.spawn(family(log, 1), name="1")
            await wait_all_tasks_blocked()
            raise ZeroDivisionError
    assert log == ["0", "1"]


async def test_an_interrupt_in_an_actor_ends_the_runtime_in_order() -> None:
    log: list[str] = []

    async def interrupted(mailbox: Mailbox[object]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        async with open_runtime() as runtime:
            runtime.spawn(family(log, 1), name="1")
            await wait_all_tasks_blocked()
            runtime.spawn(interrupted)
            await trio.sleep_forever()
    assert log == ["0", "1"]


async def test_down_comes_once_also_after_the_end() -> None:
    seen: list[Down] = []

    async def watcher(mailbox: Mailbox[Down]) -> None:
        mailbox.watch(target)
        mailbox.watch(target)
        mailbox.watch(ended)
        async for message in mailbox:
            seen.append(message)

    async with open_runtime() as runtime:
        target, ended = runtime.spawn(idle), runtime.spawn(idle)
        await ended.stop()
        runtime.spawn(watcher)
        await wait_all_tasks_blocked()
        await target.stop()
        await wait_all_tasks_blocked()
        assert seen == [Down(ended, Exit("shutdown")), Down(target, Exit("shutdown"))]


async def test_a_down_that_was_unwatched_is_not_read_even_if_it_is_here_already() -> None:
    async def watcher(mailbox: Mailbox[Down]) -> None:
        mailbox.watch(target)
        await target.stop()
        mailbox.unwatch(target)
        with pytest.raises(trio.WouldBlock):
            mailbox.receive_nowait()

    async with open_runtime() as runtime:
        target = runtime.spawn(idle)
        assert await runtime.spawn(watcher).wait() == Exit("normal")


async def test_a_spawned_child_may_be_watched_and_a_watch_may_carry_a_message() -> None:
    async def parent(mailbox: Mailbox[str | Down]) -> None:
        child: Ref[object] = mailbox.spawn(idle, watch=True)
        other: Ref[object] = mailbox.spawn(idle)
        mailbox.watch(other, "other ended")
        await other.stop()
        await child.stop()
        assert [await mailbox.receive(), await mailbox.receive()] == ["other ended", Down(child, Exit("shutdown"))]

    async with open_runtime() as runtime:
        assert await runtime.spawn(parent).wait() == Exit("normal")


async def test_nothing_is_spawned_below_an_owner_that_stops() -> None:
    refused: list[bool] = []

    async def run(mailbox: Mailbox[object]) -> None:
        async for _ in mailbox:
            pass
        refused.append(True)
        mailbox.spawn(idle)

    runtimes: list[Runtime] = []
    async with open_runtime() as runtime:
        runtimes.append(runtime)
        ref = runtime.spawn(run)
        await wait_all_tasks_blocked()
        assert await ref.stop() == Exit("shutdown")
    assert refused == [True]
    with pytest.raises(ActorGone):
        runtimes[0].spawn(idle)


async def test_an_actor_that_was_handed_over_ends_with_its_new_owner() -> None:
    async with open_runtime() as runtime:
        first, second = runtime.spawn(idle, name="first"), runtime.spawn(idle, name="second")
        owned: list[Ref[object]] = []

        async def own(mailbox: Mailbox[object]) -> None:
            owned.append(mailbox.spawn(idle, name="child"))
            await idle(mailbox)

        parent = runtime.spawn(own, name="parent")
        await wait_all_tasks_blocked()
        (child,) = owned
        assert runtime.hand_over(parent, first)
        assert runtime.hand_over(child, second)
        assert (parent.path.split("/")[1:], child.path.split("/")[1:]) == (["first", "parent"], ["second", "child"])
        await first.stop()
        assert (parent.alive, child.alive) == (False, True)
        assert not runtime.hand_over(parent, second)
        assert not runtime.hand_over(child, first)
        await second.stop()
        assert not child.alive


async def test_an_actor_cannot_wait_for_its_own_end() -> None:
    async def run(mailbox: Mailbox[object]) -> None:
        with pytest.raises(StopsItself):
            await mailbox.ref.stop()
        mailbox.ref.stop_nowait(reason="enough")
        async for _ in mailbox:
            pass

    async with open_runtime() as runtime:
        assert await runtime.spawn(run).wait() == Exit("shutdown", None, "enough")


async def test_linked_actors_end_together_unless_the_end_was_normal() -> None:
    async def linked(mailbox: Mailbox[object]) -> None:
        mailbox.link(other)
        await idle(mailbox)

    async with open_runtime(report=ignore) as runtime:
        other = runtime.spawn(idle, name="other")
        ref = runtime.spawn(linked)
        await wait_all_tasks_blocked()
        await other.stop(within=0)
        exit = await ref.wait()
        assert (exit.kind, type(exit.error)) == ("crash", LinkBroken)


async def test_an_actor_that_does_not_end_is_reported(autojump_clock: trio.testing.MockClock) -> None:
    reports: list[Report] = []

    async def stuck(mailbox: Mailbox[object]) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(60)

    async with open_runtime(report=reports.append) as runtime:
        ref = runtime.spawn(stuck, shutdown=1)
        await wait_all_tasks_blocked()
    assert reports == [Report("stuck", ref)]


async def test_a_hook_that_raises_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(report: Report) -> None:
        raise RuntimeError("hook")

    async def crash(mailbox: Mailbox[object]) -> None:
        raise ValueError

    async with open_runtime(report=broken) as runtime:
        runtime.spawn(crash)
        await wait_all_tasks_blocked()
    assert "a hook of the runtime raised" in caplog.text


async def test_the_statistics_count_what_lives_and_what_has_ended() -> None:
    async with open_runtime(name="r") as runtime:
        ref = runtime.spawn(idle, name="a")
        runtime.spawn(idle, name="b")
        await ref.stop()
        statistics = runtime.statistics()
        assert (statistics.spawned, statistics.alive, statistics.ended, statistics.crashed) == (2, 1, 1, 0)
        assert [info.path for info in runtime.actors()] == ["r/b"]
