"""Ctrl-C at every line of the machinery: the end is always clean.

    python -m tests.conformance.interrupts [--every N] [--twice]

A small service of supervised actors is run once for each line that it executes in `actors` and `supervisors`, with a
SIGINT just before that line, and in virtual time. `--every 10` takes a tenth of the lines; `--twice` sends another
SIGINT ten lines later. Prints what was wrong; the exit status is 1 when something was.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import trio

import actors
import supervisors
from actors import ActorsError, Mailbox, Ref, Registry, Reply, Runtime, Topic, open_runtime
from actors.testing import run_virtual
from supervisors import ChildSpec, SupervisorError, SupervisorSpec, start_supervisor

OURS = tuple(str(Path(package.__file__ or "").parent) for package in (actors, supervisors))


@attrs.frozen
class Get:
    """A question."""

    reply: Reply[int]


class Service:
    """What is interrupted, and what it leaves behind."""

    def __init__(self) -> None:
        self.lives: Counter[str] = Counter()
        self.runtime: Runtime | None = None

    async def worker(self, mailbox: Mailbox[Any]) -> None:
        self.lives[mailbox.name] += 1
        try:
            mailbox.send_later(50, "tick")
            mailbox.spawn(self.helper, name="helper", watch=True)
            async for message in mailbox:
                match message:
                    case Get(reply=reply):
                        reply.set(1)
                    case "crash":
                        raise ValueError
                    case "put aside":
                        mailbox.stash(message)
                    case _:
                        mailbox.unstash()
        finally:
            self.lives[mailbox.name] -= 1

    async def helper(self, mailbox: Mailbox[Any]) -> None:
        self.lives[mailbox.name] += 1
        try:
            with suppress(trio.EndOfChannel):
                while True:
                    await mailbox.receive()
        finally:
            self.lives[mailbox.name] -= 1

    async def send_side_by_side(self, ref: Ref[Any]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                for message in ("one", "put aside", "three", "four"):
                    nursery.start_soon(ref.send, message)
                nursery.start_soon(ref.ask, Get)
        except BaseExceptionGroup as group:
            if group.split(KeyboardInterrupt)[1] is None:  # this nursery's group is none of the runtime's
                raise KeyboardInterrupt from None
            raise

    async def run(self) -> None:
        child = partial(ChildSpec, start=self.worker, capacity=2)
        inner = SupervisorSpec("dynamic", [child(id="c")], max_restarts=5)
        spec = SupervisorSpec("rest_for_one", [child(id="a"), child(id="b"), ChildSpec(id="in", start=inner)])
        async with open_runtime() as self.runtime:
            topic, registry = Topic[str](), Registry()
            supervisor = await start_supervisor(self.runtime, spec)
            a: Ref[Any] = (await supervisor.which_children())[0].ref
            registry.register("a", a)
            with topic.open_subscription() as subscription, suppress(ActorsError, SupervisorError):
                topic.subscribe(a)
                topic.publish("tick")
                await subscription.receive()
                await self.send_side_by_side(a)
                await a.send("crash")
                await trio.sleep(1)
                await supervisor.start_child(child(id="d"))
                await supervisor.change_spec(spec)
                await supervisor.terminate_child("b")
                await supervisor.restart_child("b")
                await a.ask(Get)
                await trio.sleep(100)


class Line:
    """Sends SIGINT at given lines of the machinery, counting those that are executed."""

    def __init__(self, *at: int) -> None:
        self.at, self.count = at, 0
        self.where = ""

    @contextmanager
    def watch(self) -> Generator[None]:
        handler, tracer = signal.getsignal(signal.SIGINT), sys.gettrace()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.settrace(self.enter)
        try:
            yield
        finally:
            sys.settrace(tracer)
            signal.signal(signal.SIGINT, handler)

    def enter(self, frame: FrameType, what: str, argument: object) -> Any:
        return self.trace if frame.f_code.co_filename.startswith(OURS) else None

    def trace(self, frame: FrameType, what: str, argument: object) -> Any:
        if what == "line":
            self.count += 1
            if self.count in self.at:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                signal.raise_signal(signal.SIGINT)
        return self.trace


def play(*at: int) -> tuple[int, str]:
    """How many lines were executed, and what was wrong."""
    service, line = Service(), Line(*at)
    ended = "returned"
    try:
        with line.watch():
            run_virtual(service.run)
    except KeyboardInterrupt:
        ended = "interrupted"
    except BaseException as error:
        ended = repr(error)
    left = {name: count for name, count in service.lives.items() if count}
    alive = service.runtime.statistics().alive if service.runtime is not None else 0
    expected = "interrupted" if line.where else "returned"
    if (ended, left, alive) == (expected, {}, 0):
        return line.count, ""
    return line.count, f"at {at} ({line.where}): {ended}, {alive} alive, {left} did not end"


def faults(every: int, *, first: int = 1, twice: bool = False) -> list[str]:
    """What was wrong, of so many of the lines."""
    total, wrong = play()
    assert not wrong, wrong
    found: list[str] = []
    for number in range(first, total, every):
        at = (number, number + 10) if twice else (number,)
        found.append(play(*at)[1])
    print(f"{len(found)} of {total} lines interrupted")
    return [fault for fault in found if fault]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--twice", action="store_true")
    options = parser.parse_args()
    logging.disable()
    found = faults(options.every, twice=options.twice)
    print("\n".join(found) or "no faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
