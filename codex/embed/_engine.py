"""The engine for asyncio programs: the same threads and turns, awaited from an asyncio loop."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, overload

import trio

from codex.config.schema import Config
from codex.embed._bridge import Bridge, Mode, Work, settled
from codex.embed._tools import FunctionTool, bring
from codex.engine import Codex, open_codex
from codex.ports.approvals import Answer, OnApproval, answer_by
from codex.ports.model import ModelClient
from codex.protocol.approval import Question, ReviewDecision
from codex.protocol.budget import Budget
from codex.protocol.event import Event
from codex.protocol.op import Interrupt, Op
from codex.protocol.user_input import UserInput
from codex.threads import Thread

if TYPE_CHECKING:
    from codex.base.jsontext import JsonObject
    from codex.ports.dynamic_tools import DynamicTools
    from codex.ports.store import ThreadPage, ThreadQuery

T = TypeVar("T")
Prompt = str | Sequence[UserInput]
_AHEAD = 256


@asynccontextmanager
async def open_engine(
    config: Config,
    *,
    mode: Mode = "thread",
    environ: Mapping[str, str] | None = None,
    originator: str = "codex_python",
    client: ModelClient | None = None,
    on_approval: OnApproval | None = None,
) -> AsyncGenerator["Engine", None]:
    """Open an engine; leaving the block stops all threads, processes and connections, and returns when all are gone.

    Cancelled, it does the same, in bounded time.

    Args:
      mode: `thread` runs the engine in a thread of its own, so that neither slows the other; `guest` runs it in the
        loop's own thread.
      originator: the name under which servers know the program.
      client: another model client than the one that `config.model_provider` names; it is used in Trio.
      on_approval: answers the questions of all threads; a function of yours, async or not, called on the loop.
    """
    bridge = Bridge(mode)
    engine = Engine(bridge)

    async def live(ready: Callable[[], None]) -> None:
        reviewer = None if on_approval is None else _Reviewer(bridge, on_approval)
        opened = open_codex(config, environ=environ, originator=originator, client=client, reviewer=reviewer)
        async with opened as engine.codex:
            ready()
            await trio.sleep_forever()

    await bridge.open(live)
    try:
        yield engine
    finally:
        await bridge.close()  # noqa: ASYNC102  it has deadlines in Trio


class Engine:
    """A running engine; `open_engine` makes one. What it raises is what `codex.Codex` raises, and EngineStopped."""

    codex: Codex

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def call(self, work: Callable[[Codex], Awaitable[T]]) -> T:
        """Run an async function of Trio's with the engine: the way to everything that has no method here.

        Cancelled, it is cancelled, and has ended when this returns.
        """
        return await self._bridge.call(lambda: work(self.codex))

    async def start_thread(
        self, config: Config | None = None, *, budget: Budget | None = None, tools: Sequence[FunctionTool] = ()
    ) -> "EngineThread":
        """Start a thread, with other settings, a budget and tools of yours if given."""
        brought = self._brought(tools)
        return self._thread(await self.call(lambda codex: codex.start_thread(config, budget=budget, tools=brought)))

    async def resume_thread(self, thread_id: str, *, tools: Sequence[FunctionTool] = ()) -> "EngineThread":
        """Go on with the stored thread of this id or name, or join the living one."""
        brought = self._brought(tools)
        return self._thread(await self.call(lambda codex: codex.resume_thread(thread_id, tools=brought)))

    async def fork_thread(
        self, thread_id: str, *, turn: str | None = None, before: str | None = None
    ) -> "EngineThread":
        """Start a thread with the history of another one: all of it, up to a turn, or before one."""
        return self._thread(await self.call(lambda codex: codex.fork_thread(thread_id, turn=turn, before=before)))

    async def list_threads(self, query: "ThreadQuery | None" = None) -> "ThreadPage":
        """A page of the stored threads."""
        return await self.call(lambda codex: codex.list_threads(query))

    def _thread(self, thread: Thread) -> "EngineThread":
        return EngineThread(self._bridge, thread)

    def _brought(self, tools: Sequence[FunctionTool]) -> "DynamicTools | None":
        return bring(tools, run=self._bridge.call_back) if tools else None


class EngineThread:
    """A living thread; `async with thread` stops it when the block is left."""

    def __init__(self, bridge: Bridge, thread: Thread) -> None:
        self._bridge = bridge
        self._thread = thread

    @property
    def thread_id(self) -> str:
        """Its UUID."""
        return self._thread.thread_id

    async def call(self, work: Callable[[Thread], Awaitable[T]]) -> T:
        """Run an async function of Trio's with the thread: sub-agents, background terminals, everything else."""
        return await self._bridge.call(lambda: work(self._thread))

    @overload
    async def ask(self, prompt: Prompt, *, on_approval: OnApproval | None = None) -> str: ...
    @overload
    async def ask(self, prompt: Prompt, *, output_type: type[T], on_approval: OnApproval | None = None) -> T: ...
    async def ask(
        self, prompt: Prompt, *, output_type: type[T] | None = None, on_approval: OnApproval | None = None
    ) -> str | T:
        """Run one turn; the model's last message. Cancelling interrupts the turn, which has ended then.

        Args:
          output_type: the message is to be a value of this type, which is given; the model is asked for its schema, and
            once more where the first answer does not fit.

        Raises:
          TurnError: the turn failed or was interrupted.
          NotTyped: the second answer did not fit either.
        """
        answered = self._answered(on_approval)
        if output_type is None:
            return await self.call(lambda thread: thread.ask(prompt, on_approval=answered))
        return await self.call(lambda thread: thread.ask(prompt, output_type=output_type, on_approval=answered))

    def run(
        self,
        prompt: Prompt,
        *,
        output_schema: "JsonObject | None" = None,
        on_approval: OnApproval | None = None,
    ) -> "EngineTurn":
        """The events of a turn, which starts at the first step; see `EngineTurn`."""
        answered = self._answered(on_approval)

        async def pump(put: Callable[[Event], Awaitable[None]]) -> None:
            async with self._thread.run(prompt, output_schema=output_schema, on_approval=answered) as events:
                async for event in events:
                    await put(event)

        return EngineTurn(self._bridge, pump)

    async def submit(self, op: Op) -> str:
        """Hand an operation to the thread; its id."""
        return await self.call(lambda thread: thread.submit(op))

    async def interrupt(self) -> None:
        """Ask the running turn to end; its events tell when it has."""
        await self.submit(Interrupt())

    async def compact(self) -> None:
        """Replace the history by a summary of it."""
        await self.call(lambda thread: thread.compact())

    async def stop(self) -> None:
        """End the thread with all below it; returns when nothing is left of it."""
        await self.call(lambda thread: thread.stop())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stopping = self._bridge.start(self._thread.stop)
        await settled(stopping.ended)  # noqa: ASYNC102  it has deadlines in Trio

    def _answered(self, on_approval: OnApproval | None) -> OnApproval | None:
        if on_approval is None:
            return None

        async def ask(question: Question) -> Answer:
            return await self._bridge.call_back(partial(answer_by, on_approval, question))

        return ask


