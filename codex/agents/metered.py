"""An agent's model and tools, behind its account: what would exceed a budget is refused before it is made."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import attrs

from codex.agents.accounts import Accounts, Refused, Reservation, Resource
from codex.base.jsontext import JsonObject, encode_bytes, get_list
from codex.base.tokens import tokens_of_bytes
from codex.context.size import estimate_items
from codex.ports.meter import BudgetExceeded
from codex.ports.model import ModelClient, ModelError, ModelRequest, ResponseCompleted, ResponseEvent
from codex.protocol.usage import TokenUsage
from codex.session import Services

# An answer may be this long, where the budget has so much left.
_MAX_OUTPUT_TOKENS = 16_384
_MIN_OUTPUT_TOKENS = 16


def metered(services: Services, accounts: Accounts, account: str, report: Callable[[str], None]) -> Services:
    """The same services with a model and tools that book on the account."""
    client = MeteredClient(services.client, accounts, account, report)
    return attrs.evolve(services, client=client, meter=AccountMeter(accounts, account))


class AccountMeter:
    """Implements `codex.ports.meter.Meter`."""

    def __init__(self, accounts: Accounts, account: str) -> None:
        self._accounts = accounts
        self._account = account

    def count_tool_call(self) -> None:
        """Book one call before it is made. Raises: BudgetExceeded."""
        reservation = self._accounts.reserve(self._account, {"tool_calls": 1})
        if isinstance(reservation, Refused):
            raise BudgetExceeded(f"the tool was not called: {reservation}; finish with what you have")
        self._accounts.settle(reservation, {"tool_calls": 1})


class MeteredClient:
    """A model client that reserves the likely input and the longest output up the tree before each request.

    Where tokens are limited, the request carries `max_output_tokens`. A server that ignores it can exceed the budget
    by one response, which is reported; the next request is refused.

    Args:
      report: is told, in a sentence, of every limit that was exceeded.
    """

    def __init__(self, client: ModelClient, accounts: Accounts, account: str, report: Callable[[str], None]) -> None:
        self._client = client
        self._accounts = accounts
        self._account = account
        self._report = report

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[Sequence[ResponseEvent]], None]:
        """As `ModelClient.stream`; nothing is sent when the budget does not allow it.

        Raises: ModelError of the kind `budget_exceeded`, on entering.
        """
        input_tokens = _input_tokens(request.body)
        request, reservation = self._reserve(request, input_tokens)
        answer = _Answer()
        try:
            async with self._client.stream(request) as batches:
                yield answer.watch(batches)
        finally:
            self._book(reservation, answer.used(input_tokens))

    async def aclose(self) -> None:
        """Nothing: the client belongs to the engine."""

    def _reserve(self, request: ModelRequest, input_tokens: int) -> tuple[ModelRequest, Reservation]:
        wanted: dict[Resource, int] = {"model_calls": 1}
        left = self._accounts.left(self._account, "tokens")
        if left is not None:
            output = max(min(_MAX_OUTPUT_TOKENS, left - input_tokens), _MIN_OUTPUT_TOKENS)
            wanted["tokens"] = input_tokens + output
            request = ModelRequest({**request.body, "max_output_tokens": output}, request.headers)
        reservation = self._accounts.reserve(self._account, wanted)
        if isinstance(reservation, Refused):
            raise ModelError(f"the model was not asked: {reservation}", "budget_exceeded")
        return request, reservation

    def _book(self, reservation: Reservation, used: Mapping[Resource, int]) -> None:
        for overrun in self._accounts.settle(reservation, used):
            self._report(
                f"the budget of {overrun.account} allows {overrun.limit} {overrun.resource} and {overrun.used} are "
                "used: the model answered at more length than it was allowed"
            )


class _Answer:
    """What an answer tells of its cost while it passes by."""

    def __init__(self) -> None:
        self._begun = False
        self._usage: TokenUsage | None = None

    def watch(self, batches: AsyncIterator[Sequence[ResponseEvent]]) -> "_Answer":
        """The same batches, seen here on their way."""
        self._batches = batches
        return self

    def __aiter__(self) -> "_Answer":
        return self

    async def __anext__(self) -> Sequence[ResponseEvent]:
        batch = await anext(self._batches)
        self._begun = True
        for event in batch:
            if isinstance(event, ResponseCompleted):
                self._usage = event.usage
        return batch

    def used(self, input_tokens: int) -> Mapping[Resource, int]:
        """What the server counted; for an answer that broke off, what was sent."""
        if self._usage is not None:
            return {"model_calls": 1, "tokens": self._usage.input_tokens + self._usage.output_tokens}
        return {"model_calls": 1, "tokens": input_tokens if self._begun else 0}


def _input_tokens(body: JsonObject) -> int:
    items = [item for item in get_list(body, "input") if isinstance(item, dict)]
    return estimate_items(items) + tokens_of_bytes(len(encode_bytes(body.get("tools"))))
