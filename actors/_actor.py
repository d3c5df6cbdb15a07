"""What an actor holds (its mailbox) and where all of them live (the runtime)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from types import CoroutineType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import trio
from trio.lowlevel import checkpoint, wait_task_rescheduled

from ._cell import Cell
from ._clock import Timer
from ._errors import MailboxFull
from ._exit import Exit
from ._host import Machinery
from ._lanes import NOTHING, PACE, Overflow
from ._place import Place
from ._protection import protected
from ._ref import Down, Ref
from ._reports import DeadLetter, Observer, Report, log_report

if TYPE_CHECKING:
    from ._info import ActorInfo, Statistics

M = TypeVar("M")
N = TypeVar("N")


@protected
class Mailbox(Generic[M]):
    """What an actor reads, and its hold on the world: `async def run(mailbox: Mailbox[M])`.

        async def run(mailbox: Mailbox[Message]) -> None:
            async for message in mailbox:       # ends when the actor is asked to stop
                ...

    Two lanes: control (`Down`, control messages) overtakes. One task reads. `Mailbox[M]("name", capacity=8)` stands
    alone, for tests.
    """

    __slots__ = ("__orig_class__", "__weakref__", "_cell", "_lanes", "_runtime")

    def __init__(
        self,
        name: str = "mailbox",
        *,
        capacity: int = 256,
        overflow: Overflow = "wait",
        key: Callable[[M], object] | None = None,
    ) -> None:
        cell = Cell(name, capacity, None, None)
        cell.set_overflow(overflow, key)
        self._cell = cell
        self._lanes = cell.lanes
        self._runtime: Runtime | None = None

    @staticmethod
    def _of(cell: Cell, runtime: Runtime) -> Mailbox[Any]:
        """The mailbox of a place."""
        # Not Mailbox[Any](...): a subscript at run time costs as much as all of the rest.
        mailbox: Mailbox[Any] = Mailbox.__new__(Mailbox)  # pyright: ignore[reportUnknownVariableType]
        mailbox._cell = cell
        mailbox._lanes = cell.lanes
        mailbox._runtime = runtime
        return mailbox

    def __repr__(self) -> str:
        return f"<Mailbox {self._cell.path}: {self.depth} of {self._lanes.capacity}>"

    @property
    def ref(self) -> Ref[M]:
        """The address of this actor."""
        return Ref(self._cell)

    @property
    def name(self) -> str:
        """The name it was spawned with."""
        return self._cell.name

    @property
    def runtime(self) -> Runtime:
        """Where this actor lives."""
        if self._runtime is None:
            raise RuntimeError(f"mailbox {self.name!r} stands alone: it has no runtime")
        return self._runtime

    @property
    def depth(self) -> int:
        """How many messages are queued."""
        return len(self._lanes.messages)

    @property
    def stopping(self) -> bool:
        """Whether the actor, or an owner of it, is being stopped: nothing new should be begun."""
        return self._cell.stopping

    # -- reading -----------------------------------------------------------------------------------------------------

    def __aiter__(self) -> Mailbox[M]:
        return self

    async def __anext__(self) -> M:
        # The body of `receive` once more: iterating is what actors do most, and a call less is a tenth of it.
        lanes = self._lanes
        pace = lanes.pace
        pace.left -= 1
        if pace.left < 0:
            await checkpoint()
            pace.left = PACE
        try:
            while (message := lanes.take()) is NOTHING:
                await wait_task_rescheduled(lanes.begin_reading())
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        return cast("M", message)

    async def receive(self) -> M:
        """The next message. Cancelled: none is taken. Checkpoint: when there is none, and at least every 64 messages.

        Raises:
          trio.EndOfChannel: the actor was asked to stop; what is queued is not read, `drain` has it.
        """
        lanes = self._lanes
        pace = lanes.pace
        pace.left -= 1
        if pace.left < 0:
            await checkpoint()
            pace.left = PACE
        while (message := lanes.take()) is NOTHING:
            await wait_task_rescheduled(lanes.begin_reading())
        return cast("M", message)

    def receive_nowait(self) -> M:
        """The next message now. Raises trio.WouldBlock when there is none, trio.EndOfChannel when asked to stop."""
        message = self._lanes.take()
        if message is NOTHING:
            raise trio.WouldBlock
        return cast("M", message)

    def drain(self) -> list[M]:
        """Everything queued that would be lost now; for actors that finish their work when they are asked to stop."""
        return cast("list[M]", self._lanes.drain())

    def stash(self, message: M) -> None:
        """Put aside the message just read, until `unstash`. Raises MailboxFull at the mailbox's capacity.

        At the end of an incarnation what was put aside goes back to the front of the mailbox.
        """
        if not self._lanes.stash(message):
            raise MailboxFull(self._cell.path, self._lanes.capacity)

    def unstash(self, count: int | None = None) -> None:
        """Read next, in their old order, the oldest `count` messages put aside; default: all."""
        self._lanes.unstash(count)

    def started(self) -> None:
        """Say that the actor is ready. Its first look into the mailbox says the same."""
        told, self._lanes.on_first_read = self._lanes.on_first_read, None
        if told is not None:
            told()

    # -- other actors ------------------------------------------------------------------------------------------------

    def spawn(
        self,
        run: Callable[[Mailbox[N]], Awaitable[None]],
        *,
        name: str | None = None,
        capacity: int = 256,
        shutdown: float = 5.0,
        overflow: Overflow = "wait",
        key: Callable[[N], object] | None = None,
        watch: bool = False,
    ) -> Ref[N]:
        """Start an actor that this one owns: it is gone before this one is. `watch`: its Down comes into this mailbox.

        See Runtime.spawn for the rest. Raises ActorGone when this actor is being stopped.
        """
        runtime = self.runtime
        ref: Ref[N] = runtime.spawn_below(self._cell, run, name, capacity, shutdown, overflow, key)
        if watch:
            self.watch(ref)
        return ref

    def open_place(
        self,
        run: Callable[[Mailbox[N]], Awaitable[None]],
        *,
        name: str | None = None,
        capacity: int = 256,
        shutdown: float = 5.0,
        overflow: Overflow = "wait",
        key: Callable[[N], object] | None = None,
        redeliver: bool = False,
    ) -> Place[N]:
        """A place for incarnations of `run` that this actor owns and starts itself; for supervisors.

        `redeliver`: the message in hand at a crash is read once more by the next incarnation, unless it was a question.
        """
        runtime = self.runtime
        machinery = runtime.machinery
        cell = machinery.spawn(self._cell, name or name_of(run), capacity, shutdown, keep=True)
        if overflow != "wait" or key is not None:
            cell.set_overflow(overflow, key)
        cell.run, cell.mailbox = run, Mailbox._of(cell, runtime)
        cell.lanes.redeliver = redeliver
        place: Place[N] = Place(cell, machinery)
        cell.place = place
        return place

    def place_of(self, ref: Ref[N]) -> Place[N] | None:
        """The place this actor opened for `ref`, unless it was removed or is none of its own."""
        cell = ref._cell
        return cell.place if cell.owner is self._cell else None

    def stop_in_order(self) -> None:
        """From now on, when this actor is stopped, what it owns is stopped one by one, the last started first."""
        self._cell.ordered = True

    def watch(self, ref: Ref[Any], message: M | None = None) -> None:
        """Get one Down (or `message`) when the place of `ref` has ended, also if it has already. Twice is once."""
        self.runtime.machinery.watch(self._cell, ref._cell, message)

    def unwatch(self, ref: Ref[Any]) -> None:
        """No Down of it will be read any more, not even one that is here already."""
        watched = ref._cell
        if watched.watchers is not None:
            watched.watchers.pop(self._cell, None)
        if self._cell.watching is not None:
            self._cell.watching.pop(watched, None)
        self._lanes.forget(lambda item: isinstance(item, Down) and item.ref == ref)

    def send_later(self, seconds: float, message: M) -> Timer:
        """Have `message` come into the control lane after so many seconds, unless the timer is cancelled or the
        actor ended."""
        cell = self._cell
        timers = cell.timers
        if timers is None:
            timers = cell.timers = {}

        def fire() -> None:
            timers.pop(timer, None)
            cell.lanes.put_control(message)

        timer = self.runtime.machinery.clock.call_later(seconds, fire)
        timers[timer] = None
        return timer

    def link(self, ref: Ref[Any]) -> None:
        """End together: when either ends in any way but `normal`, the other crashes with LinkBroken.

        Both ways, and once.
        """
        self.runtime.machinery.link(self._cell, ref._cell)

    def unlink(self, ref: Ref[Any]) -> None:
        """Take a link back."""
        self.runtime.machinery.unlink(self._cell, ref._cell)

    def close(self) -> None:
        """End a mailbox that stands alone: reading ends, sending raises ActorGone."""
        if self._runtime is not None:
            raise RuntimeError(f"{self._cell.path!r} is run by a runtime; stop its ref")
        self._cell.close_alone()


@protected
class Runtime:
    """Where actors live; made by `open_runtime`."""

    def __init__(self, machinery: Machinery) -> None:
        self.machinery = machinery

    def __repr__(self) -> str:
        return f"<Runtime {self.name}: {self.machinery.spawned - self.machinery.ended} actors>"

    @property
    def name(self) -> str:
        """The first part of every path."""
        return self.machinery.root.name

    def spawn(
        self,
        run: Callable[[Mailbox[M]], Awaitable[None]],
        *,
        name: str | None = None,
        capacity: int = 256,
        shutdown: float = 5.0,
        overflow: Overflow = "wait",
        key: Callable[[M], object] | None = None,
    ) -> Ref[M]:
        """Start an actor that the runtime owns.

        Args:
          name: for people; default: the name of `run`.
          capacity: messages its mailbox holds.
          shutdown: seconds between the polite stop and cancellation; 0 cancels at once, `math.inf` never.
          overflow: at the bound senders wait (default) or fail, or the oldest or the newest message is dropped.
          key: at the bound, a message of the same key replaces the older one.

        Raises ActorGone when the runtime is being left.
        """
        return self.spawn_below(self.machinery.root, run, name, capacity, shutdown, overflow, key)

    def spawn_below(
        self,
        owner: Cell,
        run: Callable[[Mailbox[M]], Awaitable[None]],
        name: str | None,
        capacity: int,
        shutdown: float,
        overflow: Overflow,
        key: Callable[[M], object] | None,
    ) -> Ref[M]:
        """The common part of the two spawns."""
        machinery = self.machinery
        cell = machinery.spawn(owner, name or name_of(run), capacity, shutdown)
        if overflow != "wait" or key is not None:
            cell.set_overflow(overflow, key)
        cell.run, cell.mailbox = run, Mailbox._of(cell, self)
        machinery.start(cell)
        return Ref(cell)

    def hand_over(self, ref: Ref[Any], owner: Ref[Any]) -> bool:
        """Give a running actor, with all it owns, to another owner; it then ends with that one.

        False, and nothing is changed, where it or the new owner has ended or is being stopped. The new owner is not
        below it. A place's restarts stay with whoever opened the place, so a place is not handed over.
        """
        assert not ref._cell.keep, f"{ref.path!r} is a place; its owner restarts it"
        return self.machinery.hand_over(ref._cell, owner._cell)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call a function after so many seconds, however busy the actors are; it neither waits nor raises."""
        return self.machinery.clock.call_later(seconds, call)

    def actors(self) -> list[ActorInfo]:
        """Every living actor, owners before what they own; see also `picture` and `tree`."""
        from ._info import cells_below, info_of

        return [info_of(cell) for cell in cells_below(self.machinery.root)]

    def picture(self) -> str:
        """All of them as text: state, mailbox, restarts, and who waits for whom."""
        from ._info import picture

        return picture(self.actors())

    def observe(self, observer: Observer | None) -> None:
        """Have one observer told of every incarnation that starts or ends from now on."""
        self.machinery.observer = observer

    def statistics(self) -> Statistics:
        """Counts since the start."""
        from ._info import Statistics

        machinery = self.machinery
        return Statistics(
            alive=machinery.spawned - machinery.ended,
            spawned=machinery.spawned,
            ended=machinery.ended,
            crashed=machinery.crashed,
            dead_letters=machinery.lost,
            open_asks=len(machinery.asks),
        )

    def report(self, report: Report) -> None:
        """Tell whoever gets the reports of this runtime."""
        self.machinery.tell(report)

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """The last 128 messages that nobody read."""
        return list(self.machinery.letters)

    def on_dead_letter(self, hook: Callable[[DeadLetter], None] | None) -> None:
        """Have `hook` told of every dead letter from now on; it neither waits nor raises."""
        self.machinery.on_dead_letter = hook

    async def stop(self, ref: Ref[Any], *, within: float | None = None, reason: str = "") -> Exit:
        """The same as `ref.stop`; cancelled, it stops all the same."""
        return await ref.stop(within=within, reason=reason)


