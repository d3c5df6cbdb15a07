"""Timers that belong to the runtime, so that they fire however stuck an actor is."""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

import trio

from ._protection import protected


@protected
class Timer:
    """One call in the future. `cancel` is idempotent and cheap."""

    __slots__ = ("_clock", "call", "when")

    def __init__(self, clock: Clock, when: float, call: Callable[[], None]) -> None:
        self._clock = clock
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """It will not fire any more."""
        if self.call is not None:
            self.call = None
            self._clock.forget()


@protected
class Clock:
    """Calls functions when their time has come, in the order of their times. The functions neither wait nor raise."""

    __slots__ = ("_cancelled", "_heap", "_order", "_task")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._cancelled = 0
        self._task: trio.lowlevel.Task | None = None

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        """Call it at this time of the Trio clock."""
        timer = Timer(self, when, call)
        heap = self._heap
        heappush(heap, (when, next(self._order), timer))
        if self._task is not None and heap[0][2] is timer:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)
        return timer

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call it after so many seconds."""
        return self.call_at(trio.current_time() + seconds, call)

    def forget(self) -> None:
        """One timer was cancelled; sweep when most were."""
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].call is not None]
            heapify(self._heap)
            self._cancelled = 0

    async def run(self) -> None:
        """Fire until cancelled; what was not due then does not fire."""
        while True:
            self._fire(trio.current_time())
            with trio.CancelScope(deadline=self._heap[0][0] if self._heap else math.inf):
                self._task = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(self._wake)

    def _fire(self, now: float) -> None:
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].call is None):
            timer = heappop(self._heap)[2]
            if timer.call is None:
                self._cancelled -= 1
            else:
                call, timer.call = timer.call, None
                call()

    def _wake(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
