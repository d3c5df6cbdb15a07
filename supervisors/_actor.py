"""Performs a supervisor's plans: starts, stops and restarts real actors, and answers those who ask."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import random
from typing import Any, Literal, Never, TypeAlias, TypeVar

import attrs
import trio

from actors import ActorGone, Exit, Mailbox, Place, Ref, Reply, Shutdown, Timer, Topic, Vacated

from . import _machine as machine
from ._errors import AlreadyStarted, ChildNotFound, ChildRunning, Ignore, StartFailed, SupervisorError
from ._machine import Child, GiveUp, Plan, Supervision
from ._spec import ChildSpec, Run, SupervisorSpec, check_change, check_child
from .messages import (
    ChangeSpec,
    ChildInfo,
    DeleteChild,
    GetSpec,
    Message,
    RestartChild,
    StartChildren,
    TerminateChild,
    WhichChildren,
)

T = TypeVar("T")

EventKind: TypeAlias = Literal["start_failed", "crash", "killed", "restart", "give_up", "auto_shutdown"]

_log = logging.getLogger("supervisors")
# An automatic shutdown is what the spec asks for.
_LEVELS: dict[EventKind, int] = {"give_up": logging.ERROR, "auto_shutdown": logging.INFO}


@attrs.frozen
class Event:
    """Something a supervisor did or saw: published on `Supervisor.events`, and logged when it is not good news.

    `start_failed`, `crash`, `killed` (by force, at a stop), `restart`, `give_up` (too many restarts), `auto_shutdown`.
    """

    kind: EventKind
    supervisor: str
    child: str
    exit: Exit | None
    restarts: int
    at: float


@attrs.frozen(eq=False, repr=False)
class _Retry:
    child: Child


@trio.lowlevel.enable_ki_protection
async def supervise(
    mailbox: Mailbox[Message | _Retry], spec: SupervisorSpec, events: Topic[Event], ready: Reply[None] | None
) -> None:
    """Run a supervisor until it is stopped or gives up.

    Cancelled: what it owns is stopped by the runtime, latest first.
    """
    if spec.strategy != "dynamic":
        mailbox.stop_in_order()
    shell = _Shell(mailbox, spec, events)
    try:
        failure = await shell.perform(shell.supervision.begin())
        if failure is not None:
            if ready is None:
                raise failure
            ready.fail(failure)
            raise Shutdown("start failed")
        mailbox.started()
        if ready is not None:
            ready.set(None)
        await shell.serve()
    finally:
        if shell.guard is not None:  # it would keep all of this until its time has come
            shell.guard.cancel()
        if ready is not None and not ready.is_set:
            ready.fail(ActorGone(mailbox.ref.path))


class _Shell:
    def __init__(self, mailbox: Mailbox[Message | _Retry], spec: SupervisorSpec, events: Topic[Event]) -> None:
        self.mailbox = mailbox
        self.supervision = Supervision(spec)
        self.events = events
        self.timers: dict[Child, Timer] = {}
        self.due: deque[Child] = deque()
        self.starting: tuple[Place[Any], float] | None = None
        self.guard: Timer | None = None

    async def serve(self) -> None:
        while True:
            if self.due:
                try:
                    message = self.mailbox.receive_nowait()
                except trio.WouldBlock:
                    message = None
                except trio.EndOfChannel:
                    return
                if message is not None:
                    await self.handle(message)
                if self.due:
                    await trio.lowlevel.checkpoint()
                    await self.handle(_Retry(self.due.popleft()))
                continue
            try:
                message = await self.mailbox.receive()
            except trio.EndOfChannel:
                return
            await self.handle(message)

    async def handle(self, message: Message | _Retry) -> None:
        supervision = self.supervision
        match message:
            case Vacated(ref=ref, exit=exit, incarnation=incarnation):
                place = self.mailbox.place_of(ref)
                if (
                    place is not None
                    and place.incarnation == incarnation
                    and not place.running
                    and not self.mailbox.stopping
                ):
                    child: Child = place.tag
                    await self.decide(supervision.exited(child.spec.id, exit, trio.current_time()), child)
            case _Retry(child=child):
                self.timers.pop(child, None)
                if not self.mailbox.stopping:
                    await self.decide(supervision.retry(child, trio.current_time()), child)
            case StartChildren(specs=specs, reply=reply):
                await self.answer(reply, self.start_children(specs, reply))
            case TerminateChild(child=named, reply=reply):
                await self.answer(reply, self.change(named, supervision.terminate_child))
            case RestartChild(id=id, reply=reply):
                await self.answer(reply, self.restart_child(id))
            case DeleteChild(id=id, reply=reply):
                await self.answer(reply, self.change(id, supervision.delete_child))
            case WhichChildren(reply=reply):
                reply.set([self.info(child) for child in supervision.children.values()])
            case GetSpec(child=named, reply=reply):
                await self.answer(reply, self.get_spec(named))
            case ChangeSpec(spec=spec, reply=reply):
                await self.answer(reply, self.change_spec(spec))
            case _ as never:
                self.refuse(never)

    def refuse(self, message: Never) -> None:
        """Somebody without types: it is no reason to end everybody."""
        _log.warning("%s: does not understand %r", self.mailbox.ref.path, message)

    # -- asked -----------------------------------------------------------------------------------------

    async def answer(self, reply: Reply[T], work: Awaitable[T]) -> None:
        """Give the answer, or the refusal; anything else is a bug and ends the supervisor."""
        try:
            value = await work
        except SupervisorError as refused:
            reply.fail(refused)
        else:
            if not reply.is_set:
                reply.set(value)

    async def start_children(self, specs: Sequence[ChildSpec], reply: Reply[list[Ref[Any]]]) -> list[Ref[Any]]:
        supervision = self.supervision
        for spec in specs:
            check_child(spec, supervision.spec, self.mailbox)
        started: list[Child] = []
        try:
            if supervision.spec.strategy == "dynamic" and len(specs) > 1:
                await self.perform(supervision.start_together(specs), started)
            else:
                # Whoever waits for one child is told by that child itself: a turn of the scheduler less.
                early = reply if len(specs) == 1 else None
                for spec in specs:
                    await self.perform(supervision.start_child(spec), started, early)
        except ChildRunning as running:
            raise AlreadyStarted(running.id, supervision.children[running.id].handle.ref) from None
        return [child.handle.ref for child in started]

    async def restart_child(self, id: str) -> Ref[Any]:
        started: list[Child] = []
        await self.perform(self.supervision.restart_child(id), started)
        return started[0].handle.ref

    async def change(self, child: str | Ref[Any], plan: Callable[[str], Plan[None]]) -> None:
        await self.perform(plan(self.id_of(child)))

    async def change_spec(self, spec: SupervisorSpec) -> None:
        supervision = self.supervision
        check_change(spec, supervision.spec, supervision.children, self.mailbox.ref.path)
        await self.perform(supervision.change_spec(spec))

    async def get_spec(self, child: str | Ref[Any]) -> ChildSpec:
        found = self.supervision.children.get(self.id_of(child))
        if found is None:
            raise ChildNotFound(str(child))
        return found.spec

    def id_of(self, child: str | Ref[Any]) -> str:
        if isinstance(child, str):
            return child
        place = self.mailbox.place_of(child)
        if place is None:
            raise ChildNotFound(child.path)
        return place.tag.spec.id

    def info(self, child: Child) -> ChildInfo:
        return ChildInfo(child.spec.id, child.handle.ref, child.state, child.restarts, child.spec.is_supervisor)

    # -- done ------------------------------------------------------------------------------------------

    async def decide(self, plan: Plan[GiveUp | None], child: Child) -> None:
        """Perform a plan that may end the supervisor."""
        result = await self.perform(plan)
        if result is not None:
            if result == "auto_shutdown":
                self.tell("auto_shutdown", child, None)
            raise Shutdown(result)

    async def perform(
        self, plan: Plan[T], started: list[Child] | None = None, early: Reply[list[Ref[Any]]] | None = None
    ) -> T:
        """Do what the plan says, one after another, and tell it what came of it.

        `started` gets whom it started; `early` is answered as soon as the one child of the plan has started.
        """
        outcome: machine.Outcome = None
        while True:
            try:
                effect = plan.send(outcome)
            except StopIteration as end:
                return end.value
            outcome = None
            match effect:
                case ("begin", child):
                    self.begin(child)
                case ("start" | "await" as half, child):
                    if half == "start":
                        self.begin(child, early)
                    outcome = await self.wait_started(child)
                    if started is not None:
                        started.append(child)
                case ("stop", child):
                    exit = await child.handle.vacate()
                    if exit.kind == "killed" and child.spec.shutdown_seconds > 0:
                        self.tell("killed", child, exit)
                case ("remove", child):
                    self.remove(child)
                case ("apply", child):
                    self.apply(child)
                case ("later", child, seconds):
                    self.later(child, seconds)
                case ("tell", kind, child, exit):
                    self.tell(kind, child, exit)

    def begin(self, child: Child, early: Reply[list[Ref[Any]]] | None = None) -> None:
        place: Place[Any] = child.handle or self.open(child)
        place.start_nowait(None if early is None else partial(early.set, [place.ref]))

    def open(self, child: Child) -> Place[Any]:
        spec = child.spec
        place: Place[Any] = self.mailbox.open_place(
            self.run_of(spec),
            name=spec.id,
            capacity=spec.capacity,
            shutdown=spec.shutdown_seconds,
            overflow=spec.overflow,
            key=spec.key,
            redeliver=spec.redeliver,
        )
        child.handle, place.tag = place, child
        return place

    def apply(self, child: Child) -> None:
        spec, place = child.spec, child.handle or self.open(child)
        place.change(
            self.run_of(spec),
            capacity=spec.capacity,
            shutdown=spec.shutdown_seconds,
            overflow=spec.overflow,
            key=spec.key,
            redeliver=spec.redeliver,
        )

    async def wait_started(self, child: Child) -> machine.Outcome:
        place: Place[Any] = child.handle
        if place.started:
            return None
        self.limit(place, place.born + child.spec.start_timeout)
        exit = await place.wait_started()
        self.starting = None
        if exit is None:
            return None
        if isinstance(exit.error, Ignore):
            return machine.IGNORED
        if exit.kind in ("crash", "killed"):
            return StartFailed(child.spec.id, exit)
        place.announce()  # done already, without a look into its mailbox: it ran, and has ended
        return None

    def limit(self, place: Place[Any], deadline: float) -> None:
        """Have the start that is being waited for end at its deadline.

        One timer guards all of them, and is seldom set.
        """
        self.starting = (place, deadline)
        if deadline != math.inf and (self.guard is None or self.guard.when > deadline):
            if self.guard is not None:
                self.guard.cancel()
            self.guard = self.mailbox.runtime.call_later(deadline - trio.current_time(), self.check_limit)

    def check_limit(self) -> None:
        """The guard's time has come, for a start that may be over long since."""
        self.guard = None
        if self.starting is not None and not self.mailbox.stopping:
            place, deadline = self.starting
            if deadline <= trio.current_time():
                place.abandon()
            else:
                self.limit(place, deadline)

    def run_of(self, spec: ChildSpec) -> Run:
        if isinstance(spec.start, SupervisorSpec):
            return partial(supervise, spec=spec.start, events=self.events, ready=None)
        return spec.start

    def remove(self, child: Child) -> None:
        timer = self.timers.pop(child, None)
        if timer is not None:
            timer.cancel()
        if child.handle is not None:
            child.handle.remove()

    def later(self, child: Child, seconds: float) -> None:
        if seconds == 0:
            self.due.append(child)
            return
        backoff = child.spec.backoff
        if backoff is not None:
            seconds += seconds * backoff.jitter * random()
        if child in self.timers:
            self.timers[child].cancel()
        self.timers[child] = self.mailbox.send_later(seconds, _Retry(child))

    def tell(self, kind: EventKind, child: Child, exit: Exit | None) -> None:
        path = self.mailbox.ref.path
        error = exit.error if exit is not None else None
        if kind != "restart":
            _log.log(
                _LEVELS.get(kind, logging.WARNING),
                "%s: %s of child %r%s", path, kind, child.spec.id, f" ({error!r})" if error is not None else "",
            )  # fmt: skip
        self.events.publish(Event(kind, path, child.spec.id, exit, child.restarts, trio.current_time()))
