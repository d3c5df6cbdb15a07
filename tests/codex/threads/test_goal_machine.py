"""The goal of a thread: what it costs, and what ends it."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.protocol.goal import Goal
from codex.threads.goal import GoalMachine, GoalRefused


class Goals(RuleBasedStateMachine):
    """Against a model that adds up what was used while the goal counted."""

    def __init__(self) -> None:
        super().__init__()
        self.machine, self.now = GoalMachine(), 1_000.0
        self.in_turn, self.counts, self.tokens, self.seconds = False, False, 0, 0.0

    def active(self) -> bool:
        return self.machine.goal is not None and self.machine.goal.status == "active"

    @rule(budget=st.none() | st.integers(1, 50))
    def is_set(self, budget: int | None) -> None:
        if self.machine.goal is None or self.machine.goal.status == "complete":
            self.tokens, self.seconds = 0, 0.0
        self.machine.set(now=self.now, objective="do it", token_budget=budget)
        self.counts = self.in_turn and self.active()

    @rule()
    def is_cleared(self) -> None:
        had = self.machine.goal is not None
        assert self.machine.clear() == had
        self.counts, self.tokens, self.seconds = False, 0, 0.0

    @rule(status=st.sampled_from(["complete", "blocked", "paused"]))
    def model_ends_it(self, status: str) -> None:
        if self.machine.goal is None:
            with pytest.raises(GoalRefused):
                self.machine.end("complete", now=self.now)
        else:
            self.machine.end(status, now=self.now)  # type: ignore[arg-type]

    @rule()
    def turn_starts(self) -> None:
        if not self.in_turn:
            self.machine.turn_started(now=self.now)
            self.in_turn, self.counts = True, self.active()

    @rule(tokens=st.integers(0, 20), seconds=st.integers(0, 9))
    def response_comes(self, tokens: int, seconds: int) -> None:
        self.now += seconds
        if self.counts:
            self.tokens, self.seconds = self.tokens + tokens, self.seconds + seconds
        assert self.machine.used(tokens, now=self.now) == self.counts

    @rule(how=st.sampled_from(["complete", "aborted", "failed"]))
    def turn_ends(self, how: str) -> None:
        if self.in_turn:
            was_active = self.active()
            self.machine.turn_ended(how, now=self.now)  # type: ignore[arg-type]
            self.in_turn = self.counts = False
            assert self.active() == (was_active and how == "complete")

    @invariant()
    def costs_what_was_used(self) -> None:
        goal = self.machine.goal
        if goal is not None:
            assert (goal.tokens_used, goal.seconds_used) == (self.tokens, self.seconds)
            assert not (goal.status == "active" and goal.remaining_tokens == 0)
            assert self.machine.wants_turn == self.active()


TestGoals = Goals.TestCase


def test_a_goal_needs_an_objective_that_can_be_kept_in_mind() -> None:
    machine = GoalMachine()
    for wrong, told in (
        ({"status": "active"}, "cannot update goal: no goal exists"),
        ({"objective": "  "}, "goal objective must not be empty"),
        ({"objective": "x" * 4_001}, "goal objective must be at most 4000 characters"),
        ({"objective": "x", "token_budget": 0}, "goal budgets must be positive when provided"),
    ):
        with pytest.raises(GoalRefused, match=told):
            machine.set(now=1.0, **wrong)  # type: ignore[arg-type]
        assert machine.goal is None


def test_a_spent_budget_stops_a_goal_until_it_is_raised() -> None:
    machine = GoalMachine(Goal("do it", "active", 1, 1, token_budget=10))
    machine.turn_started(now=1.0)
    machine.used(10, now=3.0)
    assert machine.goal == Goal("do it", "budgetLimited", 1, 3, 10, 10, 2.0)
    machine.set(now=4.0, status="active")
    assert not machine.wants_turn
    machine.set(now=5.0, status="active", token_budget=11)
    assert machine.wants_turn


def test_a_turn_that_fails_blocks_the_goal_and_one_at_the_limit_says_so() -> None:
    for kind, status in (("other", "blocked"), ("usage_limit_exceeded", "usageLimited")):
        machine = GoalMachine(Goal("do it", "active", 1, 1))
        machine.turn_started(now=1.0)
        machine.turn_ended("failed", kind, now=2.0)
        assert machine.goal == Goal("do it", status, 1, 2, seconds_used=1.0)  # type: ignore[arg-type]
