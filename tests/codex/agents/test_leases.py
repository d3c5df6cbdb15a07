"""Leases on paths: never two owners in one place, in the order of asking, and no wait that cannot end."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.agents.leases import LeaseTable, Wish, meet

OWNERS = "abc"
PATHS = ("/x", "/x/1", "/x/1/deep", "/x/2", "/y", "/xy")


class Table(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table = LeaseTable()
        self.held: dict[str, set[str]] = {owner: set() for owner in OWNERS}
        self.waiting: list[Wish] = []

    def blockers(self, wish: Wish) -> set[str]:
        return {
            owner
            for owner, paths in self.held.items()
            if owner != wish.owner and any(meet(path, wanted) for path in paths for wanted in wish.paths)
        }

    def ends(self, asking: Wish) -> bool:
        """Whether everybody comes to an end when all that wait for nobody give back what they have."""
        gone = set[str]()
        while True:
            now = {
                owner
                for owner in OWNERS
                if all(self.blockers(wish) <= gone for wish in (*self.waiting, asking) if wish.owner == owner)
            }
            if now == gone:
                return gone == set(OWNERS)
            gone = now

    @rule(owner=st.sampled_from(OWNERS), paths=st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True))
    def asks(self, owner: str, paths: list[str]) -> None:
        if any(wish.owner == owner for wish in self.waiting):
            return  # one call at a time
        wish, ends = Wish(owner, tuple(paths)), True
        ends = self.ends(wish)
        circle = self.table.ask(wish)
        assert bool(circle) == (not ends)
        if circle:
            assert circle[0] == circle[-1] == owner
        elif wish.granted:
            self.held[owner] |= set(paths)
        else:
            self.waiting.append(wish)

    @rule(owner=st.sampled_from(OWNERS))
    def ends_its_work(self, owner: str) -> None:
        self.waiting = [wish for wish in self.waiting if wish.owner != owner]
        self.held[owner] = set()
        self.table.release(owner)
        self.note_grants()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def gives_up(self, data: st.DataObject) -> None:
        wish = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(wish)
        self.table.withdraw(wish)
        self.note_grants()

    def note_grants(self) -> None:
        for wish in [*self.waiting]:
            if wish.granted:
                self.waiting.remove(wish)
                self.held[wish.owner] |= set(wish.paths)

    @invariant()
    def nobody_meets_another_and_nobody_waits_for_nothing(self) -> None:
        assert {owner: set(self.table.held(owner)) for owner in OWNERS} == self.held
        for one in OWNERS:
            others = [path for owner in OWNERS if owner != one for path in self.held[owner]]
            assert not any(meet(path, other) for path in self.held[one] for other in others)
        if self.waiting:
            assert self.blockers(self.waiting[0])


TestTable = Table.TestCase
TestTable.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_who_asks_later_does_not_pass_those_that_wait() -> None:
    table = LeaseTable()
    order = list[str]()
    wishes = [Wish(owner, ("/x",), lambda owner=owner: order.append(owner)) for owner in "abc"]
    for wish in wishes:
        table.ask(wish)
    table.ask(Wish("d", ("/x/1",), lambda: order.append("d")))
    for owner in "abc":
        table.release(owner)
    assert order == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("one", "other"), [("/x", "/xy"), ("/x/1", "/x/2")])
def test_paths_that_only_look_alike_do_not_meet(one: str, other: str) -> None:
    assert not meet(one, other)
