"""The goal of one thread, as a pure machine.

    none     --set objective--> active                       or another status that was asked for
    active   --TurnEnded------> active                       the next turn begins by itself
    active   --used up--------> budgetLimited                the running turn goes on to its end
    active   --interrupted----> paused
    active   --TurnFailed-----> blocked | usageLimited       so that a fault does not repeat itself for ever
    active   --update---------> complete | blocked | paused  as the model says
    any      --set status-----> that status                  as the user says; active within a spent budget is not
    any      --clear----------> none
Law: what is used counts only while the goal is active, or in the turn in which it stopped to be so.
Not decided here: when a turn may begin (session), what the model is told (continuation).
"""

from typing import Literal

import attrs

from codex.base.errors import ToolFailure, UserError
from codex.protocol.goal import MAX_OBJECTIVE, Goal, GoalStatus

_KEEP = object()
_LIMITS = ("usage_limit_exceeded", "rate_limit_exceeded")


class GoalRefused(UserError, ToolFailure):
    """A goal cannot be what was asked for: told to the client, or to the model."""


class GoalMachine:
    """Decides what becomes of a goal; `now` is the wall time in seconds."""

    def __init__(self, goal: Goal | None = None) -> None:
        self.goal = goal
        self._turn_began: float | None = None
        self._counts = False

    @property
    def wants_turn(self) -> bool:
        """Whether a turn is to begin by itself where none runs."""
        return self.goal is not None and self.goal.status == "active"

    def set(
        self,
        *,
        now: float,
        objective: str | None = None,
        status: GoalStatus | None = None,
        token_budget: "int | None | object" = _KEEP,
    ) -> Goal:
        """What the user says of it; what is left out stays.

        Raises:
          GoalRefused: there is no goal yet, or that is none.
        """
        before = self.goal
        if objective is not None:
            objective = objective.strip()
            if not objective:
                raise GoalRefused("goal objective must not be empty")
            if len(objective) > MAX_OBJECTIVE:
                raise GoalRefused(f"goal objective must be at most {MAX_OBJECTIVE} characters")
        if isinstance(token_budget, int) and token_budget <= 0:
            raise GoalRefused("goal budgets must be positive when provided")
        if objective is not None and (before is None or before.status == "complete"):
            before = Goal(objective, "active", int(now), int(now))
        if before is None:
            raise GoalRefused("cannot update goal: no goal exists; give it an objective")
        self._count_time(now)
        self.goal = attrs.evolve(
            before,
            objective=before.objective if objective is None else objective,
            status=status or ("active" if objective is not None else before.status),
            token_budget=before.token_budget if token_budget is _KEEP else token_budget,
            updated_at=int(now),
        )
        self._limit()
        if self._turn_began is not None:
            self._turn_began, self._counts = now, self.wants_turn
        return self.goal

    def create(self, objective: str, token_budget: int | None, *, now: float) -> Goal:
        """What the model says: a goal where there is none.

        Raises:
          GoalRefused: there is one that is not reached, or that is none.
        """
        if self.goal is not None and self.goal.status != "complete":
            raise GoalRefused(
                "cannot create a new goal because this thread already has one; end that with update_goal first"
            )
        return self.set(now=now, objective=objective, token_budget=token_budget)

    def end(self, status: Literal["complete", "blocked", "paused"], *, now: float) -> Goal:
        """What the model says of how far it is.

        Raises:
          GoalRefused: there is no goal.
        """
        if self.goal is None:
            raise GoalRefused("cannot update goal because this thread has no goal")
        self._count_time(now)
        self.goal = attrs.evolve(self.goal, status=status, updated_at=int(now))
        return self.goal

    def clear(self) -> bool:
        """Forget it; whether there was one."""
        had, self.goal, self._counts = self.goal is not None, None, False
        return had

    def turn_started(self, *, now: float) -> None:
        """A turn began, by itself or not."""
        self._turn_began, self._counts = now, self.wants_turn

    def used(self, tokens: int, *, now: float) -> bool:
        """A response was paid for; whether anything changed."""
        if self.goal is None or not self._counts:
            return False
        self._count_time(now)
        self.goal = attrs.evolve(self.goal, tokens_used=self.goal.tokens_used + tokens, updated_at=int(now))
        self._limit()
        return True

    def turn_ended(self, how: Literal["complete", "aborted", "failed"], kind: str = "", *, now: float) -> bool:
        """The turn is over; `kind` is the failure's. Whether anything changed."""
        counted = self._counts
        self._count_time(now)
        self._turn_began, self._counts = None, False
        if self.goal is None or not self.wants_turn or how == "complete":
            return counted and self.goal is not None
        stopped: GoalStatus = "paused" if how == "aborted" else "usageLimited" if kind in _LIMITS else "blocked"
        self.goal = attrs.evolve(self.goal, status=stopped, updated_at=int(now))
        return True

    def _count_time(self, now: float) -> None:
        if self.goal is not None and self._counts and self._turn_began is not None:
            passed = max(now - self._turn_began, 0.0)
            self.goal = attrs.evolve(self.goal, seconds_used=self.goal.seconds_used + passed)
            self._turn_began = now

    def _limit(self) -> None:
        if self.wants_turn and self.goal is not None and self.goal.remaining_tokens == 0:
            self.goal = attrs.evolve(self.goal, status="budgetLimited")
