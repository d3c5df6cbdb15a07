"""When a compaction is due, and that no turn compacts in a circle."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from codex.context import Budget, limits


def test_the_limit_is_nine_tenths_of_the_window_or_less_where_it_is_configured() -> None:
    assert limits(272_000, usable=258_400).auto == 244_800
    assert limits(272_000, usable=258_400, configured=50_000).auto == 50_000
    assert limits(272_000, usable=258_400, configured=260_000).auto == 244_800


def test_a_context_at_the_limit_is_compacted_and_one_below_is_not() -> None:
    budget = Budget(limits(1_000, usable=950, configured=500))
    assert (budget.verdict(499), budget.verdict(500)) == ("fits", "compact")


def test_the_beginning_of_the_window_does_not_count_where_only_its_body_does() -> None:
    budget = Budget(limits(10_000, usable=9_500, configured=500, scope="body_after_prefix"))
    assert budget.verdict(2_000) == "fits"
    budget.counted(2_000)
    budget.counted(2_400)
    assert (budget.verdict(2_499), budget.verdict(2_500)) == ("fits", "compact")
    budget.compacted(800)
    budget.counted(900)
    assert (budget.verdict(1_399), budget.verdict(1_400)) == ("fits", "compact")


def test_a_failed_compaction_is_tried_again_when_the_context_has_grown_or_a_turn_begins() -> None:
    budget = Budget(limits(1_000, usable=950))
    budget.tried(920)
    assert (budget.verdict(920), budget.verdict(940)) == ("fits", "compact")
    budget.tried(960)
    assert budget.verdict(960) == "full"
    budget.turn_began()
    assert budget.verdict(960) == "compact"


def test_a_compaction_that_saves_too_little_waits_until_the_context_has_grown() -> None:
    budget = Budget(limits(1_000, usable=None, configured=100))
    budget.compacted(300)
    budget.turn_began()
    assert (budget.verdict(310), budget.verdict(320)) == ("fits", "compact")


class Conversations(RuleBasedStateMachine):
    """A conversation of any sizes: what is sent fits, and between two compactions something has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget(limits(1_000, usable=950))
        self.tokens = 0
        self.tried_at: int | None = None

    @rule(tokens=st.integers(1, 400))
    def it_grows(self, tokens: int) -> None:
        self.tokens += tokens

    @rule()
    def a_turn_begins(self) -> None:
        self.budget.turn_began()
        if self.tried_at is not None and self.budget.verdict(self.tokens) == "compact":
            self.tried_at = None

    @precondition(lambda self: self.budget.verdict(self.tokens) == "compact")
    @rule(left=st.one_of(st.none(), st.floats(0, 0.99)))
    def it_is_compacted_or_not(self, left: float | None) -> None:
        assert self.tokens >= 900
        assert self.tried_at is None or self.tokens >= self.tried_at + self.budget.limits.growth
        self.budget.tried(self.tokens)
        assert self.budget.verdict(self.tokens) != "compact"
        self.tried_at = self.tokens
        if left is not None:
            self.tokens = int(self.tokens * left)
            self.budget.compacted(self.tokens)
            assert self.budget.verdict(self.tokens) != "compact"
            self.tried_at = self.tokens if self.tokens >= 900 else None

    @precondition(lambda self: self.budget.verdict(self.tokens) == "full")
    @rule()
    def it_is_full(self) -> None:
        assert self.tokens > 950
        assert self.tried_at is not None

    @precondition(lambda self: self.budget.verdict(self.tokens) == "fits")
    @rule()
    def it_is_sent(self) -> None:
        assert self.tokens <= 950
        self.budget.counted(self.tokens)


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
