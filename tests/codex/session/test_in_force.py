"""Settings within those above: never more than all of them allow, and nothing lost that they do."""

import attrs
import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.config.schema import Config
from codex.session import InForce

ALL = frozenset("abcd")
some = st.frozensets(st.sampled_from(sorted(ALL)))


def asking(tools: frozenset[str]) -> Config:
    return Config(cwd="/", codex_home="/home", allowed_tools=tools)


def narrow(own: Config, limit: Config) -> Config:
    assert own.allowed_tools is not None
    assert limit.allowed_tools is not None
    return attrs.evolve(own, allowed_tools=own.allowed_tools & limit.allowed_tools)


class Tree(RuleBasedStateMachine):
    """Threads by their number; what each asks for, whom it belongs to, and what it was denied where it was before."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = [InForce(asking(ALL), None, narrow)]
        self.own = [ALL]
        self.above = [0]
        self.denied = [frozenset[str]()]

    def allowed(self, thread: int) -> frozenset[str]:
        own = self.own[thread] - self.denied[thread]
        return own if thread == 0 else own & self.allowed(self.above[thread])

    @rule(data=st.data(), tools=some)
    def starts(self, data: st.DataObject, tools: frozenset[str]) -> None:
        above = data.draw(st.integers(0, len(self.threads) - 1))
        own = tools & self.allowed(above)
        self.threads.append(InForce(asking(own), self.threads[above], narrow))
        self.own.append(own)
        self.above.append(above)
        self.denied.append(frozenset())

    @rule(data=st.data(), tools=some)
    def changes(self, data: st.DataObject, tools: frozenset[str]) -> None:
        thread = data.draw(st.integers(0, len(self.threads) - 1))
        self.threads[thread].change(asking(tools))
        self.own[thread] = tools

    @rule(data=st.data())
    def moves_to_the_root(self, data: st.DataObject) -> None:
        thread = data.draw(st.integers(0, len(self.threads) - 1))
        if self.above[thread]:
            self.denied[thread] |= ALL - self.allowed(self.above[thread])
            self.threads[thread].move(self.threads[0])
            self.above[thread] = 0

    @invariant()
    def nothing_is_in_force_that_anybody_above_forbids(self) -> None:
        assert [one.config.allowed_tools for one in self.threads] == [*map(self.allowed, range(len(self.threads)))]


TestTree = Tree.TestCase
TestTree.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_a_turn_that_runs_is_narrowed_and_does_not_get_what_is_asked_for_meanwhile() -> None:
    root = InForce(asking(ALL), None, narrow)
    child = InForce(asking(frozenset("abc")), root, narrow)
    turn = child.config
    child.change(asking(ALL))
    root.change(asking(frozenset("bcd")))
    assert child.within(turn).allowed_tools == frozenset("bc")
    assert child.config.allowed_tools == frozenset("bcd")


def test_a_thread_in_another_process_is_limited_by_what_it_is_told_of_those_above() -> None:
    root = InForce(asking(ALL), None, narrow)
    here = InForce(asking(ALL), root, narrow)
    there = InForce(asking(ALL), None, narrow)
    told: list[frozenset[str] | None] = []

    def tell() -> None:
        limit = None if here.config is here.own else here.config
        there.limit_to(limit)
        told.append(limit.allowed_tools if limit else None)

    stop = here.listen(tell)
    root.change(asking(frozenset("ab")))
    assert there.config.allowed_tools == frozenset("ab")
    there.change(asking(frozenset("bc")))
    assert there.config.allowed_tools == frozenset("b")
    root.change(asking(ALL))
    assert there.config.allowed_tools == frozenset("bc")
    stop()
    root.change(asking(frozenset("a")))
    assert told == [frozenset("ab"), ALL]
