"""The door to a running supervisor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import trio

from actors import Exit, Mailbox, Ref, Reply, Runtime, Topic

from ._actor import Event, supervise
from ._spec import ChildSpec, SupervisorSpec, check_spec
from .messages import (
    ChangeSpec,
    ChildCounts,
    ChildInfo,
    DeleteChild,
    GetSpec,
    Message,
    RestartChild,
    StartChildren,
    TerminateChild,
    WhichChildren,
)


class Supervisor:
    """A running supervisor. Each method asks it, and raises ActorGone once it has ended.

        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="writer", start=write)]))
        ref = await supervisor.start_child(ChildSpec(id="reader", start=read, restart="transient"))

    `events` has what this supervisor and those below it do, see `Event`.
    """

    def __init__(self, ref: Ref[Message], events: Topic[Event]) -> None:
        self.ref = ref
        self.events = events

    def __repr__(self) -> str:
        return f"<Supervisor {self.ref.path}>"

    async def start_child(self, spec: ChildSpec) -> Ref[Any]:
        """Add a child after the others and start it; return when it has started. Cancelled: it may be started.

        Raises BadSpec, AlreadyStarted, AlreadyPresent, or StartFailed, and then keeps no spec.
        """
        return (await self.ref.ask(partial(StartChildren, (spec,))))[0]

    async def start_children(self, specs: Sequence[ChildSpec]) -> list[Ref[Any]]:
        """Start several in order, asking once; stops at the first that fails, and those before it run.

        Cancelled: they may be started. Raises as `start_child`.
        """
        return await self.ref.ask(partial(StartChildren, specs))

    async def terminate_child(self, child: str | Ref[Any]) -> None:
        """Stop a child, by id or ref; its spec stays unless it is temporary. Stopped already: nothing happens.

        Cancelled: it is stopped all the same. Raises ChildNotFound.
        """
        await self.ref.ask(partial(TerminateChild, child))

    async def restart_child(self, id: str) -> Ref[Any]:
        """Start a stopped child again. Cancelled: it may be started.

        Raises ChildNotFound, ChildRunning, ChildRestarting or StartFailed.
        """
        return await self.ref.ask(partial(RestartChild, id))

    async def delete_child(self, id: str) -> None:
        """Forget a stopped child. Cancelled: it may be forgotten.

        Raises ChildNotFound, ChildRunning or ChildRestarting.
        """
        await self.ref.ask(partial(DeleteChild, id))

    async def which_children(self) -> list[ChildInfo]:
        """All children in start order. Cancelled: nothing has happened."""
        return await self.ref.ask(WhichChildren)

    async def count_children(self) -> ChildCounts:
        """How many there are. Cancelled: nothing has happened."""
        children = await self.which_children()
        supervisors = sum(child.supervisor for child in children)
        return ChildCounts(
            specs=len(children),
            active=sum(child.state == "running" for child in children),
            supervisors=supervisors,
            workers=len(children) - supervisors,
        )

    async def get_spec(self, child: str | Ref[Any]) -> ChildSpec:
        """The spec of a child, by id or ref. Cancelled: nothing has happened. Raises ChildNotFound."""
        return await self.ref.ask(partial(GetSpec, child))

    async def change_spec(self, spec: SupervisorSpec) -> None:
        """Have other rules and child specs hold from now on, without stopping anybody.

        A child with the id of a running one: its new `shutdown`, `restart`, `capacity` and so on hold at once, its new
        `start` from its next start on. One the supervisor does not have is added as stopped, for `restart_child`. One
        the new spec does not name stays as it is. Restarts that were counted stay counted. Cancelled: it may be done.

        Raises BadSpec, also for a change to or from `dynamic` and for a dynamic supervisor's new children; then
        nothing has changed.
        """
        await self.ref.ask(partial(ChangeSpec, spec))

    def picture(self) -> str:
        """The tree below it as text: names, states, restarts, mailboxes, uptimes."""
        from actors import describe, picture

        return picture(describe(self.ref))

    def tree(self) -> dict[str, Any]:
        """The same as data for JSON."""
        from actors import describe, tree

        return tree(describe(self.ref))[0]

    async def stop(self, *, within: float | None = None, reason: str = "") -> Exit:
        """Stop the children, latest first, then the supervisor. Cancelled: it stops all the same; see `Ref.stop`."""
        return await self.ref.stop(within=within, reason=reason)

    async def wait(self) -> Exit:
        """How it ended: `shutdown` also when it gave up, with the reason. Cancelled: it goes on."""
        return await self.ref.wait()


async def start_supervisor(
    owner: Runtime | Mailbox[Any], spec: SupervisorSpec, *, name: str = "supervisor", shutdown: float = float("inf")
) -> Supervisor:
    """Start a supervisor that `owner` owns, and its children in order; return when all have started.

    Cancelled: what was started is stopped. Raises BadSpec before anything starts; StartFailed when a child's start
    failed, after those before it were stopped, latest first; ActorGone when the owner is being stopped.
    """
    check_spec(spec, name)
    events: Topic[Event] = Topic(name)
    ready: Reply[None] = Reply()
    ref: Ref[Any] = owner.spawn(partial(supervise, spec=spec, events=events, ready=ready), name=name, shutdown=shutdown)
    try:
        await ready.wait()
    except trio.Cancelled:
        ref.stop_nowait(reason="its start was cancelled")
        raise
    except Exception:
        await ref.wait()
        raise
    return Supervisor(ref, events)
