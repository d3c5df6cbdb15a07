"""The session, as its turn and its tools see it: every call is a question to the session's actor."""

from collections.abc import Sequence
from functools import partial

import trio

from actors import ActorGone, MailboxFull, Ref, Reply
from codex.ports.approvals import Asked
from codex.ports.model import ModelRequest
from codex.protocol.approval import ReviewDecision
from codex.protocol.event import EventMsg
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import UserInput
from codex.session.messages import (
    AbortTurn,
    BeginTurn,
    CloseQuestion,
    Inject,
    Message,
    NextRequest,
    OpenQuestion,
    Publish,
    RecordInput,
    ReplaceHistory,
    SummaryRequest,
    Tell,
)
from codex.turn import Phase, Summary

_STOPPED_WITHIN = 10.0


class SessionPort:
    """Implements the turn's port, the tools' publisher and their approvals.

    Cancelled, a question to the session may still be acted on.
    """

    def __init__(self, session: Ref[Message]) -> None:
        self._session = session

    async def publish(
        self,
        msgs: Sequence[EventMsg],
        items: Sequence[ResponseItem] = (),
        counted: tuple[str, TokenUsage] | None = None,
    ) -> None:
        """Keep the items and count the tokens, then show the events."""
        await self._session.ask(partial(Publish, tuple(msgs), tuple(items), counted))

    def tell(self, msg: EventMsg) -> None:
        """Show a passing event; dropped when the session is behind or gone."""
        try:
            self._session.send_nowait(Tell(msg))
        except (MailboxFull, ActorGone):
            return

    def notify(self, items: Sequence[ResponseItem], *, wake: bool) -> None:
        """Put news into the history before the next request; lost when the session is gone."""
        try:
            self._session.send_nowait(Inject(tuple(items), wake), control=True)
        except ActorGone:
            return

    async def begin(self) -> None:
        """Put what the turn starts with into the history."""
        await self._session.ask(BeginTurn)

    async def next_request(self) -> ModelRequest | None:
        """The request that carries the history as it is now; None when it has to be compacted first."""
        return await self._session.ask(NextRequest)

    async def summary_request(self, phase: Phase, dropped: int) -> ModelRequest:
        """The request for a summary of the history, without its `dropped` oldest items."""
        return await self._session.ask(partial(SummaryRequest, phase, dropped))

    async def replace_history(self, summary: Summary, phase: Phase) -> None:
        """Let the summary take the place of the history; on any error the old one stays."""
        await self._session.ask(partial(ReplaceHistory, summary, phase))

    def inject(self, items: Sequence[ResponseItem]) -> None:
        """Put items into the history before the next request; nothing where the session is gone."""
        if items:
            try:
                self._session.send_nowait(Inject(tuple(items)), control=True)
            except ActorGone:
                return

    async def record_input(self, items: tuple[UserInput, ...], client_id: str | None) -> None:
        """Put input from the user into the history."""
        await self._session.ask(partial(RecordInput, items, client_id))

    async def review(self, asked: Asked) -> ReviewDecision:
        """The answer to the question. It is waited for here, so the session reads on; it keeps the deadline."""
        reply: Reply[ReviewDecision] = Reply()
        decision: ReviewDecision | None = None
        await self._session.send(OpenQuestion(asked, None, reply))
        try:
            decision = await reply.wait()
            return decision
        finally:
            self._close(asked.question.id, decision)

    async def abort(self, turn_id: str) -> None:
        """End the turn, and with it the call that waits here."""
        await self._session.send(AbortTurn(turn_id))
        with trio.move_on_after(_STOPPED_WITHIN):
            await trio.sleep_forever()

    def _close(self, question_id: str, decision: ReviewDecision | None) -> None:
        try:
            self._session.send_nowait(CloseQuestion(question_id, decision), control=True)
        except (ActorGone, MailboxFull):
            return  # the end of the turn closes it too
