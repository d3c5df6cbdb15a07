"""A compaction whose model gives no summary tries again within bounds, and then gives up."""

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.model import StreamRetry
from codex.ports.model import ModelError
from codex.turn._attempts import Again, Attempts, GiveUp

CUT = ModelError("cut", "stream_disconnected", retryable=True)
TOO_LARGE = ModelError("too large", "context_window_exceeded")
RETRY = StreamRetry(0.2, "again")


def test_each_overflow_leaves_out_more_of_the_oldest_items() -> None:
    attempts = Attempts()
    assert [attempts.broke(TOO_LARGE, None) for _ in range(4)] == [Again(1), Again(3), Again(7), Again(15)]


def test_a_broken_stream_is_tried_again_with_the_same_items() -> None:
    attempts = Attempts()
    attempts.broke(TOO_LARGE, None)
    assert attempts.broke(CUT, RETRY) == Again(1, RETRY)


def test_an_error_that_is_final_ends_it() -> None:
    error = ModelError("no key", "unauthorized")
    assert Attempts().broke(error, None) == GiveUp(error)


@given(st.integers(1, 10**6))
def test_the_items_are_used_up_after_a_logarithm_of_overflows(items: int) -> None:
    attempts, overflows = Attempts(), 0
    while attempts.dropped < items:
        attempts.broke(TOO_LARGE, None)
        overflows += 1
    assert overflows <= items.bit_length()


class Attempting(RuleBasedStateMachine):
    """Failures of all kinds, with a policy that allows three retries in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = Attempts()
        self.in_a_row = self.overflows = 0
        self.over = False

    @precondition(lambda self: not self.over)
    @rule()
    def the_stream_breaks(self) -> None:
        retry = RETRY if self.attempts.failures < 3 else None
        followed = self.attempts.broke(CUT, retry)
        if self.in_a_row == 3:
            assert followed == GiveUp(CUT)
            self.over = True
        else:
            assert followed == Again(2**self.overflows - 1, RETRY)
            self.in_a_row += 1

    @precondition(lambda self: self.over)
    @rule()
    def another_compaction_begins(self) -> None:
        self.attempts = Attempts()
        self.in_a_row = self.overflows = 0
        self.over = False

    @precondition(lambda self: not self.over)
    @rule()
    def the_context_is_too_large(self) -> None:
        self.overflows += 1
        self.in_a_row = 0
        assert self.attempts.broke(TOO_LARGE, None) == Again(2**self.overflows - 1)

    @invariant()
    def what_is_left_out_only_grows(self) -> None:
        assert self.attempts.dropped == 2**self.overflows - 1


TestAttempting = Attempting.TestCase
TestAttempting.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
