"""Ctrl-C and SIGTERM: the first one ends the turn in an orderly way, the second one ends us at once.

    starting --SIGINT--> gone, exit 1                  SIGTERM keeps its default: gone by the signal
    running  --SIGINT or SIGTERM--> stopping           the turn is interrupted; the loop hears of it
    stopping --another one, or HARD_LIMIT--> gone      last words are written, then exit 1 or by the signal

Nothing is left running in any case: the processes of a turn end when we do. A signal that our parent ignores
(`nohup`, background jobs) stays ignored.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

HARD_LIMIT = 0.28  # seconds from the first signal until we are gone, whatever still hangs


class StopSignals:
    """Installed at the start; `arm` once a loop runs that can stop in an orderly way.

    With a `cleanup`, which is called whenever a signal ends us, SIGTERM is taken from the start too.
    """

    def __init__(self, *, hard_limit: float = HARD_LIMIT, cleanup: Callable[[], None] | None = None) -> None:
        self._hard_limit = hard_limit
        self._cleanup = cleanup
        self.received: int | None = None
        self._notify: Callable[[], None] | None = None
        self._last_words: Callable[[], None] | None = None
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
        if self._before[signal.SIGINT] is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._received_signal)
        if cleanup is not None:
            self._take_sigterm()

    def arm(self, notify: Callable[[], None], last_words: Callable[[], None]) -> None:
        """From now on the first signal calls `notify`; `last_words` are written if it must end hard."""
        self._notify, self._last_words = notify, last_words
        self._take_sigterm()

    def finish(self) -> None:
        """Put everything back; after a SIGTERM, end by it."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.received is not None and self._cleanup is not None:
            self._cleanup()
        if self.received == signal.SIGTERM:
            _end_by(signal.SIGTERM)

    def _take_sigterm(self) -> None:
        if self._before[signal.SIGTERM] is not signal.SIG_IGN:
            signal.signal(signal.SIGTERM, self._received_signal)

    def _received_signal(self, number: int, frame: FrameType | None) -> None:
        if self._notify is None or self.received is not None:
            self.received = self.received or number
            self._end_now()
        self.received = number
        signal.signal(signal.SIGALRM, self._too_late)
        signal.setitimer(signal.ITIMER_REAL, self._hard_limit)
        if self._notify is not None:
            self._notify()

    def _too_late(self, number: int, frame: FrameType | None) -> None:
        self._end_now()

    def _end_now(self) -> None:
        if self._last_words is not None:
            self._last_words()
        if self._cleanup is not None:
            self._cleanup()
        if self.received == signal.SIGTERM:
            _end_by(signal.SIGTERM)
        os._exit(1)


def _end_by(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
