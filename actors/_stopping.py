"""Who is stopped when: ownership in records, and stopping as a pure machine.

    running   --stop--------> marked      it or an owner of it is being stopped; its turn comes
    marked    --turn--------> draining    what it owns is stopped first
    draining  --all gone----> asked       politely: its mailbox ends
    asked     --expired-----> cancelled   by force (also at once, where the shutdown is 0)
    any       --ended-------> finished    its function is over; what it still owns is stopped
    finished  --all gone----> gone | vacant
    vacant    --start-------> running     a kept place between two incarnations

A running record may be handed over to another running owner, with all it owns; nothing else changes.
Laws: nobody is asked before all it owns are gone; nobody is gone before all it owns are gone; an ordered owner's are
stopped one by one, the last started first, others all at once. A stop is never undone. Depth costs no recursion.
Not decided here: how one asks, cancels or measures time (`_host`), whether a vacant place starts again (its owner).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

State: TypeAlias = Literal["running", "marked", "draining", "asked", "cancelled", "finished", "vacant", "gone"]


class Record:
    """One actor as the machine sees it: who owns it, what it owns, how far its stop is."""

    __slots__ = ("brutal", "children", "keep", "ordered", "parent", "state")

    def __init__(
        self, parent: Record | None, *, ordered: bool = False, keep: bool = False, brutal: bool = False
    ) -> None:
        self.parent = parent
        self.children: dict[Record, None] | None = None
        self.ordered, self.keep, self.brutal = ordered, keep, brutal
        self.state: State = "running"
        if parent is not None:
            if parent.children is None:
                parent.children = {}
            parent.children[self] = None

    def move_last(self) -> None:
        """Among those its owner owns it is the last started now."""
        if self.parent is not None and self.parent.children is not None and self in self.parent.children:
            del self.parent.children[self]
            self.parent.children[self] = None

    @property
    def stopping(self) -> bool:
        """Whether nothing may be started below it any more."""
        return self.state != "running"


Effect: TypeAlias = tuple[Literal["ask", "cancel", "publish", "vacate"], Record]
"""What to do to a record.

ask: politely to end, and send `expired` when its shutdown seconds are over. cancel: end it by force. publish: it is
gone with all it owned; tell whoever waits. vacate: its incarnation is gone with all it owned; the place is kept, its
owner decides.
"""


def hand_over(record: Record, owner: Record) -> bool:
    """Give it, with all it owns, to another owner. False, and nothing changed, where either is being stopped."""
    if record.state != "running" or owner.state != "running":
        return False
    above: Record | None = owner
    while above is not None:
        assert above is not record, "an actor cannot be owned by what it owns"
        above = above.parent
    if record.parent is not None and record.parent.children is not None:
        del record.parent.children[record]
    record.parent = owner
    if owner.children is None:
        owner.children = {}
    owner.children[record] = None
    return True


def stop(record: Record) -> list[Effect]:
    """Begin to stop it and everything it owns. A vacant place answers at once."""
    effects: list[Effect] = []
    if record.state == "running":
        record.state = "marked"
        _mark_below(record)
        _look([record], effects)
    elif record.state == "vacant":
        effects.append(("vacate", record))
    return effects


def force(record: Record) -> list[Effect]:
    """Cancel it and everything it owns now, in whatever state their stop is; children before owners."""
    effects: list[Effect] = []
    closure = [record]
    for one in closure:
        closure.extend(one.children or ())
    for one in reversed(closure):
        if one.state in ("running", "marked", "draining", "asked"):
            one.state = "cancelled"
            effects.append(("cancel", one))
    return effects


def expired(record: Record) -> list[Effect]:
    """Its shutdown seconds are over."""
    if record.state != "asked":
        return []
    record.state = "cancelled"
    return [("cancel", record)]


def ended(record: Record) -> list[Effect]:
    """Its function is over, for whatever reason; once for each incarnation."""
    effects: list[Effect] = []
    record.state = "finished"
    if record.children:
        _mark_below(record)
        _look(_next(record), effects)
    else:
        _look([record], effects)
    return effects


def start(record: Record) -> None:
    """A vacant place runs again."""
    assert record.state == "vacant", record.state
    record.state = "running"


def remove(record: Record) -> list[Effect]:
    """A vacant place is given up for good."""
    effects: list[Effect] = []
    if record.state == "vacant":
        work: list[Record] = []
        _go(record, work, effects)
        _look(work, effects)
    return effects


def _mark_below(record: Record) -> None:
    closure = list(record.children or ())
    for one in closure:
        if one.state == "running":
            one.state = "marked"
        if one.children:
            closure.extend(one.children)


def _next(record: Record) -> list[Record]:
    """Those it owns whose turn it is."""
    children = record.children
    if not children:
        return []
    return [next(reversed(children))] if record.ordered else list(reversed(children))


def _look(work: list[Record], effects: list[Effect]) -> None:
    """Advance each record as far as it goes; one that goes lets its owner advance."""
    while work:
        record = work.pop()
        state = record.state
        if state in ("marked", "draining"):
            if record.children:
                record.state = "draining"
                if state == "marked" or record.ordered:
                    work.extend(_next(record))
            elif record.brutal:
                record.state = "cancelled"
                effects.append(("cancel", record))
            else:
                record.state = "asked"
                effects.append(("ask", record))
        elif state == "vacant":  # looked at by an owner that is being stopped only
            _go(record, work, effects)
        elif state == "finished":
            if record.children:
                if record.ordered:
                    work.extend(_next(record))
            elif record.keep and record.parent is not None and record.parent.state == "running":
                record.state = "vacant"
                effects.append(("vacate", record))
            else:
                _go(record, work, effects)


def _go(record: Record, work: list[Record], effects: list[Effect]) -> None:
    record.state = "gone"
    effects.append(("publish", record))
    parent = record.parent
    if parent is not None and parent.children is not None:
        parent.children.pop(record, None)
        # A marked owner waits for its own turn.
        if parent.state in ("draining", "finished"):
            work.append(parent)
