"""Who waits for a place among the agents; first come, first served.  Pure.

    asked --granted--> has a place      --withdrawn--> gone, without one
A place is only given to a waiter that may have it: one whose own budget is full lets those behind it pass.
Law: each waiter is granted at most once. A wait that can never end is refused: when all agents that hold a place wait
here themselves, nobody is left to give one back.
"""

from collections.abc import Callable, Collection

from codex.ports.agents import AgentFailure


class Waiter:
    """One spawn that waits for a place below `parent_id`; `failure` is why it will never get one."""

    __slots__ = ("failure", "granted", "parent_id", "wake")

    def __init__(self, parent_id: str, wake: Callable[[], None]) -> None:
        self.parent_id = parent_id
        self.wake = wake
        self.granted = False
        self.failure: AgentFailure | None = None


class PlaceQueue:
    """The waiters of one tree, in the order of their coming."""

    def __init__(self) -> None:
        self._waiters: list[Waiter] = []

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiters)

    def join(self, waiter: Waiter, working: Collection[str]) -> None:
        """Wait from now on.

        Raises: AgentFailure when nobody who holds a place would be left to work.
        """
        waiting = {waiter.parent_id, *(other.parent_id for other in self._waiters)}
        if working and waiting >= set(working):
            raise AgentFailure(
                "collab spawn failed: every agent that holds a place would wait for another one's end; close an agent, "
                "or raise agents.max_threads"
            )
        self._waiters.append(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Do not wait any more."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def grant(self, reserve: Callable[[str], bool]) -> None:
        """Places may be free: give them out. `reserve` takes one for a parent and says whether there was one."""
        for waiter in [*self._waiters]:
            try:
                waiter.granted = reserve(waiter.parent_id)
            except AgentFailure as failure:
                waiter.failure = failure
            if waiter.granted or waiter.failure:
                self._waiters.remove(waiter)
                waiter.wake()
