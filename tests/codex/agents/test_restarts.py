"""What a parent does about children that fail: the law of restarts, against a plain count of what was allowed."""

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.agents.restarts import Restarts

MAX, PERIOD = 3, 10.0


class OfOneParent(RuleBasedStateMachine):
    """The model keeps all restarts with their times; the machine may only keep what it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.restarts = Restarts(max_restarts=MAX, period=PERIOD)
        self.now = 0.0
        self.at: list[float] = []
        self.in_a_row = dict.fromkeys("abc", 0)

    @rule(seconds=st.floats(0, 15))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(child=st.sampled_from("abc"))
    def child_fails(self, child: str) -> None:
        recent = [at for at in self.at if at > self.now - PERIOD]
        decision = self.restarts.failed(child, "on_crash", now=self.now)
        if len(recent) < MAX:
            assert decision == min(0.5 * 2 ** self.in_a_row[child], 60.0)
            self.at.append(self.now)
            self.in_a_row[child] += 1
        else:
            assert decision == "escalated"
            self.in_a_row[child] = 0

    @rule(child=st.sampled_from("abc"))
    def child_that_is_never_restarted_fails(self, child: str) -> None:
        assert self.restarts.failed(child, "never", now=self.now) == "given up"

    @rule(child=st.sampled_from("abc"))
    def child_ends_well(self, child: str) -> None:
        self.restarts.ended_well(child)
        self.in_a_row[child] = 0

    @invariant()
    def never_more_than_allowed_in_any_period(self) -> None:
        for end in self.at:
            assert sum(end - PERIOD < at <= end for at in self.at) <= MAX


TestOfOneParent = OfOneParent.TestCase


def test_where_nothing_is_allowed_the_first_failure_goes_up() -> None:
    assert Restarts(max_restarts=0, period=1.0).failed("a", "on_crash", now=0.0) == "escalated"
