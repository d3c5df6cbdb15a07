"""Joins a Trio run with an asyncio loop: work is handed over in both directions, and cancelled in both.

The run lives in a thread of its own, or as a guest of the loop in the loop's thread; what is said here holds for both.
Whoever cancels a piece of work on one side gets control back when it has ended on the other.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import trio

from codex.base.errors import CodexError

T = TypeVar("T")
Mode: TypeAlias = Literal["thread", "guest"]
_GIVE_UP_AFTER = 5.0


class EngineStopped(CodexError):
    """The engine has ended, or ended while it was asked."""

    def __init__(self) -> None:
        super().__init__("the engine has been stopped; what it was asked for was cancelled")


class Work(Generic[T]):
    """A piece of work in the Trio run, as the asyncio side holds it."""

    def __init__(self, bridge: "Bridge", loop: asyncio.AbstractEventLoop) -> None:
        self._bridge = bridge
        self._loop = loop
        self._scope = trio.CancelScope()
        self.ended: asyncio.Future[T] = loop.create_future()

    def cancel(self) -> None:
        """Ask it to end."""
        self._bridge.soon(self._scope.cancel)

    async def result(self) -> T:
        """What it gives or raises. Cancelled, it is cancelled, and has ended when this returns."""
        try:
            return await asyncio.shield(self.ended)
        except asyncio.CancelledError:
            self.cancel()
            await settled(self.ended)  # noqa: ASYNC102  it has deadlines in Trio
            raise

    async def do(self, work: Callable[[], Awaitable[T]]) -> None:
        """Trio's side: do it, and tell what came of it."""
        try:
            with self._scope:
                value = await work()
                self._tell(partial(self.ended.set_result, value))
                return
            self._tell(partial(self.ended.set_exception, EngineStopped()))
        except Exception as error:
            self._tell(partial(self.ended.set_exception, error))
        except BaseException:
            self._tell(partial(self.ended.set_exception, EngineStopped()))
            raise

    def refuse(self) -> None:
        """Tell that it was never begun."""
        self._tell(partial(self.ended.set_exception, EngineStopped()))

    def _tell(self, settle: Callable[[], None]) -> None:
        def tell() -> None:
            if not self.ended.done():
                settle()
            if not self.ended.cancelled():
                self.ended.exception()  # whoever waits sees it; where nobody does, nothing is missing

        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(tell)


class Bridge:
    """A Trio run beside the running asyncio loop: `open`, then `start`, `call` and `call_back`, then `close`."""

    def __init__(self, mode: Mode) -> None:
        self._mode: Mode = mode
        self.loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self.loop.create_future()
        self._opened: asyncio.Future[None] = self.loop.create_future()
        self._nursery: trio.Nursery | None = None
        self._closing = False
        self._thread: threading.Thread | None = None
        self._token: trio.lowlevel.TrioToken | None = None

    @property
    def token(self) -> trio.lowlevel.TrioToken:
        """Of the Trio run."""
        assert self._token is not None
        return self._token

    async def open(self, live: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        """Start the run; returns when `live` calls what it is given, or raises what it raised before.

        `live` is cancelled by `close`.
        """
        run = partial(self._main, live)
        if self._mode == "guest":
            trio.lowlevel.start_guest_run(
                run,
                run_sync_soon_threadsafe=self.loop.call_soon_threadsafe,
                done_callback=lambda outcome: self._finish(getattr(outcome, "error", None)),
                host_uses_signal_set_wakeup_fd=True,
            )
        else:
            self._thread = threading.Thread(target=self._in_thread, args=(run,), name="codex-engine", daemon=True)
            self._thread.start()
        opening = {self._opened, self._ended}
        try:
            await asyncio.wait(opening, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.close()  # noqa: ASYNC102  it has deadlines in Trio
            raise
        if self._ended.done():
            self._ended.result()
            raise EngineStopped

    async def close(self) -> None:
        """End the run; returns when it has ended. Cancelling does not shorten it: what it ends has deadlines."""
        self._closing = True
        if self._token is not None:
            self.soon(self._cancel)
        try:
            await settled(self._ended)
        finally:
            if self._thread is not None:
                self._thread.join()
        self._ended.result()

    def start(self, work: Callable[[], Awaitable[T]]) -> Work[T]:
        """Begin a piece of work in the Trio run."""
        handle: Work[T] = Work(self, asyncio.get_running_loop())

        def begin() -> None:
            if self._nursery is None or self._nursery.cancel_scope.cancel_called:
                handle.refuse()
            else:
                self._nursery.start_soon(handle.do, work)

        try:
            self.token.run_sync_soon(begin)
        except trio.RunFinishedError:
            handle.refuse()
        return handle

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it in the Trio run. Cancelled, it is cancelled there, and has ended when this returns.

        Raises: EngineStopped, and what the work raises.
        """
        return await self.start(work).result()

    def soon(self, do: Callable[[], object]) -> None:
        """Do something short in the Trio run, unless that has ended."""
        with suppress(trio.RunFinishedError):
            self.token.run_sync_soon(do)

    async def call_back(self, work: Callable[[], Awaitable[T]]) -> T:
        """From Trio: do it on the asyncio loop. Cancelled, it is cancelled there, and is waited for a few seconds.

        Raises: what the work raises; EngineStopped where it was cancelled there or its loop is gone.
        """
        done = trio.Event()
        tasks = list[asyncio.Task[T]]()
        token = trio.lowlevel.current_trio_token()

        async def run() -> T:
            return await work()

        def ended(_task: asyncio.Task[T]) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(done.set)

        def begin() -> None:
            task = self.loop.create_task(run())
            tasks.append(task)
            task.add_done_callback(ended)

        try:
            self.loop.call_soon_threadsafe(begin)
        except RuntimeError as closed:
            raise EngineStopped from closed
        try:
            await done.wait()
        except trio.Cancelled:
            with suppress(RuntimeError), trio.move_on_after(_GIVE_UP_AFTER, shield=True):
                self.loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
                await done.wait()
            raise
        [task] = tasks
        if task.cancelled():
            raise EngineStopped
        return task.result()

    def _cancel(self) -> None:
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    async def _main(self, live: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            if self._closing:
                nursery.cancel_scope.cancel()
            await live(self._ready)

    def _ready(self) -> None:
        self._tell(self._opened, None)

    def _in_thread(self, run: Callable[[], Awaitable[None]]) -> None:
        error: BaseException | None = None
        try:
            trio.run(run)
        except BaseException as raised:  # noqa: ASYNC103  raised again by `close`
            error = raised
        self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        self._tell(self._ended, error)

    def _tell(self, future: asyncio.Future[None], error: BaseException | None) -> None:
        def tell() -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(tell)


async def settled(future: asyncio.Future[Any]) -> None:
    """Wait for it however often the waiting task is cancelled; that is said once it is done."""
    cancelled = False
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError:  # noqa: ASYNC103  raised below
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
