"""An agent's model and tools, behind its account: what would exceed a budget is refused before it is made."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio

from codex.agents.accounts import Accounts, Refused, Reservation, Resource
from codex.agents.prices import Price, Prices, how_to_name, price_of
from codex.base.jsontext import JsonObject, encode_bytes, get_list, get_str
from codex.base.tokens import tokens_of_bytes
from codex.context.size import estimate_items
from codex.ports.meter import BudgetExceeded, Purse
from codex.ports.model import ModelClient, ModelError, ModelRequest, ResponseCompleted, ResponseEvent
from codex.protocol.usage import TokenUsage
from codex.session import Services

# An answer may be this long, where the budget has so much left.
_MAX_OUTPUT_TOKENS = 16_384
_MIN_OUTPUT_TOKENS = 16
# An answer that could be no longer than this is worth waiting for, where others may give back what they set aside.
_WORTH_ASKING = 1_024
_EXCEEDED = "budget_exceeded"


class Freed:
    """The moment when something that was set aside is free again, for all that wait for one."""

    def __init__(self) -> None:
        self._next = trio.Event()

    def tell(self) -> None:
        """It is free again."""
        told, self._next = self._next, trio.Event()
        told.set()

    async def wait(self) -> None:
        """Wait for the next time. Cancel-safe."""
        await self._next.wait()


@attrs.frozen
class Till:
    """The accounts of a tree with what they count by: `prices` are those of the configuration, by model.

    `freed` tells that something which was set aside is free again; `report` is told, with the path of the agent
    that did it and in a sentence, of every limit that was exceeded.
    """

    accounts: Accounts
    prices: Prices
    report: Callable[[str, str], None]
    freed: Freed = attrs.field(factory=Freed)


def metered(services: Services, till: Till, account: str) -> Services:
    """The same services with a model and tools that book on the account."""
    purse = AccountPurse(till, account)
    client = MeteredClient(services.client, purse)
    return attrs.evolve(services, client=client, meter=AccountMeter(till.accounts, account), purse=purse)


class AccountMeter:
    """Implements `codex.ports.meter.Meter`."""

    def __init__(self, accounts: Accounts, account: str) -> None:
        self._accounts = accounts
        self._account = account

    async def count_tool_call(self) -> None:
        """Book one call before it is made. Raises: BudgetExceeded."""
        reservation = self._accounts.reserve(self._account, {"tool_calls": 1})
        if isinstance(reservation, Refused):
            raise BudgetExceeded(f"the tool was not called: {reservation}; finish with what you have")
        self._accounts.settle(reservation, {"tool_calls": 1})

    async def hold_process(self) -> Callable[[], None]:
        """Book one process for as long as it runs. Raises: BudgetExceeded."""
        reservation = self._accounts.reserve(self._account, {"processes": 1})
        if isinstance(reservation, Refused):
            raise BudgetExceeded(
                f"the command was not started: {reservation}; wait until one has ended, or end one that goes on"
            )
        return partial(self._accounts.release, reservation)


class MeteredClient:
    """A model client that reserves the likely input and the longest output before each request.

    Where tokens or money are limited, the request carries `max_output_tokens`. A server that ignores it can exceed the
    budget by one response, which is reported; the next request is refused.
    """

    def __init__(self, client: ModelClient, purse: Purse) -> None:
        self._client = client
        self._purse = purse

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[Sequence[ResponseEvent]], None]:
        """As `ModelClient.stream`; nothing is sent when the budget does not allow it.

        Raises: ModelError of the kind `budget_exceeded`, on entering.
        """
        hold = await self._purse.reserve(get_str(request.body, "model"), _input_tokens(request.body))
        if hold.longest is not None:
            request = ModelRequest({**request.body, "max_output_tokens": hold.longest}, request.headers)
        answer = _Answer()
        try:
            async with self._client.stream(request) as batches:
                yield answer.watch(batches)
        finally:
            hold.book(answer.usage, begun=answer.begun)

    async def aclose(self) -> None:
        """Nothing: the client belongs to the engine."""


class AccountPurse:
    """Implements `codex.ports.meter.Purse` by an account of the tree.

    Where money is limited, a model whose price is not known is not asked. What others have set aside is waited for
    where an answer would be cut short without it: they use it or give it back.
    """

    def __init__(self, till: Till, account: str) -> None:
        self._till = till
        self._account = account

    async def reserve(self, model: str, input_tokens: int) -> "AccountHold":
        """Set aside what a request may need."""
        price = price_of(self._till.prices, model)
        if price is None and self._till.accounts.left(self._account, "nano_usd") is not None:
            raise ModelError(f"the model was not asked: a budget limits USD, and {how_to_name(model)}", _EXCEEDED)
        longest = await self._wait_worth_asking(input_tokens, price)
        reservation = self._set_aside(input_tokens, longest, price)
        return AccountHold(self._till, self._account, reservation, longest, input_tokens, price)

    async def _wait_worth_asking(self, input_tokens: int, price: Price | None) -> int | None:
        """How long the answer may be; None where nothing limits that. Cancel-safe: nothing is set aside yet."""
        accounts = self._till.accounts
        while True:
            longest = self._longest(accounts.left, input_tokens, price)
            if longest is None:
                return None
            later = self._longest(accounts.unused, input_tokens, price)
            if longest >= _WORTH_ASKING or later is None or later <= longest:
                return max(longest, _MIN_OUTPUT_TOKENS)
            await self._till.freed.wait()

    def _longest(
        self, left: Callable[[str, Resource], int | None], input_tokens: int, price: Price | None
    ) -> int | None:
        """How many tokens of output there is room for behind the input; None for any number."""
        tokens, money = left(self._account, "tokens"), left(self._account, "nano_usd")
        most: list[int] = [] if tokens is None else [tokens - input_tokens]
        if money is not None and price is not None:
            most += price.affordable_output(money - price.nano_usd(TokenUsage(input_tokens)))
        return min(_MAX_OUTPUT_TOKENS, *most) if most else None

    def _set_aside(self, input_tokens: int, longest: int | None, price: Price | None) -> Reservation:
        output = _MAX_OUTPUT_TOKENS if longest is None else longest
        wanted: dict[Resource, int] = {"model_calls": 1, "tokens": input_tokens + output}
        if price is not None:
            wanted["nano_usd"] = price.nano_usd(TokenUsage(input_tokens, output_tokens=output))
        reservation = self._till.accounts.reserve(self._account, wanted)
        if isinstance(reservation, Refused):
            raise ModelError(f"the model was not asked: {reservation}", _EXCEEDED)
        return reservation


@attrs.define
class AccountHold:
    """Implements `codex.ports.meter.Hold`."""

    till: Till
    account: str
    reservation: Reservation
    longest: int | None
    input_tokens: int
    price: Price | None
    booked: bool = False

    def book(self, usage: TokenUsage | None, *, begun: bool) -> None:
        """The request is over."""
        if self.booked:
            return
        self.booked = True
        if usage is None:
            usage = TokenUsage(self.input_tokens if begun else 0)
        used: dict[Resource, int] = {"model_calls": 1, "tokens": usage.input_tokens + usage.output_tokens}
        if self.price is not None:
            used["nano_usd"] = self.price.nano_usd(usage)
        for overrun in self.till.accounts.settle(self.reservation, used):
            self.till.report(self.account, str(overrun))
        self.till.freed.tell()


class _Answer:
    """What an answer tells of its cost while it passes by."""

    def __init__(self) -> None:
        self.begun = False
        self.usage: TokenUsage | None = None

    def watch(self, batches: AsyncIterator[Sequence[ResponseEvent]]) -> "_Answer":
        """The same batches, seen here on their way."""
        self._batches = batches
        return self

    def __aiter__(self) -> "_Answer":
        return self

    async def __anext__(self) -> Sequence[ResponseEvent]:
        batch = await anext(self._batches)
        self.begun = True
        for event in batch:
            if isinstance(event, ResponseCompleted):
                self.usage = event.usage
        return batch


def _input_tokens(body: JsonObject) -> int:
    items = [item for item in get_list(body, "input") if isinstance(item, dict)]
    return estimate_items(items) + tokens_of_bytes(len(encode_bytes(body.get("tools"))))
