"""For tests of actors: virtual time, a reproducible scheduler, refs that are dead or deaf, and a probe to send to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ._actor import Mailbox
from ._ref import Ref

M = TypeVar("M")
T = TypeVar("T")


def run_virtual(main: Callable[[], Awaitable[T]], *, seed: int = 0) -> T:
    """Run `main` with a clock that jumps over every wait, and with the order of its tasks decided by `seed`."""
    with scheduler_seed(seed):
        return trio.run(main, clock=MockClock(autojump_threshold=0))


@contextmanager
def scheduler_seed(seed: int) -> Generator[None]:
    """Within the block Trio runs begun here take their tasks in an order that depends on `seed` only.

    Trio shuffles each batch of tasks on purpose. Trying several seeds finds what hangs on their order; one seed
    repeats it.
    """
    # The two names are private to Trio; pytest-trio and Hypothesis's support for Trio use the same ones.
    from trio._core import _run as scheduler

    shuffler: Any = scheduler._r  # Any: private
    before, state = scheduler._ALLOW_DETERMINISTIC_SCHEDULING, shuffler.getstate()
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True
    shuffler.seed(seed)
    try:
        yield
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING = before
        shuffler.setstate(state)


def dead_ref(name: str = "dead") -> Ref[Any]:
    """A ref whose actor has ended: everything sent to it raises ActorGone."""
    mailbox: Mailbox[Any] = Mailbox(name)
    mailbox.close()
    return mailbox.ref


def deaf_ref(name: str = "deaf", *, capacity: int = 256) -> Ref[Any]:
    """A ref whose mailbox nobody reads: it fills up, and an ask waits until its asker gives up."""
    return Mailbox[Any](name, capacity=capacity).ref


class Probe(Generic[M]):
    """Something to send to that remembers, in place of an actor.

    probe = Probe[Event]()
    await under_test.send(Subscribe(probe.ref))
    assert await probe.next() == Started()
    await probe.quiet()
    """

    def __init__(self, name: str = "probe", *, capacity: int = 1_000) -> None:
        self.mailbox: Mailbox[M] = Mailbox(name, capacity=capacity)

    @property
    def ref(self) -> Ref[M]:
        """Where to send."""
        return self.mailbox.ref

    async def next(self) -> M:
        """The next message. Cancelled: none is taken. Raises AssertionError when all tasks wait and none came."""
        await wait_all_tasks_blocked()
        try:
            return self.mailbox.receive_nowait()
        except trio.WouldBlock:
            raise AssertionError(f"{self.mailbox.name} got no message, and nobody has anything left to do") from None

    async def quiet(self) -> None:
        """Raises AssertionError when a message is there, or comes without time passing."""
        await wait_all_tasks_blocked()
        got = self.mailbox.drain()
        if got:
            raise AssertionError(f"{self.mailbox.name} got {got!r}")

    def drain(self) -> list[M]:
        """Everything it got so far."""
        return self.mailbox.drain()
