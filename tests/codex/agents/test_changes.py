"""Who waits for an agent is woken by that agent only, and leaves nothing behind."""

import trio

from codex.agents.changes import Changes


async def woken_by(changes: Changes, wanted: tuple[str, ...], woken: list[tuple[str, ...]]) -> None:
    await changes.wait(wanted)
    woken.append(wanted)


async def test_a_change_wakes_those_that_wait_for_this_agent(autojump_clock: trio.testing.MockClock) -> None:
    changes, woken = Changes(), list[tuple[str, ...]]()
    async with trio.open_nursery() as nursery:
        for wanted in (("a",), ("a", "b"), ("b",), ("c",)):
            nursery.start_soon(woken_by, changes, wanted, woken)
        await trio.testing.wait_all_tasks_blocked()
        changes.tell("a")
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(woken) == [("a",), ("a", "b")]
        changes.tell("b")
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(woken) == [("a",), ("a", "b"), ("b",)]
        nursery.cancel_scope.cancel()
    assert vars(changes) == vars(Changes())
