"""What counts the use of a thread whose budget is limited."""

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
