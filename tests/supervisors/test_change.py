"""Other rules for a supervisor that runs: nobody is stopped for it, and they hold from then on."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import Mailbox, MailboxFull, Ref, open_runtime
from supervisors import BadSpec, ChildSpec, Supervisor, SupervisorSpec, start_supervisor
from supervisors.testing import CuedChild


async def states(supervisor: Supervisor) -> dict[str, str]:
    return {child.id: child.state for child in await supervisor.which_children()}


async def test_what_runs_goes_on_what_is_new_is_stopped_what_is_not_named_stays() -> None:
    log: list[str] = []
    a, b, c = (CuedChild(id, log=log) for id in "abc")
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[a.spec(), b.spec()]))
        await supervisor.change_spec(SupervisorSpec(children=[c.spec(), b.spec()]))
        assert log == ["start a", "start b"]
        assert await states(supervisor) == {"c": "stopped", "b": "running", "a": "running"}
        await supervisor.restart_child("c")
        await supervisor.stop()
    assert log == ["start a", "start b", "start c", "shutdown a", "shutdown b", "shutdown c"]


async def test_the_new_strategy_and_the_new_order_hold_at_the_next_crash() -> None:
    log: list[str] = []
    a, b = CuedChild("a", log=log), CuedChild("b", log=log)
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[a.spec(), b.spec()]))
        await supervisor.change_spec(SupervisorSpec("rest_for_one", [b.spec(), a.spec()]))
        await b.crash()
        await wait_all_tasks_blocked()
        assert log[2:] == ["crash b", "shutdown a", "start b", "start a"]


async def test_restarts_that_were_counted_count_for_the_new_rules() -> None:
    child = CuedChild("a")
    spec = SupervisorSpec(children=[child.spec()], max_restarts=1)
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, spec)
        await child.crash()
        await wait_all_tasks_blocked()
        await supervisor.change_spec(attrs.evolve(spec, max_restarts=2))
        await child.crash()
        await wait_all_tasks_blocked()
        assert await states(supervisor) == {"a": "running"}
        await supervisor.change_spec(attrs.evolve(spec, max_restarts=2, period=1000.0))
        await child.crash()
        assert (await supervisor.wait()).reason == "too many restarts"


async def test_a_shorter_period_forgets_what_is_older(autojump_clock: trio.testing.MockClock) -> None:
    child = CuedChild("a")
    spec = SupervisorSpec(children=[child.spec()], max_restarts=1, period=1000.0)
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, spec)
        await child.crash()
        await trio.sleep(10)
        await supervisor.change_spec(attrs.evolve(spec, period=5.0))
        await child.crash()
        await wait_all_tasks_blocked()
        assert await states(supervisor) == {"a": "running"}


async def test_a_child_is_restarted_stopped_and_ended_by_its_new_spec() -> None:
    a = CuedChild("a", stubborn=True)
    old = SupervisorSpec(children=[a.spec(shutdown=1000)], auto_shutdown="never")
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, old)
        new = a.spec(shutdown=0, restart="transient", significant=True)
        await supervisor.change_spec(SupervisorSpec(children=[new], auto_shutdown="any_significant"))
        assert await supervisor.get_spec("a") == new
        await supervisor.terminate_child("a")  # at once, not after 1,000 real seconds
        await supervisor.restart_child("a")
        await a.end()
        assert (await supervisor.wait()).reason == "auto_shutdown"
    assert a.log == ["start", "killed", "start", "normal"]


async def test_a_new_start_holds_from_the_next_start_on_and_a_new_mailbox_at_once() -> None:
    gate, read = trio.Event(), list[str]()

    async def first(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            await gate.wait()
            raise ValueError

    async def second(mailbox: Mailbox[Any]) -> None:
        async for message in mailbox:
            read.append(message)

    child = ChildSpec(id="a", start=first, capacity=1)
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[child]))
        ref: Ref[Any] = (await supervisor.which_children())[0].ref
        await ref.send("crash")
        await wait_all_tasks_blocked()
        ref.send_nowait("oldest")
        with pytest.raises(MailboxFull):
            ref.send_nowait("no room")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ref.send, "waits for room")
            await wait_all_tasks_blocked()
            new = attrs.evolve(child, start=second, capacity=3, overflow="drop_oldest")
            await supervisor.change_spec(SupervisorSpec(children=[new]))
        for word in ("one", "two"):
            ref.send_nowait(word)
        gate.set()
        await wait_all_tasks_blocked()
    assert read == ["waits for room", "one", "two"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("one_for_one", {"max_restarts": -1}, "max_restarts"),
        ("one_for_one", {"strategy": "dynamic"}, "strategy"),
        ("dynamic", {"strategy": "one_for_all"}, "strategy"),
        ("dynamic", {"strategy": "dynamic", "children": [CuedChild("b").spec()]}, "children"),
        ("one_for_one", {"children": [CuedChild("a").spec(significant=True)]}, "significant"),
    ],
)
async def test_a_change_that_cannot_work_changes_nothing(old: Any, new: dict[str, Any], field: str) -> None:
    child = CuedChild("a")
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(old, [child.spec()], max_restarts=3))
        with pytest.raises(BadSpec) as refused:
            await supervisor.change_spec(SupervisorSpec(**new))
        assert (refused.value.field, await states(supervisor)) == (field, {"a": "running"})
        for _ in range(3):
            await child.crash()
            await wait_all_tasks_blocked()
        assert await states(supervisor) == {"a": "running"}


async def test_a_dynamic_supervisor_takes_other_limits_and_specs_of_its_children() -> None:
    child = CuedChild("a")
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec("dynamic", [child.spec()], max_restarts=0))
        await supervisor.change_spec(SupervisorSpec("dynamic", [child.spec(restart="temporary")], max_restarts=5))
        await child.crash()
        await wait_all_tasks_blocked()
        assert await states(supervisor) == {}
