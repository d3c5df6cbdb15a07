"""What a parent does about a child that has failed.  Pure.

    at work --failed, its role never restarts--------> given up
    at work --failed, as often as is allowed---------> waiting --its time has come--> at work
    at work --failed, more often than is allowed-----> given up, and its parent fails
Law: in any `period` a parent starts its children again at most `max_restarts` times, all of them together. A child that
fails again and again waits longer each time, up to the longest wait; one that has ended well waits shortly again.
Not decided here: what counts as a failure (registry), how a child is started again (revival).
"""

from collections import deque
from typing import Literal, TypeAlias

from codex.config.role import Restart

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0
# How long to wait before the child is started again; or that it is given up, without or with its parent.
Decision: TypeAlias = float | Literal["given up", "escalated"]


class Restarts:
    """The restarts of one parent's children."""

    def __init__(self, *, max_restarts: int, period: float) -> None:
        self._max_restarts = max_restarts
        self._period = period
        self._recent: deque[float] = deque()
        self._in_a_row: dict[str, int] = {}

    def failed(self, child: str, restart: Restart, *, now: float) -> Decision:
        """A child has failed; what follows."""
        if restart == "never":
            return "given up"
        while self._recent and self._recent[0] <= now - self._period:
            self._recent.popleft()
        if len(self._recent) >= self._max_restarts:
            self._in_a_row.pop(child, None)
            return "escalated"
        self._recent.append(now)
        before = self._in_a_row.get(child, 0)
        self._in_a_row[child] = before + 1
        return min(_FIRST_WAIT * 2.0**before, _LONGEST_WAIT)

    def ended_well(self, child: str) -> None:
        """A child has ended in another way: what it failed before does not count any more."""
        self._in_a_row.pop(child, None)
