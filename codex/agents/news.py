"""Who waits for news in the second generation, where any agent of a tree may write to any other.  Pure.

    at work --wait--> waiting --news, or its time is over--> at work
Law: a wait is refused exactly where others wait already, everybody at work would wait then, and no news are under way
to anybody: nothing but time could end these waits. One that waits alone is no circle.
An agent at work can write to any other, or end, which is news to its parent; one at rest starts by news alone.
Not decided here: whether somebody outside of the tree can speak (mail), how long a wait lasts (tools).
"""

from collections.abc import Collection

from codex.ports.agents import AgentFailure


class NewsWaits:
    """All waits for news of one tree, by the ids of the agents."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}

    def enter(self, asker: str, at_work: Collection[str], with_news: Collection[str]) -> tuple[str, ...]:
        """The agent waits from now on; or, where nothing could end that, the circle from it back to it.

        Args:
          at_work: all whose turn is open, or is about to begin.
          with_news: all to whom something is under way that ends their wait, or begins their turn.
        """
        others = [one for one in self._waiting if one != asker]
        if others and not with_news and set(at_work) <= {asker, *others}:
            return (asker, *others, asker)
        self._waiting[asker] = None
        return ()

    def leave(self, asker: str) -> None:
        """The wait is over."""
        self._waiting.pop(asker, None)


def refused(circle: Collection[str]) -> AgentFailure:
    """What the one that asked is told; `circle` are paths."""
    return AgentFailure(
        f"nobody would be left to write: {' waits for '.join(circle)}; write to one of them, or end your turn with an "
        "answer"
    )
