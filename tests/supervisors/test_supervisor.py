"""What a supervisor promises, through its public door and in virtual time."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import ActorGone, ActorRestarted, AskCycle, Down, Exit, Mailbox, Ref, Reply, open_runtime
from supervisors import (
    AlreadyPresent,
    AlreadyStarted,
    Backoff,
    ChildCounts,
    ChildNotFound,
    ChildRestarting,
    ChildRunning,
    ChildSpec,
    Event,
    Ignore,
    StartFailed,
    SupervisorSpec,
    start_supervisor,
)

Clock = trio.testing.MockClock
Run = Callable[[Mailbox[Any]], Awaitable[None]]


class Boom(Exception):
    pass


@attrs.frozen
class Question:
    reply: Reply[int]


async def crash_on_cue(mailbox: Mailbox[Any]) -> None:
    async for message in mailbox:
        raise Boom(message)


def logged(log: list[str]) -> Run:
    async def run(mailbox: Mailbox[Any]) -> None:
        log.append(f"+{mailbox.name}")
        try:
            await crash_on_cue(mailbox)
        finally:
            log.append(f"-{mailbox.name}")

    return run


def specs(log: list[str], ids: str, **fields: Any) -> list[ChildSpec]:
    return [ChildSpec(id=id, start=logged(log), **fields) for id in ids]


async def test_a_supervisor_without_children_stops_as_asked() -> None:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec())
        assert await supervisor.count_children() == ChildCounts(0, 0, 0, 0)
        assert await supervisor.stop() == Exit("shutdown")
        with pytest.raises(ActorGone):
            await supervisor.which_children()


async def test_children_start_in_order_and_stop_in_reverse() -> None:
    log: list[str] = []
    async with open_runtime() as runtime:
        await start_supervisor(runtime, SupervisorSpec(children=specs(log, "abc")))
        assert log == ["+a", "+b", "+c"]
    assert log == ["+a", "+b", "+c", "-c", "-b", "-a"]


async def test_the_next_child_starts_when_the_one_before_has_said_so(autojump_clock: Clock) -> None:
    log: list[str] = []

    async def slow(mailbox: Mailbox[Any]) -> None:
        await trio.sleep(3)
        log.append("ready")
        mailbox.started()
        await trio.sleep_forever()

    async with open_runtime() as runtime:
        children = [ChildSpec(id="slow", start=slow, shutdown=0), *specs(log, "b")]
        await start_supervisor(runtime, SupervisorSpec(children=children))
        assert (log, trio.current_time()) == (["ready", "+b"], 3)


async def test_a_failed_start_undoes_those_before_it() -> None:
    log: list[str] = []

    async def broken(mailbox: Mailbox[Any]) -> None:
        raise Boom("no")

    async with open_runtime() as runtime:
        children = [*specs(log, "ab"), ChildSpec(id="broken", start=broken), *specs(log, "c")]
        with pytest.raises(
            StartFailed, match=r"child 'broken' ended before it had started: crash \(Boom\('no'\)\)"
        ) as info:
            await start_supervisor(runtime, SupervisorSpec(children=children))
        assert isinstance(info.value.__cause__, Boom)
        assert log == ["+a", "+b", "-b", "-a"]
        assert runtime.actors() == []


async def test_a_start_that_is_never_acknowledged_fails_in_time(autojump_clock: Clock) -> None:
    async def silent(mailbox: Mailbox[Any]) -> None:
        await trio.sleep_forever()

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec())
        with pytest.raises(StartFailed, match="killed"):
            await supervisor.start_child(ChildSpec(id="silent", start=silent, start_timeout=4))
        assert trio.current_time() == 4
        assert await supervisor.which_children() == []


async def test_cancelling_the_start_of_a_supervisor_stops_what_was_started(autojump_clock: Clock) -> None:
    log: list[str] = []

    async def silent(mailbox: Mailbox[Any]) -> None:
        await trio.sleep_forever()

    async with open_runtime() as runtime:
        with trio.move_on_after(1):
            children = [*specs(log, "a"), ChildSpec(id="silent", start=silent, shutdown=0)]
            await start_supervisor(runtime, SupervisorSpec(children=children))
        await trio.sleep(1)
        assert (log, runtime.actors()) == (["+a", "-a"], [])


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("one_for_one", ["-b", "+b"]),
        ("one_for_all", ["-b", "-c", "-a", "+a", "+b", "+c"]),
        ("rest_for_one", ["-b", "-c", "+b", "+c"]),
        ("dynamic", ["-b", "+b"]),
    ],
)
async def test_a_crash_takes_those_along_that_its_strategy_names(strategy: Any, expected: list[str]) -> None:
    log: list[str] = []
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy=strategy, children=specs(log, "abc")))
        refs = {child.id: child.ref for child in await supervisor.which_children()}
        log.clear()
        await refs["b"].send("boom")
        await wait_all_tasks_blocked()
        assert log == expected
        assert {child.id: child.ref for child in await supervisor.which_children()} == refs


@pytest.mark.parametrize(
    ("restart", "how", "state"),
    [
        ("permanent", "normal", "running"),
        ("permanent", "shutdown", "running"),
        ("permanent", "crash", "running"),
        ("permanent", "killed", "running"),
        ("transient", "normal", "stopped"),
        ("transient", "shutdown", "stopped"),
        ("transient", "crash", "running"),
        ("transient", "killed", "running"),
        ("temporary", "normal", None),
        ("temporary", "shutdown", None),
        ("temporary", "crash", None),
        ("temporary", "killed", None),
    ],
)
async def test_what_becomes_of_a_child_that_ended(restart: Any, how: str, state: str | None) -> None:
    async def run(mailbox: Mailbox[Any]) -> None:
        async for message in mailbox:
            if message == "crash":
                raise Boom
            return

    async with open_runtime() as runtime:
        children = [ChildSpec(id="a", start=run, restart=restart)]
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=children))
        ref = (await supervisor.which_children())[0].ref
        match how:
            case "shutdown":
                await ref.stop()
            case "killed":
                await ref.stop(within=0)
            case _:
                await ref.send(how)
        await wait_all_tasks_blocked()
        found = await supervisor.which_children()
        assert [child.state for child in found] == ([] if state is None else [state])


async def test_more_restarts_than_allowed_end_the_supervisor_and_its_parent_restarts_it() -> None:
    log: list[str] = []
    refs: dict[str, Ref[Any]] = {}

    async def run(mailbox: Mailbox[Any]) -> None:
        refs[mailbox.name] = mailbox.ref
        await logged(log)(mailbox)

    inner = SupervisorSpec(children=[ChildSpec(id=id, start=run) for id in "ab"], max_restarts=1)
    async with open_runtime() as runtime:
        outer = await start_supervisor(
            runtime, SupervisorSpec(children=[ChildSpec(id="inner", start=inner), *specs(log, "z")])
        )
        events: list[tuple[str, str]] = []
        with outer.events.open_subscription() as subscription:
            for _ in range(2):
                await refs["a"].send("boom")
                await wait_all_tasks_blocked()
            events = [(event.kind, event.child) for event in subscription.drain()]
        assert log == ["+a", "+b", "+z", "-a", "+a", "-a", "-b", "+a", "+b"]
        assert events == [
            ("crash", "a"),
            ("restart", "a"),
            ("crash", "a"),
            ("give_up", "a"),
            ("restart", "inner"),
        ]


async def test_restarts_spread_out_go_on_for_ever(autojump_clock: Clock) -> None:
    log: list[str] = []
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(
            runtime, SupervisorSpec(children=specs(log, "a"), max_restarts=2, period=5.0)
        )
        ref = (await supervisor.which_children())[0].ref
        for _ in range(100):
            await ref.send("boom")
            await trio.sleep(2.51)
        assert log.count("+a") == 101


async def test_without_allowed_restarts_the_first_failure_ends_the_supervisor() -> None:
    async with open_runtime() as runtime:
        spec = SupervisorSpec(children=[ChildSpec(id="a", start=crash_on_cue)], max_restarts=0)
        supervisor = await start_supervisor(runtime, spec)
        await (await supervisor.which_children())[0].ref.send("boom")
        assert await supervisor.wait() == Exit("shutdown", None, "too many restarts")


async def test_messages_outlive_a_restart_and_questions_fail() -> None:
    handled: list[object] = []

    async def run(mailbox: Mailbox[Any]) -> None:
        async for message in mailbox:
            if message == "boom":
                raise Boom
            handled.append(message)

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="a", start=run)]))
        ref = (await supervisor.which_children())[0].ref
        failed: list[str] = []

        async def ask() -> None:
            try:
                await ref.ask(Question)
            except ActorRestarted:
                failed.append("restarted")

        ref.send_nowait("boom")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            ref.send_nowait("after")
        await wait_all_tasks_blocked()
        assert (handled, failed) == (["after"], ["restarted"])


async def test_a_watcher_hears_of_the_end_of_the_place_only() -> None:
    downs: list[Down] = []

    async def watch(mailbox: Mailbox[Down]) -> None:
        mailbox.watch(ref)
        async for message in mailbox:
            downs.append(message)

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="a", start=crash_on_cue)]))
        ref = (await supervisor.which_children())[0].ref
        runtime.spawn(watch)
        await ref.send("boom")
        await wait_all_tasks_blocked()
        assert downs == []
        await supervisor.terminate_child("a")
        await supervisor.delete_child("a")
        await wait_all_tasks_blocked()
        assert downs == [Down(ref, Exit("shutdown"))]


async def test_adding_and_removing_children_at_run_time() -> None:
    log: list[str] = []
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec())
        (spec,) = specs(log, "a")
        ref = await supervisor.start_child(spec)
        with pytest.raises(AlreadyStarted) as started:
            await supervisor.start_child(spec)
        assert started.value.ref == ref
        with pytest.raises(ChildRunning):
            await supervisor.restart_child("a")
        with pytest.raises(ChildRunning):
            await supervisor.delete_child("a")
        await supervisor.terminate_child(ref)
        await supervisor.terminate_child("a")
        with pytest.raises(AlreadyPresent):
            await supervisor.start_child(spec)
        assert await supervisor.get_spec("a") == spec
        assert await supervisor.restart_child("a") == ref
        await supervisor.terminate_child("a")
        await supervisor.delete_child("a")
        for call in (
            supervisor.terminate_child,
            supervisor.restart_child,
            supervisor.delete_child,
            supervisor.get_spec,
        ):
            with pytest.raises(ChildNotFound):
                await call("a")
        assert log == ["+a", "-a", "+a", "-a"]


async def test_a_child_by_the_ref_of_a_stranger_is_not_found_and_the_stranger_lives() -> None:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        stranger = runtime.spawn(crash_on_cue)
        with pytest.raises(ChildNotFound):
            await supervisor.terminate_child(stranger)
        assert stranger.alive


async def test_dynamic_children_are_stopped_all_at_once(autojump_clock: Clock) -> None:
    async def deaf(mailbox: Mailbox[Any]) -> None:
        mailbox.started()
        await trio.sleep_forever()

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        await supervisor.start_children([ChildSpec(id=f"{n}", start=deaf, shutdown=3) for n in range(20)])
        await supervisor.stop()
        assert trio.current_time() == 3


async def test_infinity_waits_and_a_forced_stop_is_reported(autojump_clock: Clock) -> None:
    async def slow(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            pass
        await trio.sleep(1000)

    async with open_runtime() as runtime:
        children = [
            ChildSpec(id="patient", start=slow, shutdown=math.inf),
            ChildSpec(id="forced", start=slow, shutdown=2),
        ]
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=children))
        with supervisor.events.open_subscription() as events:
            await supervisor.terminate_child("forced")
            assert events.drain() == [Event("killed", "runtime/supervisor", "forced", Exit("killed"), 0, 2.0)]
            with trio.move_on_after(1000):
                await supervisor.stop()
            assert trio.current_time() == 1002


async def test_a_failing_restart_is_tried_again_while_the_supervisor_answers() -> None:
    attempts: list[int] = []

    async def flaky(mailbox: Mailbox[Any]) -> None:
        attempts.append(1)
        if len(attempts) > 1:
            raise Boom
        await crash_on_cue(mailbox)

    async with open_runtime() as runtime:
        spec = SupervisorSpec(children=[ChildSpec(id="a", start=flaky)], max_restarts=1_000_000_000)
        supervisor = await start_supervisor(runtime, spec)
        await (await supervisor.which_children())[0].ref.send("boom")
        while (await supervisor.which_children())[0].state == "running":
            pass
        with pytest.raises(ChildRestarting):
            await supervisor.restart_child("a")
        await supervisor.terminate_child("a")
        made = len(attempts)
        await wait_all_tasks_blocked()
        assert len(attempts) == made
        assert await supervisor.stop() == Exit("shutdown")


async def test_back_off_waits_longer_each_time_and_forgets_after_a_quiet_while(autojump_clock: Clock) -> None:
    starts: list[float] = []

    async def run(mailbox: Mailbox[Any]) -> None:
        starts.append(trio.current_time())
        await crash_on_cue(mailbox)

    backoff = Backoff(first=1, limit=4, jitter=0, reset=100)
    async with open_runtime() as runtime:
        children = [ChildSpec(id="a", start=run, backoff=backoff)]
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=children, max_restarts=100))
        ref = (await supervisor.which_children())[0].ref
        for _ in range(4):
            ref.send_nowait("boom")
        await trio.sleep(50)
        assert starts == [0, 1, 3, 7, 11]
        await trio.sleep(100)
        ref.send_nowait("boom")
        await trio.sleep(2)
        assert starts[-1] == 151


async def test_significant_children_end_their_supervisor() -> None:
    async with open_runtime() as runtime:
        children = [
            ChildSpec(id=id, start=crash_on_cue, restart="transient", significant=id != "c") for id in ("a", "b", "c")
        ]
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=children, auto_shutdown="all_significant"))
        refs = [child.ref for child in await supervisor.which_children()]
        for ref in (refs[2], refs[0]):
            await ref.stop()
            await wait_all_tasks_blocked()
            assert supervisor.ref.alive
        await refs[1].stop()
        assert await supervisor.wait() == Exit("shutdown", None, "auto_shutdown")


async def test_a_child_that_is_not_needed_keeps_its_spec_unless_it_is_temporary() -> None:
    async def unneeded(mailbox: Mailbox[Any]) -> None:
        raise Ignore

    async with open_runtime() as runtime:
        children = [
            ChildSpec(id="kept", start=unneeded, restart="transient"),
            ChildSpec(id="gone", start=unneeded, restart="temporary"),
        ]
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=children))
        assert await supervisor.count_children() == ChildCounts(specs=1, active=0, supervisors=0, workers=1)
        await supervisor.start_child(ChildSpec(id="later", start=unneeded, restart="temporary"))
        assert [child.id for child in await supervisor.which_children()] == ["kept"]


async def test_a_short_child_has_started_and_ended() -> None:
    async def brief(mailbox: Mailbox[Any]) -> None:
        pass

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        ref = await supervisor.start_child(ChildSpec(id="brief", start=brief, restart="temporary"))
        assert await ref.wait() == Exit("normal")
        assert await supervisor.which_children() == []


async def test_a_child_that_asks_its_supervisor_while_starting_is_refused() -> None:
    async def eager(mailbox: Mailbox[Any]) -> None:
        with pytest.raises(AskCycle):
            await supervisor.which_children()
        await crash_on_cue(mailbox)

    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec())
        await supervisor.start_child(ChildSpec(id="eager", start=eager))


async def test_killing_a_supervisor_ends_its_children_and_its_parent_starts_them_anew() -> None:
    log: list[str] = []
    inner = SupervisorSpec(children=specs(log, "ab"))
    async with open_runtime() as runtime:
        outer = await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="inner", start=inner)]))
        (child,) = await outer.which_children()
        await child.ref.stop(within=0)
        await wait_all_tasks_blocked()
        assert sorted(log[2:4]) == ["-a", "-b"]
        assert log[4:] == ["+a", "+b"]
        assert [info.path.rpartition("/")[2] for info in runtime.actors()] == ["supervisor", "inner", "a", "b"]
