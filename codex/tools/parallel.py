"""Which calls of a turn may run at the same time: readers share, a writer is alone, and nobody overtakes.

    add(call) --nothing in its way--> running
    add(call) --------------------- > waiting (in order)
    done(call) ---------------------> the next ones in order that fit
Law: an exclusive call runs alone; calls start in the order they came.  Not decided here: how a call ends.
"""

from collections import deque


class Gate:
    """A readers-writer gate without waiting: it says who may start now."""

    def __init__(self) -> None:
        self._running: dict[str, bool] = {}
        self._waiting: deque[tuple[str, bool]] = deque()

    @property
    def open_calls(self) -> tuple[str, ...]:
        """Ids of the calls that run or wait, in the order they came."""
        return (*self._running, *(call_id for call_id, _ in self._waiting))

    def add(self, call_id: str, *, parallel: bool) -> list[str]:
        """Queue a call; the ids that start now."""
        self._waiting.append((call_id, parallel))
        return self._start()

    def done(self, call_id: str) -> list[str]:
        """A call ended, whether it ran or still waited; the ids that start now."""
        if self._running.pop(call_id, None) is None:
            self._waiting = deque(entry for entry in self._waiting if entry[0] != call_id)
        return self._start()

    def _start(self) -> list[str]:
        started: list[str] = []
        while self._waiting:
            call_id, parallel = self._waiting[0]
            if self._running and not (parallel and all(self._running.values())):
                break
            self._waiting.popleft()
            self._running[call_id] = parallel
            started.append(call_id)
        return started
