"""The machine that says who is stopped when, against its laws."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors._stopping import Effect, Record, State, ended, expired, force, hand_over, remove, start, stop


class Stopping(RuleBasedStateMachine):
    """A random tree whose actors end when asked, late, by force or by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Record(None, ordered=False)
        self.all = [self.root]
        self.running: list[Record] = [self.root]  # whose function runs
        self.gone: list[Record] = []
        self.stopped: set[Record] = set()  # asked to stop by themselves, out of their owner's order

    def perform(self, effects: list[Effect]) -> None:
        for what, record in effects:
            below = list(record.children or ())
            match what:
                case "ask":
                    assert not below, "asked before what it owns was gone"
                    assert record in self.running
                case "cancel":
                    assert record in self.running
                case "publish":
                    assert not below, "gone before what it owns"
                    assert record not in self.running
                    assert record not in self.gone, "gone twice"
                    self.gone.append(record)
                case "vacate":
                    assert record.keep
                    assert not below
                    assert record not in self.running

    def pick(self, data: st.DataObject, records: list[Record]) -> Record:
        return records[data.draw(st.integers(0, len(records) - 1))]

    def living(self, *states: str) -> list[Record]:
        return [record for record in self.all if record.state in states]

    @precondition(lambda self: self.living("running") and len(self.all) < 40)
    @rule(data=st.data(), ordered=st.booleans(), keep=st.booleans(), brutal=st.booleans())
    def spawn(self, data: st.DataObject, ordered: bool, keep: bool, brutal: bool) -> None:
        owner = self.pick(data, self.living("running"))
        record = Record(owner, ordered=ordered, keep=keep, brutal=brutal)
        self.all.append(record)
        self.running.append(record)

    @rule(data=st.data())
    def hand_over_one(self, data: st.DataObject) -> None:
        record, owner = self.pick(data, self.all), self.pick(data, self.all)
        above: Record | None = owner
        while above is not None and above is not record:
            above = above.parent
        if above is None:
            before = record.parent
            handed = hand_over(record, owner)
            assert handed == (record.state == owner.state == "running")
            assert record.parent is (owner if handed else before)

    @rule(data=st.data())
    def stop_one(self, data: st.DataObject) -> None:
        record = self.pick(data, self.all)
        self.stopped.add(record)
        self.perform(stop(record))

    @rule(data=st.data())
    def force_one(self, data: st.DataObject) -> None:
        self.perform(force(self.pick(data, self.all)))

    @rule(data=st.data())
    def time_is_over(self, data: st.DataObject) -> None:
        self.perform(expired(self.pick(data, self.all)))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def function_ends(self, data: st.DataObject) -> None:
        record = self.pick(data, self.running)
        self.running.remove(record)
        self.perform(ended(record))

    @precondition(lambda self: self.living("vacant"))
    @rule(data=st.data(), again=st.booleans())
    def owner_decides(self, data: st.DataObject, again: bool) -> None:
        record = self.pick(data, self.living("vacant"))
        if again and record.parent is not None and record.parent.state == "running":
            start(record)
            self.running.append(record)
        else:
            self.perform(remove(record))

    @invariant()
    def gone_is_told_once_and_owners_outlive_what_they_own(self) -> None:
        for record in self.all:
            assert (record.state == "gone") == (record in self.gone)
            for child in record.children or ():
                assert child.state != "gone"
                assert record.state not in ("asked", "gone", "vacant")
            if record.state == "draining" and record.ordered:
                begun = [one for one in record.children or () if one.state not in ("marked", "finished", "vacant")]
                assert len([one for one in begun if one.state != "cancelled" and one not in self.stopped]) <= 1

    def teardown(self) -> None:
        """Whatever happened, a stop of the root comes to its end when everyone does as told."""
        self.perform(stop(self.root))
        for _ in range(10 * len(self.all)):
            due = [record for record in self.running if record.state in ("asked", "cancelled")]
            if not due:
                break
            self.running.remove(due[0])
            self.perform(ended(due[0]))
        assert self.root.state == "gone" or self.root not in self.running
        assert all(record.state == "gone" for record in self.all), [record.state for record in self.all]


TestStopping = Stopping.TestCase
TestStopping.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_depth_costs_no_recursion() -> None:
    record = root = Record(None)
    chain = [root]
    for _ in range(20_000):
        record = Record(record)
        chain.append(record)
    assert stop(root) == [("ask", chain[-1])]
    assert ended(chain.pop()) == [("publish", record), ("ask", chain[-1])]


def test_a_stop_looks_at_each_of_many_a_bounded_number_of_times() -> None:
    looks = 0

    class Counted(Record):
        @property
        def state(self) -> State:
            nonlocal looks
            looks += 1
            return self.now

        @state.setter
        def state(self, value: State) -> None:
            self.now = value

    root = Record(None)
    children = [Counted(root) for _ in range(500)]
    effects = stop(root)
    for child in children:
        effects += ended(child)
    assert effects[-1] == ("ask", root)
    assert looks <= 10 * 500
