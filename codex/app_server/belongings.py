"""What a client has running on the server besides threads: watches, processes, searches. It ends with the client."""

from collections.abc import Awaitable, Callable
from typing import Any, Never, TypeVar

from actors import Mailbox, Ref

T = TypeVar("T")


class Belongings:
    """The things of one client, by their kind and the name that the client gave them."""

    def __init__(self, owner: Mailbox[Any]) -> None:
        self._owner = owner
        self._things: dict[tuple[type[object], str], object] = {}
        self._running: set[Ref[Never]] = set()

    def find(self, kind: type[T], name: str) -> T | None:
        """The thing of this name."""
        thing = self._things.get((kind, name))
        return thing if isinstance(thing, kind) else None

    def keep(self, name: str, thing: object) -> None:
        """Know a thing by its name, instead of another one of the same kind and name."""
        self._things[(type(thing), name)] = thing

    def forget(self, name: str, thing: object) -> None:
        """Know it no longer, unless its name stands for another one now."""
        if self._things.get((type(thing), name)) is thing:
            del self._things[(type(thing), name)]

    def count(self, kind: type[object]) -> int:
        """How many there are of a kind."""
        return sum(1 for of_kind, _ in self._things if of_kind is kind)

    def spawn(self, run: Callable[[Mailbox[Never]], Awaitable[None]], name: str) -> Ref[Never]:
        """Run something that is stopped when the client leaves."""
        self._running = {ref for ref in self._running if ref.alive}
        ref: Ref[Never] = self._owner.spawn(run, name=name, shutdown=2.0)
        self._running.add(ref)
        return ref

    def end(self) -> None:
        """The client is gone: everything ends."""
        self._things.clear()
        for ref in self._running:
            ref.stop_nowait(reason="the client left")
