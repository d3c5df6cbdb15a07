"""The machinery: one flat nursery, a cancel scope for each actor, and the machine of `_stopping` that says who
ends when."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from types import CodeType
from typing import Any, TypeVar

import trio

from . import _stopping
from ._cell import Cell, current
from ._clock import Clock
from ._errors import ActorGone, ActorRestarted, AskTimeout, LinkBroken, Shutdown, StopsItself
from ._exit import Exit
from ._lanes import Pace
from ._protection import protected
from ._ref import Down, Ref, Vacated
from ._reply import Reply
from ._reports import DeadLetter, Observer, Report

T = TypeVar("T")

_CLEAN_UP = 5.0


@protected
class Machinery:
    """Performs the effects of `_stopping` on cells."""

    def __init__(self, name: str, ask_timeout: float, report: Callable[[Report], None]) -> None:
        self.pace = Pace()
        self.ask_timeout = ask_timeout
        self.clock = Clock()
        self.spawned = self.ended = self.crashed = self.lost = 0
        self.report = report
        self.observer: Observer | None = None
        self.letters: deque[DeadLetter] = deque(maxlen=128)
        self.on_dead_letter: Callable[[DeadLetter], None] | None = None
        self.fatal: BaseException | None = None
        self.body = trio.CancelScope()
        self.root = Cell(name, 0, self, None)
        self.root.over = trio.Event()
        self.serving = trio.Event()
        self.asks: dict[Reply[Any], tuple[float, Cell]] = {}
        self._sweeping = False
        self._nursery: trio.Nursery | None = None

    # -- life of the runtime -----------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Hold the nursery of all actors until the root is gone.

        Outside cancellation does not reach it: `close` does.
        """
        assert self.root.over is not None
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as clock, trio.open_nursery() as nursery:
                clock.start_soon(self.clock.run, name="actors.clock")
                self._nursery = nursery
                self.serving.set()
                await self.root.over.wait()
                clock.cancel_scope.cancel()
            self._nursery = None

    async def close(self) -> None:
        """Stop everything, children first, and return when nothing is left. Not cancellable.

        An interrupt meanwhile ends what is left by force, and is `fatal`.
        """
        assert self.root.over is not None
        with trio.CancelScope(shield=True):
            self._perform(_stopping.stop(self.root))
            while not self.root.over.is_set():
                try:
                    await self.root.over.wait()
                except KeyboardInterrupt as again:
                    self.fatal = self.fatal or again
                    self.force(self.root)

    # -- life of an actor --------------------------------------------------------------------------------------------

    def spawn(self, owner: Cell, name: str, capacity: int, shutdown: float, *, keep: bool = False) -> Cell:
        """A new place, vacant until `start`. Raises ActorGone when its owner is ending."""
        if owner.stopping:
            raise ActorGone(owner.path)
        if capacity < 1:
            raise ValueError(f"capacity of {name!r} is {capacity!r}; a mailbox holds at least one message")
        if not shutdown >= 0:
            raise ValueError(
                f"shutdown of {name!r} is {shutdown!r}; give seconds, 0 for at once, math.inf for no limit"
            )
        cell = Cell(name, capacity, self, owner, keep=keep, brutal=shutdown == 0)
        cell.shutdown = shutdown
        cell.state = "vacant"
        self.spawned += 1
        return cell

    def start(self, cell: Cell, on_first_read: Callable[[], None] | None = None) -> None:
        """Run a vacant place."""
        owner = cell.owner
        if self._nursery is None or owner is None or owner.stopping:
            raise ActorGone(cell.path)
        _stopping.start(cell)
        cell.scope = trio.CancelScope()
        cell.incarnation += 1
        cell.born = trio.current_time()
        cell.reason = ""
        cell.forced = False
        cell.broken = None
        cell.lanes.begin(on_first_read)
        if self.observer is not None:
            self.observer.started(Ref(cell), Ref(owner), cell.incarnation)
        self._nursery.start_soon(self._run, cell, name=cell.name)

    @property
    def code(self) -> CodeType:
        """What runs every actor: in its frames `cell` is the actor."""
        return Machinery._run.__code__

    async def _run(self, cell: Cell) -> None:
        run, scope = cell.run, cell.scope
        assert run is not None
        assert scope is not None
        cell.task = trio.lowlevel.current_task()
        current.set(cell)
        error: BaseException | None = None
        try:
            if cell.state == "running":
                with scope:
                    await _live(run, cell.mailbox)
            else:
                error = Shutdown(cell.reason)  # stopped before it began
        except Exception as raised:
            error = raised
        except (KeyboardInterrupt, SystemExit, BaseExceptionGroup) as raised:
            error = raised  # nobody's crash: open_runtime raises it when everything has been stopped
            self._fatal(raised)
        self._over(cell, error)
        del error

    def _fatal(self, error: BaseException) -> None:
        if self.fatal is None:
            self.fatal = error
        self.body.cancel(reason="an actor ended the runtime")
        self._perform(_stopping.stop(self.root))  # now: nobody may restart it

    def _over(self, cell: Cell, error: BaseException | None) -> None:
        cell.last = _exit_of(cell, error)
        if self.observer is not None:
            self.observer.ended(Ref(cell), cell.last)
        cell.task = None
        cell.scope = None
        cell.waits_for = None
        if cell.timer is not None:
            cell.timer.cancel()
            cell.timer = None
        if cell.timers:
            for timer in list(cell.timers):
                timer.cancel()
            cell.timers = None
        if cell.watching:
            for watched in cell.watching:
                if watched.watchers is not None:
                    watched.watchers.pop(cell, None)
            cell.watching = None
        owner = cell.owner
        cell.lanes.incarnation_ended(crashed=cell.last.kind == "crash")
        if cell.keep and owner is not None and not owner.stopping:
            cell.fail_questions(lambda: ActorRestarted(cell.path))
        else:
            self._close(cell)
        self._perform(_stopping.ended(cell))

    def _close(self, cell: Cell) -> None:
        lanes = cell.lanes
        lanes.close(lambda: ActorGone(cell.path))
        cell.fail_questions(lambda: ActorGone(cell.path))
        if lanes.messages:
            for message in lanes.drain():
                self.dead_letter(cell, message, "ended")
        if lanes.control:
            lanes.control.clear()

    # -- effects -----------------------------------------------------------------------------------------------------

    def _perform(self, effects: list[_stopping.Effect]) -> None:
        for what, cell in effects:
            assert isinstance(cell, Cell)
            if what == "ask":
                self._ask(cell)
            elif what == "cancel":
                self._cancel(cell)
            elif what == "publish":
                self._publish(cell)
            else:
                self._vacate(cell)

    def _ask(self, cell: Cell) -> None:
        if cell is self.root:
            self._perform(_stopping.ended(cell))
            return
        owner = cell.owner
        if not (cell.keep and owner is not None and not owner.stopping):
            lanes = cell.lanes
            lanes.close(lambda: ActorGone(cell.path))
        self._withdraw(cell)
        cell.lanes.end()
        if cell.shutdown != float("inf"):
            cell.timer = self.clock.call_later(cell.shutdown, lambda: self._perform(_stopping.expired(cell)))

    def _withdraw(self, cell: Cell) -> None:
        """Questions that were not read will not be; those in its hands may still be answered."""
        for item in cell.lanes.take_questions():
            if item.reply is not None:
                item.reply.close(ActorGone(cell.path) if not cell.alive else ActorRestarted(cell.path))

    def _cancel(self, cell: Cell) -> None:
        if cell is self.root:
            self._perform(_stopping.ended(cell))
            return
        if cell.timer is not None:
            cell.timer.cancel()
        cell.forced = True
        if not cell.keep:
            cell.lanes.close(lambda: ActorGone(cell.path))
        cell.timer = self.clock.call_later(_CLEAN_UP, lambda: self.tell(Report("stuck", Ref(cell))))
        if cell.scope is not None:
            cell.scope.cancel(reason=cell.reason or "stopped")

    def _vacate(self, cell: Cell) -> None:
        if cell.vacated is not None:
            cell.vacated.set()
            cell.vacated = None
        told, cell.on_vacant = cell.on_vacant, None
        if told is not None:
            told()
        if cell.state == "vacant" and not cell.quiet:
            self.announce(cell)

    def announce(self, cell: Cell) -> None:
        """Tell its owner that a kept place is vacant. There are never more of these than places: no bound is needed."""
        if cell.owner is not None and cell.last is not None:
            cell.owner.lanes.put_control(Vacated(Ref(cell), cell.last, cell.incarnation))

    def _publish(self, cell: Cell) -> None:
        self._close(cell)
        cell.run = cell.mailbox = cell.place = None
        exit = cell.exit = cell.last or Exit("shutdown")
        if cell is not self.root:
            self.ended += 1
        observed = cell.over is not None or cell.vacated is not None or cell.keep
        if cell.over is not None:
            cell.over.set()
            cell.over = None if cell is not self.root else cell.over
        self._vacate(cell)
        if cell.watchers:
            watchers, cell.watchers = cell.watchers, None
            observed = True
            for watcher, message in watchers.items():
                if watcher.watching is not None:
                    watcher.watching.pop(cell, None)
                if watcher.alive:
                    watcher.lanes.put_control(Down(Ref(cell), exit) if message is None else message)
        if cell.on_gone:
            cell.tell_gone()
        if cell.links:
            links, cell.links = cell.links, None
            for other in links:
                if other.links is not None:
                    other.links.pop(cell, None)
                if exit.kind != "normal":
                    self._break(other, LinkBroken(cell.path, exit))
        if exit.kind == "crash":
            self.crashed += 1
            if not observed:
                self.tell(Report("crash", Ref(cell), exit))

    def _break(self, cell: Cell, error: LinkBroken) -> None:
        if cell.scope is not None:
            cell.broken = error
            self.force(cell)

    # -- asked from outside ------------------------------------------------------------------------------------------

    async def stop(self, cell: Cell, within: float | None, reason: str) -> Exit:
        """See Ref.stop."""
        _refuse_own_end(cell)
        if cell.exit is None:
            timer = None
            if within is None or within > 0:
                self.stop_nowait(cell, reason)
                if within is not None:
                    timer = self.clock.call_later(within, lambda: self.force(cell))
            else:
                cell.reason = reason
                self.force(cell)
            try:
                if cell.keep:
                    await self.wait_vacant(cell)
                else:
                    await self.wait(cell)
            finally:
                if timer is not None and cell.state in ("gone", "vacant"):
                    timer.cancel()
        else:
            await trio.lowlevel.checkpoint()
        exit = cell.exit or cell.last
        assert exit is not None
        return exit

    def stop_nowait(self, cell: Cell, reason: str) -> None:
        """See Ref.stop_nowait."""
        if cell.state == "running":
            cell.reason = reason
            self._perform(_stopping.stop(cell))

    async def wait_vacant(self, cell: Cell) -> None:
        """Until no incarnation runs. Cancelled: changes nothing."""
        if cell.state in ("vacant", "gone"):
            await trio.lowlevel.checkpoint()
            return
        if cell.vacated is None:
            cell.vacated = trio.Event()
        await cell.vacated.wait()

    async def wait(self, cell: Cell) -> Exit:
        """See Ref.wait."""
        if cell.exit is None:
            _refuse_own_end(cell)
            if cell.over is None:
                cell.over = trio.Event()
            await cell.over.wait()
            assert cell.exit is not None
        else:
            await trio.lowlevel.checkpoint()
        return cell.exit

    def hand_over(self, cell: Cell, owner: Cell) -> bool:
        """See Runtime.hand_over."""
        handed = _stopping.hand_over(cell, owner)
        if handed:
            cell.owner = owner
        return handed

    def force(self, cell: Cell) -> None:
        """Cancel it and what it owns, now."""
        self._perform(_stopping.force(cell))

    def remove(self, cell: Cell) -> None:
        """Give a vacant place up."""
        self._perform(_stopping.remove(cell))

    def watch(self, watcher: Cell, watched: Cell, message: object | None) -> None:
        """See Mailbox.watch."""
        if watched.exit is not None:
            watcher.lanes.put_control(Down(Ref(watched), watched.exit) if message is None else message)
            return
        if watched.watchers is None:
            watched.watchers = {}
        if watched.watchers.get(watcher, message) != message:
            raise ValueError(f"{watched.path!r} is watched already, for another message; unwatch it first")
        watched.watchers[watcher] = message
        if watcher.watching is None:
            watcher.watching = {}
        watcher.watching[watched] = None

    def link(self, one: Cell, other: Cell) -> None:
        """See Mailbox.link."""
        if other.exit is not None:
            if other.exit.kind != "normal":
                self._break(one, LinkBroken(other.path, other.exit))
            return
        for mine, theirs in ((one, other), (other, one)):
            if mine.links is None:
                mine.links = {}
            mine.links[theirs] = None

    def unlink(self, one: Cell, other: Cell) -> None:
        """See Mailbox.unlink."""
        for mine, theirs in ((one, other), (other, one)):
            if mine.links is not None:
                mine.links.pop(theirs, None)

    # -- questions and dead letters ----------------------------------------------------------------------------------

    def opened(self, cell: Cell, reply: Reply[Any]) -> None:
        """A question was asked; its time runs. Limits are all the same, so the oldest is always the first."""
        due = trio.current_time() + self.ask_timeout
        self.asks[reply] = (due, cell)
        if not self._sweeping and due != float("inf"):
            self._sweeping = True
            self.clock.call_at(due, self._sweep)

    def closed(self, reply: Reply[Any]) -> None:
        """A question has its answer, or nobody waits any more."""
        self.asks.pop(reply, None)

    def _sweep(self) -> None:
        now = trio.current_time()
        self._sweeping = False
        for reply, (due, cell) in list(self.asks.items()):
            if due > now:
                self._sweeping = True
                self.clock.call_at(due, self._sweep)
                return
            del self.asks[reply]
            reply.close(AskTimeout(cell.path, self.ask_timeout))

    def tell(self, report: Report) -> None:
        """Tell whoever gets the reports."""
        _guarded(self.report, report)

    def dead_letter(self, cell: Cell, message: object, why: str) -> None:
        """Keep it for a look, and tell who listens."""
        self.lost += 1
        letter = DeadLetter(Ref(cell), message, why)
        self.letters.append(letter)
        if self.on_dead_letter is not None:
            _guarded(self.on_dead_letter, letter)