@protected
class _Caught:
    """Keeps whatever comes out of its block, to be raised outside the nursery, which would wrap it in a group."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> _Caught:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is not None:
            self.error = error
        return True


def _watched(seconds: float | None, machinery: Machinery) -> AbstractContextManager[None]:
    if seconds is None:
        return nullcontext()
    from ._watchdog import watch_loop

    return watch_loop(seconds, machinery.code)


def name_of(run: Callable[..., object]) -> str:
    """A name for people."""
    return getattr(run, "__name__", None) or getattr(getattr(run, "func", None), "__name__", type(run).__name__)


@protected
class _Opening:
    """What `open_runtime` returns: the way in and the way out cannot be interrupted half-way."""

    def __init__(self, machinery: Machinery, watchdog: float | None) -> None:
        self._serving = _serve(machinery, watchdog)

    async def __aenter__(self) -> Runtime:
        return await self._serving.__aenter__()

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> CoroutineType[Any, Any, bool | None]:
        return self._leave(kind, error, trace)

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._serving.__aexit__(kind, error, trace)


def open_runtime(
    *,
    name: str = "runtime",
    ask_timeout: float = 60.0,
    report: Callable[[Report], None] = log_report,
    watchdog: float | None = None,
) -> AbstractAsyncContextManager[Runtime]:
    """A place for actors. Leaving it, in any way, stops every actor, children first.

    Args:
      ask_timeout: seconds after which an `ask` without an answer raises AskTimeout.
      report: is told of crashes nobody watched and of actors that do not end; the default logs.
      watchdog: seconds after which a thread logs which actor keeps the loop from the others, and where; default: no
      thread.

    An actor's crash never ends the runtime; KeyboardInterrupt and SystemExit in an actor do, and are raised here.
    Ctrl-C while everything is being stopped ends what is left by force.
    Cancelled: everything is stopped in order, each with its shutdown seconds, then the cancellation goes on.
    """
    return _Opening(Machinery(name, ask_timeout, report), watchdog)


@asynccontextmanager
@trio.lowlevel.enable_ki_protection
async def _serve(machinery: Machinery, watchdog: float | None) -> AsyncGenerator[Runtime]:
    caught = _Caught()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(machinery.serve)
            with caught:
                with trio.CancelScope(shield=True):
                    await machinery.serving.wait()
                with machinery.body, _watched(watchdog, machinery):
                    yield Runtime(machinery)
            await machinery.close()
    except BaseExceptionGroup as group:
        # The outer cancellation, seen again by the nursery: the body's error says more.
        interrupt, rest = group.split(KeyboardInterrupt)
        if (rest is not None and rest.split(trio.Cancelled)[1] is not None) or (
            interrupt is None and caught.error is None and machinery.fatal is None
        ):
            raise
        if interrupt is not None and machinery.fatal is None:
            machinery.fatal = KeyboardInterrupt()
    error, caught.error = machinery.fatal or caught.error, None
    try:
        if error is not None:
            raise error
    finally:
        del error
