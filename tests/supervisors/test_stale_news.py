"""What happens while the supervisor is busy with something else."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Mailbox, Ref, open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor
from supervisors.testing import CuedChild


async def test_the_end_of_an_incarnation_that_was_replaced_is_not_taken_for_the_end_of_the_next() -> None:
    """`second` returns while its group is being stopped, and its next incarnation crashes before that is read."""
    gate, lives = trio.Event(), list[Mailbox[Any]]()

    async def second(mailbox: Mailbox[Any]) -> None:
        lives.append(mailbox)
        life = len(lives)
        if life == 2:
            mailbox.started()
            raise ValueError("the second one")
        await mailbox.receive()

    async def slow(mailbox: Mailbox[Any]) -> None:
        async for _ in mailbox:
            pass
        await gate.wait()

    first = CuedChild("first")
    spec = SupervisorSpec(
        "one_for_all",
        [first.spec(), ChildSpec(id="second", start=second, restart="transient"), ChildSpec(id="slow", start=slow)],
        max_restarts=5,
    )
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, spec)
        ref: Ref[Any] = (await supervisor.which_children())[1].ref
        with supervisor.events.open_subscription() as events:
            await first.crash()
            await wait_all_tasks_blocked()  # the supervisor waits for `slow`
            await ref.send("return")
            await wait_all_tasks_blocked()
            gate.set()
            await wait_all_tasks_blocked()
            crashes = [
                (event.child, str(event.exit and event.exit.error)) for event in events.drain() if event.kind == "crash"
            ]
        assert crashes == [("first", "first"), ("second", "the second one")]
        assert [child.state for child in await supervisor.which_children()] == ["running"] * 3
        assert len(lives) == 3


async def test_an_interrupt_stops_everything_at_once_and_nobody_restarts_it() -> None:
    """Also while the block of the runtime is busy and cannot be cancelled."""
    log: list[str] = []
    other = CuedChild("other", log=log)

    async def interrupted(mailbox: Mailbox[Any]) -> None:
        log.append("start")
        async for _ in mailbox:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        async with open_runtime() as runtime:
            spec = SupervisorSpec(children=[other.spec(), ChildSpec(id="a", start=interrupted)], max_restarts=5)
            supervisor = await start_supervisor(runtime, spec)
            ref: Ref[Any] = (await supervisor.which_children())[1].ref
            with trio.CancelScope(shield=True):
                await ref.send("now")
                await wait_all_tasks_blocked()
                assert runtime.statistics().alive == 0
    assert log == ["start other", "start", "shutdown other"]