@trio.lowlevel.disable_ki_protection
async def _live(run: Callable[[Any], Awaitable[None]], mailbox: object) -> None:
    """The actor's own code: an interrupt may end it anywhere."""
    await run(mailbox)


def _guarded(hook: Callable[[T], None], told: T) -> None:
    """A hook is the user's code in the middle of the machinery: what it raises is logged and ends nothing."""
    try:
        hook(told)
    except Exception:
        logging.getLogger("actors").exception("a hook of the runtime raised")


def _exit_of(cell: Cell, error: BaseException | None) -> Exit:
    state, scope = cell.state, cell.scope
    assert scope is not None
    asked = state in ("asked", "cancelled")
    if cell.broken is not None:
        return Exit("crash", cell.broken, str(cell.broken))
    if scope.cancelled_caught or (cell.forced and error is not None):
        return Exit("killed", error, cell.reason)
    if error is None:
        return Exit("shutdown" if asked else "normal", None, cell.reason)
    if isinstance(error, Shutdown):
        return Exit("shutdown", None, error.reason)
    ends_politely = (
        (isinstance(error, trio.EndOfChannel) and asked)
        # It wanted to begin something new while it, or an owner of it, was being stopped.
        or (isinstance(error, ActorGone) and error.path == cell.path and cell.stopping)
    )
    if ends_politely:
        return Exit("shutdown", None, cell.reason)
    return Exit("crash", error)


def _refuse_own_end(cell: Cell) -> None:
    asker = current.get()
    while asker is not None:
        if asker is cell:
            raise StopsItself(cell.path)
        asker = asker.owner