class EngineTurn:
    """Starts a turn at the first step and gives its events, the last being the one that ends it.

        async with thread.run("...") as events:      # leaving early interrupts the turn and waits for its end
            async for event in events: ...

    Whoever reads slowly is waited for: the thread itself goes on, see `Subscription` for what it keeps.
    """

    def __init__(self, bridge: Bridge, pump: Callable[[Callable[[Event], Awaitable[None]]], Awaitable[None]]) -> None:
        self._bridge = bridge
        self._pump = pump
        self._events: deque[Event] = deque()
        self._work: Work[None] | None = None
        self._news = asyncio.Event()
        self._room: trio.Event | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event. Cancel-safe: none is lost; the turn goes on."""
        if self._work is None:
            self._work = self._bridge.start(partial(self._pump, self._put))
            self._work.ended.add_done_callback(lambda _: self._news.set())
        while not self._events:
            if self._work.ended.done():
                self._work.ended.result()
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        event = self._events.popleft()
        if len(self._events) == _AHEAD // 2:
            self._bridge.soon(self._make_room)
        return event

    async def aclose(self) -> None:
        """Interrupt the turn if it runs, and return when it has ended. Bounded; cancelling does not shorten it."""
        if self._work is not None and not self._work.ended.done():
            self._work.cancel()
            await settled(self._work.ended)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _put(self, event: Event) -> None:
        self._events.append(event)
        if len(self._events) == 1:
            self._bridge.loop.call_soon_threadsafe(self._news.set)
        if len(self._events) >= _AHEAD:
            self._room = trio.Event()
            if len(self._events) > _AHEAD // 2:
                await self._room.wait()

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()


class _Reviewer:
    """Answers by a function that runs on the asyncio loop."""

    def __init__(self, bridge: Bridge, on_approval: OnApproval) -> None:
        self._bridge = bridge
        self._on_approval = on_approval

    async def review(self, question: Question) -> ReviewDecision:
        return await self._bridge.call_back(partial(answer_by, self._on_approval, question))
