"""The way of one action through approval and sandbox, for every verdict, answer and outcome."""

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codex.protocol.approval import (
    Abort,
    Approved,
    ApprovedExecpolicyAmendment,
    ApprovedForSession,
    Denied,
    ReviewDecision,
    TimedOut,
)
from codex.tools._canonical import command_key, plain_words
from codex.tools._machine import ActionMachine, Ask, Attempt, Give, Refuse, Step
from codex.tools.approval import Verdict

YES: tuple[ReviewDecision, ...] = (Approved(), ApprovedForSession(), ApprovedExecpolicyAmendment(("git", "status")))
NO: tuple[ReviewDecision, ...] = (Denied(), Denied("because"), TimedOut(), Abort())
VERDICTS: tuple[Verdict, ...] = ("run", "outside", "ask", "refuse")


def machine(verdict: Verdict, *, escalated: bool = False, when_denied: Verdict = "refuse") -> ActionMachine:
    return ActionMachine(verdict, escalated=escalated, when_denied=when_denied)


def test_a_refused_action_never_runs() -> None:
    assert machine("refuse").start() == Refuse()


def test_a_yes_lets_it_run_where_it_asked_to_run() -> None:
    confined, leaving = machine("ask"), machine("ask", escalated=True)
    assert (confined.start(), confined.answered(Approved())) == (Ask(outside=False), Attempt(outside=False))
    assert (leaving.start(), leaving.answered(Approved())) == (Ask(outside=True), Attempt(outside=True))


def test_a_no_ends_it_and_is_given_back() -> None:
    action = machine("ask")
    action.start()
    assert action.answered(TimedOut()) == Refuse(TimedOut())


def test_a_denial_is_asked_about_where_the_policy_says_so() -> None:
    action = machine("run", when_denied="ask")
    action.start()
    assert action.attempted(denied=True) == Ask(outside=True, again=True)
    assert action.answered(Approved()) == Attempt(outside=True)
    assert action.attempted(denied=False) == Give()


def test_a_no_to_the_second_attempt_gives_what_the_first_one_gave() -> None:
    action = machine("run", when_denied="ask")
    action.start()
    action.attempted(denied=True)
    assert action.answered(Denied()) == Give(Denied())


def test_an_approved_action_that_is_denied_runs_again_without_another_question() -> None:
    action = machine("ask", when_denied="ask")
    action.start()
    action.answered(Approved())
    assert action.attempted(denied=True) == Attempt(outside=True)


def test_without_a_retry_the_denial_is_the_answer() -> None:
    action = machine("run", when_denied="refuse")
    action.start()
    assert action.attempted(denied=True) == Give()


class Actions(RuleBasedStateMachine):
    """The law: nothing runs before a yes where it was asked, at most two attempts, never asked again after a yes."""

    def __init__(self) -> None:
        super().__init__()
        self.action = machine("refuse")
        self.step: Step = Refuse()
        self.verdict: Verdict = "refuse"
        self.when_denied: Verdict = "refuse"
        self.escalated = False
        self.attempts: list[Attempt] = []
        self.asks: list[Ask] = []
        self.yes = self.no = 0

    def take(self, step: Step) -> None:
        self.step = step
        if isinstance(step, Attempt):
            self.attempts.append(step)
        if isinstance(step, Ask):
            assert not self.yes, "asked after a yes"
            self.asks.append(step)

    @initialize(verdict=st.sampled_from(VERDICTS), when_denied=st.sampled_from(VERDICTS), escalated=st.booleans())
    def begin(self, verdict: Verdict, when_denied: Verdict, escalated: bool) -> None:
        self.verdict, self.when_denied, self.escalated = verdict, when_denied, escalated
        self.action = machine(verdict, escalated=escalated, when_denied=when_denied)
        self.take(self.action.start())

    @precondition(lambda self: isinstance(self.step, Ask))
    @rule(decision=st.sampled_from(YES))
    def somebody_says_yes(self, decision: ReviewDecision) -> None:
        self.yes += 1
        self.take(self.action.answered(decision))
        assert isinstance(self.step, Attempt)

    @precondition(lambda self: isinstance(self.step, Ask))
    @rule(decision=st.sampled_from(NO))
    def somebody_says_no(self, decision: ReviewDecision) -> None:
        self.no += 1
        self.take(self.action.answered(decision))
        assert self.step == (Give(decision) if self.attempts else Refuse(decision))

    @precondition(lambda self: isinstance(self.step, Attempt))
    @rule(denied=st.booleans())
    def an_attempt_ends(self, denied: bool) -> None:
        self.take(self.action.attempted(denied=denied))

    @precondition(lambda self: isinstance(self.step, Refuse | Give))
    @rule()
    def nothing_more_comes(self) -> None:
        assert self.action.state == "done"

    @invariant()
    def the_law_holds(self) -> None:
        assert len(self.attempts) <= 2
        assert len(self.asks) <= 2
        if self.verdict == "refuse":
            assert not self.attempts
            assert not self.asks
        if self.verdict == "ask" and self.attempts:
            assert self.yes
        if self.no:
            assert isinstance(self.step, Refuse | Give)
        if len(self.attempts) == 2:
            assert [attempt.outside for attempt in self.attempts] == [False, True]
            assert self.when_denied in ("ask", "outside")
        if any(attempt.outside for attempt in self.attempts) and not self.yes:
            assert self.verdict == "outside" or self.when_denied == "outside"


TestActions = Actions.TestCase


def test_a_plain_command_has_one_key_however_it_is_spaced_and_started() -> None:
    keys = {
        command_key(("/bin/bash", flag, cmd), "/w", tty=False)
        for flag in ("-c", "-lc")
        for cmd in ("git status", " git   status ")
    }
    assert keys == {("command", "local", "/w", "pipe", "plain", "/bin/bash", "git", "status")}


def test_a_script_is_the_same_only_letter_for_letter() -> None:
    for script in ("a; b", "echo $HOME", "ls *", "a > b", "X=1 a", "a\nb", "a # b", "~/a", 'a "$b"'):
        assert plain_words(("/bin/sh", "-c", script)) is None
    one, two = (command_key(("/bin/sh", "-c", script), "/w", tty=False) for script in ("a; b", "a;b"))
    assert one != two


def test_another_place_or_a_terminal_is_another_command() -> None:
    argv = ("/bin/sh", "-c", "make")
    keys = {command_key(argv, cwd, tty=tty) for cwd in ("/a", "/b") for tty in (False, True)}
    assert len(keys) == 4
