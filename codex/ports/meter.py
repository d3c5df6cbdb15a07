"""What counts the use of a thread whose budget is limited."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from codex.base.errors import ToolFailure
from codex.protocol.usage import TokenUsage


class BudgetExceeded(ToolFailure):
    """A call was not made because it would exceed a budget; the text, which is for the model, says which."""


class Meter(Protocol):
    """One thread's account."""

    async def count_tool_call(self) -> None:
        """Book one call of a tool before it is made. Cancelled, it may be booked all the same.

        Raises: BudgetExceeded when it may not be made.
        """
        ...

    async def hold_process(self) -> Callable[[], None]:
        """Book a process before it is started; to be called when it has ended, or was not started. Twice does no harm.

        Cancel-safe: cancelled, none is booked.

        Raises: BudgetExceeded when there may not be one more.
        """
        ...


@runtime_checkable
class Hold(Protocol):
    """What is set aside for one request to the model."""

    @property
    def longest(self) -> int | None:
        """How many tokens the answer may have; None where nothing limits it."""
        ...

    def book(self, usage: TokenUsage | None, *, begun: bool) -> None:
        """The request is over: what it used stays used, the rest is free again. Twice does no harm.

        Args:
          usage: what the server counted; None where it did not come so far.
          begun: the server had begun to answer, so the input counts in any case.
        """
        ...


class Purse(Protocol):
    """What one thread's requests to the model are paid from."""

    async def reserve(self, model: str, input_tokens: int) -> Hold:
        """Set aside what a request may need, here and at all above. Cancel-safe: cancelled, nothing is set aside.

        It waits while an answer would be cut short for what others have set aside.

        Raises: ModelError of the kind `budget_exceeded`; the request must not be sent then.
        """
        ...
