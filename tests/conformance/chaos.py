"""A random tree of supervised actors, random trouble, and an audit: no lost message, no double exit, nothing left.

    python -m tests.conformance.chaos [--seed N] [--steps 100000] [--actors 3000] [--plant leak|lose|double]

In virtual time. Prints its seed first; the exit status is 1 when the audit found something. `--plant` makes one such
fault, to show that the audit finds it.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import random
import sys
import weakref
from collections import Counter
from typing import Any

import attrs
import trio
import trio.testing

from actors import ActorsError, DeadLetter, Down, Mailbox, Ref, Reply, Report, Runtime, open_runtime
from actors.testing import run_virtual
from supervisors import ChildSpec, Supervisor, SupervisorError, SupervisorSpec, start_supervisor

STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one", "dynamic")
RESTARTS = ("permanent", "transient", "temporary")
PLANTED: list[object] = []


@attrs.frozen
class Work:
    """A message to be accounted for."""

    number: int
    trouble: str = ""


@attrs.frozen
class Ping:
    """A question; some are never answered."""

    answer: bool
    reply: Reply[int]


class Trouble(Exception):
    """A crash on purpose."""


class Chaos:
    """The world and its books."""

    def __init__(self, seed: int, steps: int, actors: int, plant: str | None) -> None:
        self.random = random.Random(seed)
        self.steps, self.actors, self.plant = steps, actors, plant
        self.refs: list[Ref[Any]] = []
        self.supervisors: list[Supervisor] = []
        self.sent: Counter[int] = Counter()
        self.handled: Counter[int] = Counter()
        self.dead: Counter[int] = Counter()
        self.exits: Counter[Ref[Any]] = Counter()
        self.watched: set[Ref[Any]] = set()
        self.asks: Counter[str] = Counter()
        self.weak: list[weakref.ref[Any]] = []
        self.number = 0
        self.faults: list[str] = []

    # -- the actors ----------------------------------------------------------------------------------

    async def worker(self, mailbox: Mailbox[Any]) -> None:
        self.weak += [weakref.ref(mailbox), weakref.ref(trio.lowlevel.current_task())]
        self.refs.append(mailbox.ref)
        if self.plant == "leak" and not PLANTED:
            PLANTED.append(mailbox)
        self.auditor.send_nowait(mailbox.ref)
        if self.random.random() < 0.02:
            raise Trouble("at the start")
        async for message in mailbox:
            match message:
                case Ping(answer=answer, reply=reply):
                    if answer:  # else the deadline of the asker, or our end, answers
                        reply.set(1)
                case Work(number=number, trouble=trouble):
                    self.handled[number] += 1
                    await self.suffer(trouble, mailbox)
                case _:
                    pass

    async def suffer(self, trouble: str, mailbox: Mailbox[Any]) -> None:
        match trouble:
            case "crash":
                raise Trouble
            case "sleep":
                await trio.sleep(self.random.random())
            case "deaf":
                await trio.sleep_forever()
            case "spawn" if not mailbox.stopping:
                mailbox.spawn(self.worker, name="spawned", capacity=4)
            case "lose" if self.plant == "lose":
                self.plant = None
                mailbox.ref.send_nowait(self.work())
                mailbox.drain()
            case "end":
                mailbox.ref.stop_nowait()
            case _:
                pass

    async def audit(self, mailbox: Mailbox[Any]) -> None:
        async for message in mailbox:
            match message:
                case Down(ref=ref):
                    self.exits[ref] += 1
                    if self.plant == "double":
                        self.plant = None
                        mailbox.watch(ref)
                case Ref() if message not in self.watched:
                    self.watched.add(message)
                    mailbox.watch(message)
                case _:
                    pass
        # Those that ended last are told of before the end of reading.

    # -- the trouble ---------------------------------------------------------------------------------

    def work(self, trouble: str = "") -> Work:
        self.number += 1
        self.sent[self.number] += 1
        return Work(self.number, trouble)

    def spec(self, depth: int) -> ChildSpec:
        self.number += 1
        choose = self.random.choice
        restart: Any = choose(RESTARTS)
        if depth and self.random.random() < 0.3:
            return ChildSpec(id=f"{self.number}", start=self.tree(depth - 1), restart=restart)
        return ChildSpec(
            id=f"{self.number}",
            start=self.worker,
            restart=restart,
            shutdown=choose((0, 0.5, 5.0)),
            capacity=choose((1, 4, 64)),
        )

    def tree(self, depth: int) -> SupervisorSpec:
        children = [self.spec(depth) for _ in range(self.random.randint(0, 5))]
        strategy: Any = self.random.choice(STRATEGIES)
        return SupervisorSpec(strategy, children, max_restarts=self.random.choice((0, 1, 10, 1000)), period=5.0)

    async def step(self, nursery: trio.Nursery, runtime: Runtime) -> None:
        choose = self.random.choice
        dice = self.random.random()
        if dice < 0.55 and self.refs:
            trouble = choose(("", "", "", "", "", "sleep", "crash", "deaf", "spawn", "end", "lose"))
            message = self.work(trouble)
            try:
                choose(self.refs).send_nowait(message)
            except ActorsError:
                del self.sent[message.number]
        elif dice < 0.65 and self.refs:
            nursery.start_soon(self.ask, choose(self.refs))
        elif dice < 0.70 and self.refs:
            nursery.start_soon(self.send_or_not, choose(self.refs))
        elif dice < 0.75 and self.refs:
            choose(self.refs).stop_nowait()
        elif dice < 0.77 and self.refs:
            nursery.start_soon(self.kill, choose(self.refs))
        elif dice < 0.90:
            nursery.start_soon(self.change, choose(self.supervisors))
        else:
            await trio.sleep(self.random.random() / 10)
        if len(self.refs) > 4 * self.actors:
            self.refs = [ref for ref in self.refs if ref.alive]
        if runtime.statistics().alive < self.actors:
            nursery.start_soon(self.grow, choose(self.supervisors))

    async def ask(self, ref: Ref[Any]) -> None:
        with trio.move_on_after(self.random.choice((0.0, 0.1, 30.0))) as scope:
            try:
                await ref.ask(lambda reply: Ping(self.random.random() < 0.9, reply))
                self.asks["answered"] += 1
            except ActorsError as error:
                self.asks[type(error).__name__] += 1
        if scope.cancelled_caught:
            self.asks["given up"] += 1

    async def send_or_not(self, ref: Ref[Any]) -> None:
        message = self.work()
        with trio.move_on_after(self.random.random() * 2) as scope:
            try:
                await ref.send(message)
            except ActorsError:
                del self.sent[message.number]
        if scope.cancelled_caught:
            del self.sent[message.number]

    async def kill(self, ref: Ref[Any]) -> None:
        await ref.stop(within=0)

    async def change(self, supervisor: Supervisor) -> None:
        try:
            children = await supervisor.which_children()
            if children:
                id = self.random.choice(children).id
                doing = self.random.choice(
                    (supervisor.terminate_child, supervisor.restart_child, supervisor.delete_child)
                )
                await doing(id)
        except (ActorsError, SupervisorError):
            pass

    async def grow(self, supervisor: Supervisor) -> None:
        with contextlib.suppress(ActorsError, SupervisorError):
            await supervisor.start_child(self.spec(2))

    # -- the audit -----------------------------------------------------------------------------------

    async def run(self) -> None:
        def dead(letter: DeadLetter) -> None:
            if isinstance(letter.message, Work):
                self.dead[letter.message.number] += 1

        async with open_runtime(report=quiet) as outer:
            self.auditor: Ref[Any] = outer.spawn(self.audit, capacity=10**9)
            async with open_runtime(name="chaos", report=quiet, ask_timeout=20.0) as runtime:
                runtime.on_dead_letter(dead)
                root = SupervisorSpec(strategy="dynamic", max_restarts=10**9)
                self.supervisors = [await start_supervisor(runtime, root, name=f"{n}") for n in range(20)]
                async with trio.open_nursery() as nursery:
                    for _ in range(self.steps):
                        await self.step(nursery, runtime)
                        if self.random.random() < 0.05:
                            await trio.lowlevel.checkpoint()
                self.supervisors.clear()
            left = runtime.statistics().alive
            if left:
                self.faults.append(f"{left} actors left alive")
            await trio.testing.wait_all_tasks_blocked()
        self.check()
        del self.auditor

    def check(self) -> None:
        accounted = self.handled + self.dead
        if accounted != self.sent:
            lost, doubled = self.sent - accounted, accounted - self.sent
            self.faults.append(f"lost {len(lost)} messages, doubled {len(doubled)}")
        wrong = [ref for ref in self.watched if self.exits[ref] != 1]
        if wrong:
            self.faults.append(
                f"{len(wrong)} places with an exit told not once: {Counter(self.exits[r] for r in wrong)}"
            )

    def check_left(self) -> None:
        """After everything was let go."""
        self.refs.clear()
        self.watched.clear()
        self.exits.clear()
        gc.collect()
        left = sum(weak() is not None for weak in self.weak)
        if left:
            self.faults.append(f"{left} tasks or mailboxes still reachable")


def quiet(report: Report) -> None:
    """Crashes are what this is about."""


def play(seed: int, steps: int, actors: int, plant: str | None = None) -> list[str]:
    """The faults found."""
    chaos = Chaos(seed, steps, actors, plant)
    PLANTED.clear()
    run_virtual(chaos.run, seed=seed)
    chaos.check_left()
    PLANTED.clear()
    print(
        f"{len(chaos.sent)} messages, {sum(chaos.dead.values())} dead letters, {len(chaos.weak) // 2} incarnations,"
        f" asks {dict(chaos.asks)}"
    )
    return chaos.faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--actors", type=int, default=3_000)
    parser.add_argument("--plant", choices=["leak", "lose", "double"])
    options = parser.parse_args()
    logging.disable()
    print(f"seed {options.seed}", flush=True)
    faults = play(options.seed, options.steps, options.actors, options.plant)
    print("\n".join(faults) or "no faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
