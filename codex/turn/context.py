"""What a turn needs from above: where its events go, how its requests are made, and what its tools may use."""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import attrs

from codex.ports.model import ModelClient, ModelRequest
from codex.protocol.event import EventMsg
from codex.protocol.op import TurnInput
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import UserInput
from codex.tools import Router, ToolContext


class TurnPort(Protocol):
    """The session, as its turn sees it."""

    async def publish(
        self,
        msgs: Sequence[EventMsg],
        items: Sequence[ResponseItem] = (),
        counted: tuple[str, TokenUsage] | None = None,
    ) -> None:
        """Keep the items, then show the events; `counted` is the id and the usage of a response that is whole."""
        ...

    async def next_request(self) -> ModelRequest:
        """The request that carries the history as it is now. Raises: ModelError when the context is full."""
        ...

    async def record_input(self, items: tuple[UserInput, ...]) -> None:
        """Put input from the user into the history."""
        ...


@attrs.frozen
class TurnContext:
    """One turn: its id, its model and its tools."""

    turn_id: str
    client: ModelClient
    router: Router
    tools: ToolContext
    port: TurnPort
    max_retries: int


Outcome: TypeAlias = Literal["completed", "failed", "aborted"]


@attrs.define
class TurnResult:
    """How the turn ended; filled in by the turn, read by the session once the turn is gone.

    Without an outcome the turn crashed, or was stopped by force. `left_over` is input that came too late for it.
    """

    outcome: Outcome | None = None
    last_message: str | None = None
    error_message: str = ""
    error_kind: str = "other"
    first_token_at: float | None = None
    left_over: list[TurnInput] = attrs.field(factory=list[TurnInput])
