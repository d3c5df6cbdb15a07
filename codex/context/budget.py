"""When a history has to be compacted, as a pure machine.

    fits    --the context grows-->  compact       at the automatic limit, or beyond what the model takes
    compact --tried-------------->  fits | full   until it is done it counts as failed; full: over what the model takes
    any     --compacted---------->  fits          also where little was won: then it must grow before the next time
    any     --turn began--------->  as the size says, where the last compaction failed
Law: after an attempt there is no other one at the same size, so a turn never compacts in a circle.
Not decided here: how tokens are counted (`History`), what a compaction keeps (`compact`).
"""

from typing import Literal, TypeAlias

import attrs

from codex.config.schema import CompactScope

Verdict: TypeAlias = Literal["fits", "compact", "full"]

_AUTO_PERCENT = 90
_GROWTH_PERCENT = 2


@attrs.frozen
class Limits:
    """Token limits of one model.

    `auto`: a compaction is due from here on. `usable`: more than this the model does not take; None where that is only
    guessed, since a guess must not end a conversation. `growth`: what must come on top before another attempt.
    """

    auto: int
    usable: int | None
    growth: int
    scope: CompactScope = "total"


def limits(window: int, *, usable: int | None, configured: int | None = None, scope: CompactScope = "total") -> Limits:
    """The limits in a window of so many tokens: 90 % of it, or less where the configuration says so."""
    most = window * _AUTO_PERCENT // 100
    auto = most if configured is None else min(configured, most)
    return Limits(auto, usable, max(window * _GROWTH_PERCENT // 100, 1), scope)


class Budget:
    """Says for a context of some size whether it may go to the model as it is."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._prefix: int | None = None
        self._again_at = 0
        self._failed = False

    def turn_began(self) -> None:
        """A new turn may try again what failed in the one before."""
        if self._failed:
            self._again_at, self._failed = 0, False

    def counted(self, input_tokens: int) -> None:
        """The server counted a request; the first one of a window is its prefix."""
        if self._prefix is None:
            self._prefix = input_tokens

    def verdict(self, tokens: int, *, answered: bool = True) -> Verdict:
        """What becomes of a context of this size; `answered`: it holds something of the model's, which can go."""
        over = self._is_over(tokens)
        if (over or (answered and self._measured(tokens) >= self.limits.auto)) and tokens >= self._again_at:
            return "compact"
        return "full" if over else "fits"

    def compacted(self, tokens: int) -> None:
        """A new window has begun with a context of this size."""
        # One that leaves more than the model takes has failed, too.
        self._prefix, self._failed = None, self._is_over(tokens)
        due = tokens >= self.limits.auto
        self._again_at = tokens + self.limits.growth if due else 0

    def tried(self, tokens: int) -> None:
        """A compaction begins at this size; as long as it is not done, it has brought nothing."""
        self._again_at, self._failed = tokens + self.limits.growth, True

    def _is_over(self, tokens: int) -> bool:
        return self.limits.usable is not None and tokens > self.limits.usable

    def _measured(self, tokens: int) -> int:
        if self.limits.scope == "total":
            return tokens
        return 0 if self._prefix is None else tokens - self._prefix
