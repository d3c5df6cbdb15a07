"""Leases on paths: who of those that share a directory may write where.  Pure.

    wanted --nobody else holds it---------> held --release--> free
    wanted --another owner holds it-------> waiting --the last one gives it back--> held     --withdrawn--> gone
    wanted --its holders wait for the one that asks-----------------------------------------> refused, with the circle
Law: no path that one owner holds is, contains or lies in a path of another. All paths of one wish are given at once, in
the order of asking; only owners that hold something already may pass those that wait, who could else wait for them.
Not decided here: how long a wish waits (leasing), what is a path's place on disk (leasing), what is written (tools).
"""

from collections.abc import Callable, Collection, Iterator

import attrs


def meet(one: str, other: str) -> bool:
    """Whether two paths are the same, or one contains the other."""
    return one == other or one.startswith(f"{other.rstrip('/')}/") or other.startswith(f"{one.rstrip('/')}/")


@attrs.define(eq=False)
class Wish:
    """An owner wants all of these paths; `wake` is called when it has them."""

    owner: str
    paths: tuple[str, ...]
    wake: Callable[[], None] = lambda: None
    granted: bool = False


class LeaseTable:
    """The leases of one tree."""

    def __init__(self) -> None:
        self._held: dict[str, set[str]] = {}
        self._waiting: list[Wish] = []

    def held(self, owner: str) -> Collection[str]:
        """What an owner has."""
        return frozenset(self._held.get(owner, ()))

    def ask(self, wish: Wish) -> tuple[str, ...]:
        """Take the paths, or wait for them; or the circle of owners from the one that asks back to it."""
        circle = self._circle(wish)
        if circle:
            return circle
        earlier = () if wish.owner in self._held else self._waiting
        if not self._in_the_way(wish) and not any(_conflict(wish, one) for one in earlier):
            self._grant(wish)
        else:
            self._waiting.append(wish)
        return ()

    def holders(self, wish: Wish) -> Collection[str]:
        """Those that a wish waits for."""
        return tuple(dict.fromkeys(self._in_the_way(wish)))

    def withdraw(self, wish: Wish) -> None:
        """Do not wait for it any more; what stood behind it may come."""
        if wish in self._waiting:
            self._waiting.remove(wish)
            self._hand_out()

    def release(self, owner: str) -> None:
        """The owner gives back all it has, and wants nothing any more."""
        self._held.pop(owner, None)
        self._waiting = [wish for wish in self._waiting if wish.owner != owner]
        self._hand_out()

    def _hand_out(self) -> None:
        passed: list[Wish] = []
        for wish in [*self._waiting]:
            behind = () if wish.owner in self._held else passed
            if self._in_the_way(wish) or any(_conflict(wish, one) for one in behind):
                passed.append(wish)
            else:
                self._waiting.remove(wish)
                self._grant(wish)

    def _grant(self, wish: Wish) -> None:
        self._held.setdefault(wish.owner, set()).update(wish.paths)
        wish.granted = True
        wish.wake()

    def _in_the_way(self, wish: Wish) -> list[str]:
        return [
            owner
            for owner, paths in self._held.items()
            if owner != wish.owner and any(meet(path, wanted) for path in paths for wanted in wish.paths)
        ]

    def _circle(self, wish: Wish) -> tuple[str, ...]:
        """How those that the wish would wait for come back to its owner."""
        ways: list[tuple[str, ...]] = [(wish.owner, holder) for holder in self._in_the_way(wish)]
        seen = set[str]()
        for way in ways:
            if way[-1] == wish.owner:
                return way
            if way[-1] not in seen:
                seen.add(way[-1])
                ways.extend((*way, holder) for holder in self._waited_for(way[-1]))
        return ()

    def _waited_for(self, owner: str) -> Iterator[str]:
        for wish in self._waiting:
            if wish.owner == owner:
                yield from self._in_the_way(wish)


def _conflict(one: Wish, other: Wish) -> bool:
    return one.owner != other.owner and any(meet(path, wanted) for path in one.paths for wanted in other.paths)
