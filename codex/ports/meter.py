"""What counts the use of a thread whose budget is limited."""

from collections.abc import Callable
from typing import Protocol

from codex.base.errors import ToolFailure


class BudgetExceeded(ToolFailure):
    """A call was not made because it would exceed a budget; the text, which is for the model, says which."""


class Meter(Protocol):
    """One thread's account."""

    def count_tool_call(self) -> None:
        """Book one call of a tool before it is made.

        Raises: BudgetExceeded when it may not be made.
        """
        ...

    def hold_process(self) -> Callable[[], None]:
        """Book a process before it is started; to be called when it has ended, or was not started. Twice does no harm.

        Raises: BudgetExceeded when there may not be one more.
        """
        ...
