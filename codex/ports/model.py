"""A model, as the turn sees it: a request goes out, batches of events come back.

The real client and the scripted model both stand behind `ModelClient`; nobody can tell which.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, TypeAlias

import attrs

from codex.base.errors import CodexError
from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage

ModelErrorKind: TypeAlias = Literal[
    "context_window_exceeded",
    "usage_limit_exceeded",
    "rate_limit_exceeded",
    "server_overloaded",
    "model_not_found",
    "unauthorized",
    "bad_request",
    "connection_failed",
    "stream_disconnected",
    "too_many_failed_attempts",
    "internal_server_error",
    "budget_exceeded",
    "other",
]


class ModelError(CodexError):
    """The model could not be asked, or its answer broke off.

    `retryable`: the same request may be sent again after `retry_after` seconds (None: the caller's back-off).
    """

    def __init__(
        self,
        message: str,
        kind: ModelErrorKind = "other",
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind: ModelErrorKind = kind
        self.retryable = retryable
        self.retry_after = retry_after
        self.http_status = http_status


@frozen
class ModelRequest:
    """One sampling request: the whole Responses body, and headers beside the client's own."""

    body: JsonObject
    headers: Mapping[str, str]


@frozen
class ResponseCreated:
    """The server began to answer."""

    response_id: str


@frozen
class OutputItemAdded:
    """An item begins; its text or input follows in deltas."""

    item: ResponseItem


@frozen
class OutputTextDelta:
    """More text of a message."""

    item_id: str
    delta: str
    pieces: tuple[str, ...] = attrs.field(default=(), eq=False, repr=False)
    """The text as it was cut when it came, where it came in several pieces."""


@frozen
class ReasoningTextDelta:
    """More text of a reasoning summary, or of the raw reasoning."""

    item_id: str
    delta: str
    raw: bool = False
    pieces: tuple[str, ...] = attrs.field(default=(), eq=False, repr=False)
    """The text as it was cut when it came, where it came in several pieces."""


@frozen
class OutputItemDone:
    """An item in its last form; calls may start at once."""

    item: ResponseItem


@frozen
class ResponseCompleted:
    """The answer is whole. `end_turn` is False where the model wants to go on without a tool call."""

    response_id: str
    usage: TokenUsage | None
    end_turn: bool | None = None


ResponseEvent: TypeAlias = (
    ResponseCreated | OutputItemAdded | OutputTextDelta | ReasoningTextDelta | OutputItemDone | ResponseCompleted
)


class ModelClient(Protocol):
    """A connection to a model provider, shared by all threads that use it."""

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[Sequence[ResponseEvent]]]:
        """Ask once; events come in batches, as they arrived together, and end after `ResponseCompleted`.

        Failed attempts before the first event are repeated inside (the provider's request retries). Leaving the
        block closes the response. Cancel-safe: the connection is closed, the server sees it.

        Raises:
          ModelError: on entering or while iterating.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections. Cancelling leaves none open either."""
        ...
