"""Waits for news: refused where nothing but time could end them, and nowhere else."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.agents.news import NewsWaits

AGENTS = "abcd"
agents = st.sampled_from(AGENTS)


class Tree(RuleBasedStateMachine):
    """Agents that rest, work and wait, and write to whom they like; a wait is over as soon as its agent sees news."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = NewsWaits()
        self.working: set[str] = {"a"}
        self.waiting: set[str] = set()
        self.news: set[str] = set()

    def stuck(self, asker: str) -> bool:
        """Whether nobody could do anything, did this one wait: looked for by letting everybody do all they can."""
        acting = {
            one for one in AGENTS if one in self.news or (one in self.working and one not in {asker, *self.waiting})
        }
        return not acting

    @precondition(lambda self: self.working - self.waiting)
    @rule(data=st.data(), to=agents)
    def writes(self, data: st.DataObject, to: str) -> None:
        data.draw(st.sampled_from(sorted(self.working - self.waiting)))
        self.news.add(to)

    @precondition(lambda self: not self.working)
    @rule(agent=agents)
    def a_turn_begins(self, agent: str) -> None:
        self.working.add(agent)

    @precondition(lambda self: self.news)
    @rule(data=st.data())
    def news_come(self, data: st.DataObject) -> None:
        reader = data.draw(st.sampled_from(sorted(self.news)))
        self.news.discard(reader)
        self.working.add(reader)
        self.leave(reader)

    @precondition(lambda self: self.working - self.waiting)
    @rule(data=st.data(), parent=agents, told=st.booleans())
    def turn_ends(self, data: st.DataObject, parent: str, told: bool) -> None:
        self.working.discard(data.draw(st.sampled_from(sorted(self.working - self.waiting))))
        self.news |= {parent} if told else set()

    @precondition(lambda self: self.working - self.waiting)
    @rule(data=st.data())
    def waits_for_news(self, data: st.DataObject) -> None:
        asker = data.draw(st.sampled_from(sorted(self.working - self.waiting)))
        stuck, others = self.stuck(asker), set(self.waiting)
        circle = self.waits.enter(asker, self.working, self.news)
        assert bool(circle) == (stuck and bool(others))
        if circle:
            assert (circle[0], circle[-1], set(circle)) == (asker, asker, {asker, *others})
        else:
            self.waiting.add(asker)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def time_is_over(self, data: st.DataObject) -> None:
        self.leave(data.draw(st.sampled_from(sorted(self.waiting))))

    def leave(self, agent: str) -> None:
        self.waiting.discard(agent)
        self.waits.leave(agent)

    @invariant()
    def who_waits_is_at_work(self) -> None:
        assert self.waiting <= self.working


TestTree = Tree.TestCase
TestTree.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_the_last_of_a_circle_is_refused_with_the_path_and_one_alone_may_wait() -> None:
    waits = NewsWaits()
    assert waits.enter("a", ["a", "b"], []) == ()
    assert waits.enter("b", ["a", "b"], []) == ("b", "a", "b")
    assert waits.enter("b", ["a", "b"], ["a"]) == ()
    waits.leave("a")
    assert waits.enter("b", ["b"], []) == ()
