"""The events of one turn, as whoever started it reads them."""

from types import TracebackType
from typing import Protocol, Self

import trio

from codex.protocol.event import Event, ends_turn
from codex.protocol.op import Interrupt, Op, TurnInput
from codex.session import Outbox, Subscription

_INTERRUPT_WITHIN = 10.0


class Submitter(Protocol):
    """What takes operations: a thread."""

    @property
    def outbox(self) -> Outbox:
        """Where its events come from."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it takes operations."""
        ...

    async def submit(self, op: Op) -> str:
        """Hand it an operation."""
        ...


class TurnEvents:
    """Starts a turn at the first step and gives its events, the last being the one that ends it.

        async for event in thread.run("..."): ...

        async with thread.run("...") as events:      # leaving early interrupts the turn and waits for its end
            async for event in events: ...

    Left early without `async with`, the turn goes on.
    """

    def __init__(self, thread: Submitter, turn: TurnInput) -> None:
        self._thread = thread
        self._turn = turn
        self._subscription: Subscription | None = None
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event. Cancel-safe: none is lost; the turn goes on.

        Raises:
          UserError: the thread does not take the input.
          ThreadEnded: the thread is gone.
        """
        if self._ended:
            raise StopAsyncIteration
        if self._subscription is None:
            self._subscription = self._thread.outbox.subscribe()
            try:
                await self._thread.submit(self._turn)
            except BaseException:
                self._leave()
                raise
        try:
            event = await anext(self._subscription)
        except StopAsyncIteration:
            self._leave()
            raise
        if ends_turn(event.msg):
            self._leave()
        return event

    async def aclose(self) -> None:
        """Interrupt the turn if it runs, and return when it has ended. Bounded; cancelling does not shorten it."""
        if self._subscription is None or self._ended:
            return
        with trio.move_on_after(_INTERRUPT_WITHIN, shield=True):
            if self._thread.alive:
                await self._thread.submit(Interrupt())
            async for _ in self:
                pass
        self._leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _leave(self) -> None:
        self._ended = True
        if self._subscription is not None:
            self._thread.outbox.unsubscribe(self._subscription)
