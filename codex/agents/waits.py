"""Who waits for whose end among the agents of a tree.  Pure.

A wait ends with the first of its targets. An agent that waits for several things at once needs all of them.
    stuck agent: it has a wait, all targets of which are stuck, or are the one that asks
Law: no wait is entered whose targets are all stuck then, so there is never a circle of agents that nothing can end.
Not decided here: waits for letters, which anybody can write, and for places (queue).
"""

from collections.abc import Sequence

from codex.ports.agents import AgentFailure


class Wait:
    """An agent, by its id, waits for the end of the first of these."""

    __slots__ = ("targets", "waiter")

    def __init__(self, waiter: str, targets: tuple[str, ...]) -> None:
        self.waiter = waiter
        self.targets = targets


class Waits:
    """All waits of one tree."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []

    def enter(self, waiter: str, targets: Sequence[str]) -> Wait | tuple[str, ...]:
        """The agent waits from now on; or, where nothing could end that, the circle from it back to it.

        Targets that have ended already must not be given.
        """
        circle: tuple[str, ...] = ()
        for target in targets:
            path = self._stuck(target, waiter, (waiter,))
            if not path:
                break
            circle = circle or path
        else:
            if circle:
                return circle
        wait = Wait(waiter, tuple(targets))
        self._waits.append(wait)
        return wait

    def leave(self, wait: Wait) -> None:
        """The wait is over."""
        self._waits.remove(wait)

    def _stuck(self, agent: str, asker: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """How the agent comes back to the one that asks, if whatever it does it has to."""
        if agent == asker:
            return (*path, agent)
        if agent in path:
            return path  # a circle on the way: its other targets decide
        for wait in self._waits:
            if wait.waiter == agent:
                ways = [self._stuck(target, asker, (*path, agent)) for target in wait.targets]
                if ways and all(ways):
                    return next((way for way in ways if way[-1] == asker), ways[0])
        return ()


def refused(circle: Sequence[str]) -> AgentFailure:
    """What the one that asked is told; `circle` are paths or ids."""
    return AgentFailure(
        f"this wait would never end: {' waits for '.join(circle)}; finish what they wait for, or send them a message"
    )
