"""Questions of a thread: each is answered once, and a yes counts for nothing but what was asked."""

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.ports.approvals import ApprovalKey, Asked
from codex.protocol.approval import (
    ApplyPatchApprovalRequest,
    Approved,
    ApprovedExecpolicyAmendment,
    ApprovedForSession,
    Denied,
    ExecApprovalRequest,
    ReviewDecision,
    TimedOut,
)
from codex.session._questions import OpenQuestions


def question(name: str, *, prefix: tuple[str, ...] | None = None) -> ExecApprovalRequest:
    return ExecApprovalRequest(name, "t", "turn", "c", ("ls",), "/w", 0, 600, proposed_execpolicy_amendment=prefix)


def asked(name: str, *keys: str) -> Asked:
    return Asked(question(name), tuple((key,) for key in keys))


def test_the_second_answer_is_told_that_the_question_has_been_resolved() -> None:
    questions = OpenQuestions()
    questions.ask(asked("q"))
    assert questions.refusal("q", Approved()) is None
    assert questions.answer("q") == question("q")
    assert questions.answer("q") is None
    assert questions.refusal("q", Approved()) == "the question 'q' has been resolved"
    questions.close("q", Approved())
    assert questions.refusal("q", Denied()) == "the question 'q' has been resolved"


def test_an_unknown_question_is_told_with_those_that_are_open() -> None:
    questions = OpenQuestions()
    questions.ask(asked("a"))
    questions.ask(asked("b"))
    assert questions.refusal("c", Approved()) == "the question 'c' is not known here; open: a, b"


def test_only_the_rule_that_was_proposed_can_be_approved() -> None:
    questions = OpenQuestions()
    questions.ask(Asked(question("q", prefix=("git", "push"))))
    assert questions.refusal("q", ApprovedExecpolicyAmendment(("git", "push"))) is None
    wider = questions.refusal("q", ApprovedExecpolicyAmendment(("git",)))
    assert wider == "the rule ['git'] was not proposed; proposed: ['git', 'push']"


def test_a_patch_is_not_answered_with_a_rule() -> None:
    questions = OpenQuestions()
    questions.ask(Asked(ApplyPatchApprovalRequest("p", "t", "turn", "c", (), 0, 600)))
    assert questions.refusal("p", ApprovedExecpolicyAmendment(("git",))) is not None


def test_files_approved_one_by_one_are_approved_together_and_no_other() -> None:
    questions = OpenQuestions()
    for name in ("a", "b"):
        questions.ask(asked(name, name))
        questions.answer(name)
        questions.close(name, ApprovedForSession())
    assert not questions.ask(asked("both", "a", "b"))
    assert questions.ask(asked("more", "a", "b", "c"))


class Questions(RuleBasedStateMachine):
    """Against a plain model: which keys were approved, which questions wait."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = OpenQuestions()
        self.count = 0
        self.keys: dict[str, tuple[ApprovalKey, ...]] = {}
        self.answers: dict[str, ReviewDecision] = {}
        self.closed: set[str] = set()
        self.approved: set[ApprovalKey] = set()

    @rule(keys=st.lists(st.sampled_from("abcd"), max_size=3))
    def a_call_asks(self, keys: list[str]) -> None:
        self.count += 1
        name, made = f"q{self.count}", tuple((key,) for key in keys)
        opened = self.questions.ask(Asked(question(name), made))
        assert opened == (not made or not set(made) <= self.approved)
        if opened:
            self.keys[name] = made

    @rule(data=st.data(), decision=st.sampled_from([Approved(), ApprovedForSession(), Denied(), TimedOut()]))
    def somebody_answers(self, data: st.DataObject, decision: ReviewDecision) -> None:
        name = data.draw(st.sampled_from([f"q{number}" for number in range(1, self.count + 2)]))
        taken = self.questions.answer(name)
        may = name in self.keys and name not in self.answers and name not in self.closed
        assert (taken is not None) == may
        if taken is not None:
            self.answers[name] = decision

    @rule(data=st.data())
    def the_asker_leaves(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([f"q{number}" for number in range(1, self.count + 2)]))
        decision = self.answers.get(name)
        known = self.questions.close(name, decision) is not None
        assert known == (name in self.keys and name not in self.closed)
        if known:
            self.closed.add(name)
            if isinstance(decision, ApprovedForSession):
                self.approved |= set(self.keys[name])

    @invariant()
    def what_is_open_is_what_nobody_answered(self) -> None:
        expected = [name for name in self.keys if name not in self.answers and name not in self.closed]
        assert [one.id for one in self.questions.open] == expected
        assert all(self.questions.is_approved([key]) == (key in self.approved) for key in [("a",), ("b",), ("c",)])


TestQuestions = Questions.TestCase
