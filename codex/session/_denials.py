"""Counts how often the automatic reviewer says no in one turn.  Pure.

Law: the turn is broken off at the third no in a row, or the tenth in all; a yes ends a row.
"""

from codex.protocol.approval import ReviewDecision, is_approval

_IN_A_ROW, _IN_ALL = 3, 10
TOO_MANY = (
    "the automatic reviewer refused too many actions, so the turn was ended: look at what the agent tries, and tell it "
    'what you want, or answer yourself with approvals_reviewer = "user"'
)


class Denials:
    """One turn's count."""

    def __init__(self) -> None:
        self._row = self._all = 0

    def count(self, decision: ReviewDecision) -> bool:
        """Take in a decision; whether the turn is to be broken off now."""
        if is_approval(decision):
            self._row = 0
            return False
        self._row, self._all = self._row + 1, self._all + 1
        return self._row == _IN_A_ROW or self._all == _IN_ALL
