"""What a turn needs from above: where its events go, how its requests are made, and what its tools may use."""

from collections.abc import Sequence
from random import random
from typing import Literal, Protocol, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.model import StreamRetry, stream_retry
from codex.ports.model import ModelClient, ModelError, ModelRequest
from codex.protocol.event import EventMsg
from codex.protocol.op import TurnInput
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import UserInput
from codex.tools import Router, ToolContext

Phase: TypeAlias = Literal["manual", "pre_turn", "mid_turn"]


@frozen
class Summary:
    """What a model wrote for a compaction: its message, the id of its response, and what that has used."""

    compaction_id: str
    item: ResponseItem
    response_id: str
    usage: TokenUsage | None


@frozen
class CompactionDone:
    """The summary is the history now."""


@frozen
class CompactionBroke:
    """There is no summary; the history is what it was."""

    error: ModelError


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

    async def begin(self) -> None:
        """Put what the turn starts with into the history: news of the context, and the user's input."""
        ...

    async def next_request(self) -> ModelRequest | None:
        """The request that carries the history as it is now; None when it has to be compacted first.

        Raises: ModelError when the context is full and compacting it again would not help.
        """
        ...

    async def summary_request(self, phase: Phase, dropped: int) -> ModelRequest:
        """The request for a summary of the history, without its `dropped` oldest items.

        Raises: ModelError when nothing is left to be summed up.
        """
        ...

    async def replace_history(self, summary: Summary, phase: Phase) -> None:
        """Let the summary take the place of the history, on disk first; on any error the old one stays in force.

        Raises: ModelError when that would make the context larger, CodexError when the disk refuses.
        """
        ...

    async def record_input(self, items: tuple[UserInput, ...], client_id: str | None) -> None:
        """Put input from the user into the history."""
        ...


class TurnGate(Protocol):
    """Who is asked when the turn begins and before it ends, and around its requests. All of it is cancel-safe."""

    async def open(self) -> bool:
        """Whether the turn may begin, and its input enter the history. Cancel-safe."""
        ...

    async def close(self, last_message: str | None) -> bool:
        """Whether the turn goes on, with something new for the model. Cancel-safe."""
        ...

    async def request_begins(self) -> str | None:
        """The reason why the model must not be asked; None where it may."""
        ...

    async def request_ended(self, usage: TokenUsage | None, error: str | None) -> None:
        """The model has answered, or failed."""
        ...

    async def compaction_begins(self, phase: Phase) -> str | None:
        """The reason why the history must stay as it is; None where it may be compacted."""
        ...

    async def compaction_ended(self, phase: Phase) -> None:
        """The history was compacted."""
        ...


@frozen
class TurnContext:
    """One turn: its id, its model and its tools.

    `full`: the history has to be compacted before the turn begins; `only_compacts`: the turn is for that alone;
    `compactable`: there is something in it that a compaction leaves out.
    """

    turn_id: str
    client: ModelClient
    router: Router
    tools: ToolContext
    port: TurnPort
    max_retries: int
    full: bool = False
    only_compacts: bool = False
    compactable: bool = True
    gate: TurnGate | None = None

    def retry(self, error: ModelError, attempt: int) -> StreamRetry | None:
        """The attempt 1, 2, … after a stream that broke off; None when this error is final."""
        endless = self.tools.config.features.get("unbounded_connection_retries", False)
        return stream_retry(error, attempt, self.max_retries, random(), endless=endless)


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
