"""How a compaction goes on when the model gave no summary, as a pure machine.

    broke(retryable)       -> again after a pause     up to the provider's limit, counted anew after each overflow
    broke(too large)       -> again with less         the oldest items are left out: 1, then 2, 4, … more
    broke(anything else)   -> given up

Law: it ends: pauses are bounded by the limit between two overflows, overflows by the logarithm of the items.
Not decided here: what an error means (model), how items are left out (context).
"""

from typing import TypeAlias

import attrs

from codex.model import StreamRetry
from codex.ports.model import ModelError


@attrs.frozen
class Again:
    """Ask once more, without the `dropped` oldest items; `retry` is the pause before, and the words that tell it."""

    dropped: int
    retry: StreamRetry | None = None


@attrs.frozen
class GiveUp:
    """There will be no summary."""

    error: ModelError


Next: TypeAlias = Again | GiveUp


class Attempts:
    """Counts what failed and says what comes next."""

    def __init__(self) -> None:
        self.failures = 0
        self.dropped = 0
        self._step = 1

    def broke(self, error: ModelError, retry: StreamRetry | None) -> Next:
        """The request failed; `retry` is what the provider's policy says about it."""
        if error.kind == "context_window_exceeded":
            self.dropped, self._step, self.failures = self.dropped + self._step, self._step * 2, 0
            return Again(self.dropped)
        if retry is None:
            return GiveUp(error)
        self.failures += 1
        return Again(self.dropped, retry)
