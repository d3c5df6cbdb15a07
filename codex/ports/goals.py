"""The goals of threads, as tools see them."""

from typing import Literal, Protocol

from codex.protocol.goal import Goal


class Goals(Protocol):
    """Reads and changes the goal of a thread."""

    def get_goal(self, thread_id: str) -> Goal | None:
        """The goal of a thread, with what was used up to now."""
        ...

    def create_goal(self, thread_id: str, objective: str, token_budget: int | None) -> Goal:
        """Give a thread a goal.

        Raises: GoalRefused where it has one that is not reached, or where that is no goal.
        """
        ...

    def end_goal(self, thread_id: str, status: Literal["complete", "blocked", "paused"]) -> Goal:
        """Say how far the goal is.

        Raises: GoalRefused where there is none.
        """
        ...
