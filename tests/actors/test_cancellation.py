"""Cancelled at every checkpoint, one after another: nothing is lost, doubled or left behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import attrs
import pytest
import trio

from actors import DeadLetter, Mailbox, Ref, Reply, Topic, open_runtime
from actors.testing import run_virtual
from supervisors import ChildSpec, Supervisor, SupervisorSpec, start_supervisor


@attrs.frozen
class Work:
    number: int


@attrs.frozen
class Get:
    reply: Reply[int]


@attrs.define
class World:
    """What a victim works with, and what came of its work."""

    ref: Ref[Any]
    supervisor: Supervisor
    inbox: Mailbox[Work]
    sent: list[int]
    read: list[int]

    def spec(self, id: str) -> ChildSpec:
        return attrs.evolve(SPEC, id=id)


Victim: TypeAlias = Callable[[World], Awaitable[None]]


async def idle(mailbox: Mailbox[Any]) -> None:
    async for _ in mailbox:
        pass


SPEC = ChildSpec(id="child", start=idle)


async def send(world: World) -> None:
    for number in range(6):
        await world.ref.send(Work(number))
        world.sent.append(number)


async def ask(world: World) -> None:
    for _ in range(3):
        await world.ref.ask(Get)


async def receive(world: World) -> None:
    while len(world.read) < 3:
        world.read.append((await world.inbox.receive()).number)


async def stash(world: World) -> None:
    while len(world.read) < 3:
        message = await world.inbox.receive()
        world.inbox.stash(message)
        world.inbox.unstash()
        world.read.append((await world.inbox.receive()).number)


async def topic(world: World) -> None:
    topic = Topic[Work]()
    topic.subscribe(world.inbox.ref)
    topic.publish(Work(7))
    await receive(world)


async def start_child(world: World) -> None:
    await world.supervisor.start_child(world.spec("new"))


async def restart(world: World) -> None:
    await world.supervisor.terminate_child("child")
    await world.supervisor.restart_child("child")


async def stop(world: World) -> None:
    await world.supervisor.stop()


class Cancel(trio.abc.Instrument):
    """Counts the steps of the victim's task: between two of them it stands at a checkpoint."""

    def __init__(self, scope: trio.CancelScope, at: int) -> None:
        self.scope, self.at, self.steps = scope, at, 0

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task.name == "victim":
            self.steps += 1
            if self.steps == self.at:
                self.scope.cancel()


async def check(victim: Victim, world: World) -> None:
    """What was fed was read or is still there, and the supervisor answers and ends."""
    fed = [0, 1, 2, 3] if victim in (receive, stash) else [0, 1, 2, 3, 7] if victim is topic else None
    if fed is not None:
        assert sorted(world.read + [work.number for work in world.inbox.drain()]) == fed
    if victim is not stop:
        states = {child.id: child.state for child in await world.supervisor.which_children()}
        assert set(states) <= {"child", "new"}
        assert "restarting" not in states.values()
        await world.supervisor.stop()
    assert (await world.supervisor.wait()).kind == "shutdown"


def play(victim: Victim, at: int) -> bool:
    """Cancel the victim at its checkpoint number `at`; whether it had come that far."""
    handled: list[int] = []
    dead: list[int] = []

    async def slow(mailbox: Mailbox[Any]) -> None:
        async for message in mailbox:
            await trio.sleep(0.5)
            match message:
                case Get(reply=reply):
                    reply.set(1)
                case Work(number=number):
                    handled.append(number)
                case _:
                    pass

    def lost(letter: DeadLetter) -> None:
        if isinstance(letter.message, Work):
            dead.append(letter.message.number)

    scope = trio.CancelScope()
    cancel = Cancel(scope, at)

    async def main() -> None:
        async with open_runtime() as runtime:
            runtime.on_dead_letter(lost)
            supervisor = await start_supervisor(runtime, SupervisorSpec(children=[SPEC]))
            ref: Ref[Any] = runtime.spawn(slow, capacity=1)
            world = World(ref, supervisor, Mailbox[Work]("inbox", capacity=8), [], [])

            async def feed() -> None:
                for number in range(4):
                    await trio.sleep(0.1)
                    await world.inbox.ref.send(Work(number))

            async def run() -> None:
                with scope:
                    await victim(world)

            trio.lowlevel.add_instrument(cancel)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(feed)
                nursery.start_soon(run, name="victim")
            await trio.sleep(60)
            assert sorted(handled + dead) == world.sent
            assert runtime.statistics().open_asks == 0
            await check(victim, world)

    run_virtual(main)
    return cancel.steps >= at


@pytest.mark.parametrize("victim", [send, ask, receive, stash, topic, start_child, restart, stop])
def test_cancelling_at_any_checkpoint_loses_nothing(victim: Victim) -> None:
    at = 1
    while play(victim, at):
        at += 1
    assert at > 1
