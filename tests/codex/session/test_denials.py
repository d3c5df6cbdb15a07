"""How many refusals of the automatic reviewer a turn survives."""

from codex.protocol.approval import Approved, Denied, TimedOut
from codex.session._denials import Denials


def test_the_third_refusal_in_a_row_breaks_the_turn_off() -> None:
    denials = Denials()
    decisions = [Denied(), TimedOut(), Approved(), Denied(), Denied(), Denied(), Denied()]
    assert [denials.count(decision) for decision in decisions] == [False] * 5 + [True, False]


def test_the_tenth_refusal_of_a_turn_breaks_it_off() -> None:
    denials = Denials()
    broken = [denials.count(decision) for _ in range(10) for decision in (Denied(), Approved())]
    assert [place for place, off in enumerate(broken) if off] == [18]
