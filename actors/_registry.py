"""Names for refs: who is found under which name, and who wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ._errors import ActorGone, NameTaken
from ._protection import protected
from ._ref import Ref
from ._topic import Topic


@protected
class Registry:
    """Living actors by name. A name is free again as soon as its actor is gone.

    registry.register("writer", ref)
    registry.whereis("writer")

    `changes` has the new listing after each change.
    """

    def __init__(self) -> None:
        self._refs: dict[str, Ref[Any]] = {}
        self.changes: Topic[Mapping[str, Ref[Any]]] = Topic("registry")

    def __repr__(self) -> str:
        return f"<Registry: {len(self._refs)} names>"

    def register(self, name: str, ref: Ref[Any]) -> None:
        """Let `name` find `ref`, until it is gone. The same pair again changes nothing.

        Raises NameTaken when another living actor has it, ActorGone when `ref` has ended.
        """
        held = self._refs.get(name)
        if held == ref:
            return
        if held is not None:
            raise NameTaken(name, held.path)
        cell = ref._cell
        if not cell.alive:
            raise ActorGone(ref.path)
        self._refs[name] = ref
        if cell.on_gone is None:
            cell.on_gone = {}
        cell.on_gone[self, name] = lambda: self._remove(name)
        self._tell()

    def unregister(self, name: str) -> None:
        """Free a name. One that nobody has changes nothing."""
        ref = self._refs.get(name)
        if ref is not None:
            if ref._cell.on_gone is not None:
                ref._cell.on_gone.pop((self, name), None)
            self._remove(name)

    def whereis(self, name: str) -> Ref[Any] | None:
        """Who has this name now."""
        return self._refs.get(name)

    def listing(self) -> Mapping[str, Ref[Any]]:
        """All names, as of now; it does not change afterwards."""
        return MappingProxyType(dict(self._refs))

    def _remove(self, name: str) -> None:
        del self._refs[name]
        self._tell()

    def _tell(self) -> None:
        if len(self.changes):
            self.changes.publish(self.listing())
