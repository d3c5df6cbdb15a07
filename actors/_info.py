"""What one can see of actors from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import trio

from ._cell import Cell
from ._ref import Ref


@attrs.frozen
class ActorInfo:
    """One living actor, as it was when asked. `state` is a word of the stopping machine, `waits_for` a path."""

    path: str
    depth: int
    state: str
    queued: int
    capacity: int
    restarts: int
    uptime: float
    waits_for: str | None

    def line(self) -> str:
        """One line of a picture."""
        waits = f", waits for {self.waits_for}" if self.waits_for else ""
        restarts = f", restarted {self.restarts} times" if self.restarts else ""
        name = self.path.rpartition("/")[2]
        return f"{name}: {self.state}, {self.queued}/{self.capacity} queued, up {self.uptime:.1f} s{restarts}{waits}"


@attrs.frozen
class Statistics:
    """Counts since the runtime was opened; `alive` and `open_asks` are of now.

    `ended` and `crashed` count places: a crash after which a child is started again is told by its supervisor.
    """

    alive: int
    spawned: int
    ended: int
    crashed: int
    dead_letters: int
    open_asks: int


def cells_below(top: Cell) -> list[Cell]:
    """Everything it owns, owners before what they own."""
    found: list[Cell] = []
    work = list(reversed(top.children or ()))
    while work:
        cell = work.pop()
        assert isinstance(cell, Cell)
        found.append(cell)
        work.extend(reversed(cell.children or ()))
    return found


def describe(ref: Ref[Any]) -> list[ActorInfo]:
    """An actor and everything it owns, owners before what they own."""
    return [info_of(cell) for cell in (ref._cell, *cells_below(ref._cell))]


def picture(infos: Sequence[ActorInfo]) -> str:
    """As text, a line each, what is owned below its owner."""
    top = infos[0].depth if infos else 0
    return "\n".join(f"{'  ' * (info.depth - top)}{info.line()}" for info in infos)


def tree(infos: Sequence[ActorInfo]) -> list[dict[str, Any]]:
    """As data for JSON: each with its name, state, numbers, and `children`."""
    tops: list[dict[str, Any]] = []
    line: list[dict[str, Any]] = []  # the one above at each depth
    for info in infos:
        node: dict[str, Any] = {**attrs.asdict(info), "name": info.path.rpartition("/")[2], "children": []}
        depth: int = node.pop("depth") - infos[0].depth
        (line[depth - 1]["children"] if depth else tops).append(node)
        line[depth:] = [node]
    return tops


def info_of(cell: Cell) -> ActorInfo:
    """How it is with this one now."""
    path = cell.path
    return ActorInfo(
        path=path,
        depth=path.count("/") - 1,
        state=cell.state,
        queued=len(cell.lanes.messages),
        capacity=cell.lanes.capacity,
        restarts=max(0, cell.incarnation - 1),
        uptime=trio.current_time() - cell.born,
        waits_for=cell.waits_for.path if cell.waits_for is not None else None,
    )
