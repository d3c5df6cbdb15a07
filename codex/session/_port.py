"""The session, as its turn and its tools see it: every call is a question to the session's actor."""

from collections.abc import Sequence
from functools import partial

from actors import ActorGone, MailboxFull, Ref
from codex.ports.model import ModelRequest
from codex.protocol.event import EventMsg
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import UserInput
from codex.session.messages import Message, NextRequest, Publish, RecordInput, Tell


class SessionPort:
    """Implements the turn's port and the tools' publisher. Cancelled, a question may still be acted on."""

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

    async def next_request(self) -> ModelRequest:
        """The request that carries the history as it is now."""
        return await self._session.ask(NextRequest)

    async def record_input(self, items: tuple[UserInput, ...]) -> None:
        """Put input from the user into the history."""
        await self._session.ask(partial(RecordInput, items))
