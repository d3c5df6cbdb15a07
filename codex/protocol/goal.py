"""What a thread works for until it is reached."""

from typing import Literal, TypeAlias

from codex.base.frozen import frozen

GoalStatus: TypeAlias = Literal["active", "paused", "blocked", "usageLimited", "budgetLimited", "complete"]

MAX_OBJECTIVE = 4_000
"""Characters of an objective."""


@frozen
class Goal:
    """An objective and what it has cost; times are whole seconds since 1970."""

    objective: str
    status: GoalStatus
    created_at: int
    updated_at: int
    token_budget: int | None = None
    tokens_used: int = 0
    seconds_used: float = 0.0

    @property
    def remaining_tokens(self) -> int | None:
        """The tokens that may still be used; None without a budget."""
        return None if self.token_budget is None else max(self.token_budget - self.tokens_used, 0)
