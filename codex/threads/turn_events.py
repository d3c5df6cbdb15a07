"""The events of one turn, as whoever started it reads them."""

from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

import trio

from codex.base.errors import UserError
from codex.ports.approvals import OnApproval, answer_by
from codex.protocol.approval import ApplyPatchApprovalRequest, ExecApprovalRequest, Question, refusal_of
from codex.protocol.event import Event, ends_turn
from codex.protocol.op import Compact, ExecApproval, Interrupt, Op, PatchApproval, TurnInput
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

    With `on_approval` questions are answered by it, one after the other: each is given as an event first, and
    answered at the step after.
    """

    def __init__(self, thread: Submitter, turn: TurnInput | Compact, on_approval: OnApproval | None = None) -> None:
        self._thread = thread
        self._turn = turn
        self._on_approval = on_approval
        self._question: Question | None = None
        self._subscription: Subscription | None = None
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event. Cancel-safe: none is lost, an unanswered question comes again; the turn goes on.

        Raises:
          UserError: the thread does not take the input, or an answer does not fit its question.
          ThreadEnded: the thread is gone.
        """
        if self._ended:
            raise StopAsyncIteration
        if self._subscription is None:
            self._subscription = self._thread.outbox.subscribe(answers=self._on_approval is not None)
            try:
                await self._thread.submit(self._turn)
            except BaseException:
                self._leave()
                raise
        await self._answer()
        try:
            event = await anext(self._subscription)
        except StopAsyncIteration:
            self._leave()
            raise
        if ends_turn(event.msg):
            self._leave()
        elif isinstance(event.msg, ExecApprovalRequest | ApplyPatchApprovalRequest):
            self._question = event.msg
        return event

    async def _answer(self) -> None:
        """Answer the question that was given last, unless that was done meanwhile."""
        question = self._question
        if question is None or self._on_approval is None:
            return
        if question.id in self._thread.outbox.open_questions:
            decision = await answer_by(self._on_approval, question)
            wrong = refusal_of(question, decision)
            if wrong is not None:
                raise UserError(f"on_approval: {wrong}")
            op = ExecApproval if isinstance(question, ExecApprovalRequest) else PatchApproval
            with suppress(UserError):  # somebody else, or the clock, was faster
                await self._thread.submit(op(question.id, decision))
        self._question = None

    async def aclose(self) -> None:
        """Interrupt the turn if it runs, and return when it has ended. Bounded; cancelling does not shorten it."""
        if self._subscription is None or self._ended:
            return
        with trio.move_on_after(_INTERRUPT_WITHIN, shield=True):
            if self._thread.alive:
                await self._thread.submit(Interrupt())
            self._on_approval = None
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
