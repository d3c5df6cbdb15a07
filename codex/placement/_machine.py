"""One worker's life, as this process sees it.  Pure.

    starting --started--> serving --asked to stop--> stopping --gone--> gone
    starting, over its time to start ----> killed
    serving or stopping, nothing heard for longer than is allowed ----> killed
    stopping, over its time to stop -----> killed
    killed --gone--> gone
Law: whatever the worker does or leaves undone, it is killed in time once it is asked to stop or falls silent; its end
is a loss unless it was asked to stop, or said that its thread had ended and did so well. Time in which this process
itself did not run counts for nobody.
Not decided here: what the worker says (frames), what follows for its parent (agents).
"""

from typing import Literal, TypeAlias

State: TypeAlias = Literal["starting", "serving", "stopping", "killed", "gone"]
# What to do at a tick: nothing, ask whether it is there, end it by force.
Step: TypeAlias = Literal["nothing", "ping", "kill"]


class WorkerLife:
    """Follows one worker.

    Args:
      silence: the seconds it may say nothing, while it is asked every quarter of them.
    """

    def __init__(self, now: float, *, start_within: float, stop_within: float, silence: float) -> None:
        self.state: State = "starting"
        self._start_within, self._stop_within, self._silence = start_within, stop_within, silence
        self._start_by = now + start_within
        self._stop_by: float | None = None
        self._heard_at = self._next_at = now
        self._reason = ""
        self._said_farewell = False

    def next_tick(self, now: float) -> float:
        """When to look again."""
        limits = [now + self._silence / 4]
        if self.state == "starting":
            limits.append(self._start_by)
        if self._stop_by is not None:
            limits.append(self._stop_by)
        self._next_at = max(now, min(limits))
        return self._next_at

    def heard(self, now: float) -> None:
        """A frame has come, whichever."""
        self._heard_at = now

    def started(self) -> None:
        """Its thread is there."""
        if self.state == "starting":
            self.state = "serving"

    def asked_to_stop(self, now: float) -> None:
        """It was told to end."""
        if self.state in ("starting", "serving"):
            self.state, self._stop_by = "stopping", now + self._stop_within

    def farewell(self, failure: str | None) -> None:
        """It says that its thread has ended, and why, where that was not as it should be."""
        self._said_farewell = True
        self._reason = self._reason or failure or ""

    def tick(self, now: float) -> Step:
        """The time to look has come."""
        late = now - self._next_at
        if late > self._silence / 4:  # what it said may still be waiting to be read
            self._heard_at = min(now, self._heard_at + late)
            self._start_by += late
        if self.state in ("killed", "gone"):
            return "nothing"
        if self.state == "starting":
            return (
                "nothing" if now < self._start_by else self._kill(f"it did not start within {self._start_within:g} s")
            )
        if self._stop_by is not None and now >= self._stop_by:
            return self._kill(f"it did not end within {self._stop_within:g} s")
        if now >= self._heard_at + self._silence:
            return self._kill(f"it gave no sign of life for {self._silence:g} s")
        return "ping"

    def broken(self, reason: str) -> None:
        """What comes from it, or goes to it, is of no use any more."""
        self._kill(reason)

    def gone(self, how: str) -> str | None:
        """It is there no more, and ended so (empty: well). Why that is a loss; None where it is none."""
        self.state = "gone"
        if self._stop_by is not None:
            return None
        return self._reason or how or (None if self._said_farewell else "it ended without a word")

    def _kill(self, reason: str) -> Step:
        if self.state not in ("killed", "gone"):
            self._reason = self._reason or f"{reason} and was killed"
            self.state = "killed"
        return "kill"
