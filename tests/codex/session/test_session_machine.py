"""Every input is recorded in exactly one turn or refused, and at most one turn runs."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.protocol.op import TurnInput
from codex.protocol.user_input import TextInput
from codex.session._machine import Close, Effect, Refuse, SessionMachine, StartTurn, SteerTurn, StopTurn


def an_input(text: str) -> TurnInput:
    return TurnInput((TextInput(text),))


def test_input_starts_a_turn_when_idle_and_steers_it_when_one_runs() -> None:
    machine = SessionMachine()
    assert machine.submitted(an_input("one")) == [StartTurn(an_input("one"))]
    assert machine.submitted(an_input("two")) == [SteerTurn(an_input("two"))]


def test_input_that_came_too_late_for_its_turn_starts_the_next_one() -> None:
    machine = SessionMachine()
    machine.submitted(an_input("one"))
    assert machine.turn_ended([an_input("two")]) == [StartTurn(an_input("two"))]
    assert machine.turn_ended() == []
    assert machine.state == "idle"


def test_empty_input_is_refused() -> None:
    (refusal,) = SessionMachine().submitted(TurnInput(()))
    assert isinstance(refusal, Refuse)


def test_shutting_down_ends_the_turn_first() -> None:
    machine = SessionMachine()
    machine.submitted(an_input("one"))
    assert machine.shut_down() == [StopTurn()]
    assert machine.turn_ended() == [Close()]
    assert machine.shut_down() == []


class SessionLaw(RuleBasedStateMachine):
    """Random submissions, steering that fails, ends of turns and shutdowns."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = SessionMachine()
        self.sent: list[str] = []
        self.taken: list[str] = []
        self.late: list[TurnInput] = []
        self.turn = False
        self.closed = 0

    def take(self, effects: list[Effect], text: str = "") -> None:
        for effect in effects:
            match effect:
                case StartTurn(input=op):
                    assert not self.turn
                    self.turn = True
                    self.taken.append(op.items[0].text)
                case SteerTurn(input=op):
                    assert self.turn
                    self.late.append(op)
                case StopTurn():
                    assert self.turn
                case Refuse():
                    self.sent.remove(text)
                case Close():
                    self.closed += 1
                    assert not self.turn

    @rule()
    def the_user_sends(self) -> None:
        text = f"input {len(self.sent)} {len(self.taken)} {self.closed}"
        self.sent.append(text)
        self.take(self.machine.submitted(an_input(text)), text)

    @precondition(lambda self: self.late)
    @rule(reached=st.booleans())
    def a_steer_arrives_or_not(self, reached: bool) -> None:
        op = self.late.pop(0)
        if reached:
            self.taken.append(op.items[0].text)
        else:
            self.take(self.machine.steer_refused(op))

    @rule()
    def the_user_interrupts(self) -> None:
        self.take(self.machine.interrupted())

    @rule()
    def the_user_leaves(self) -> None:
        self.take(self.machine.shut_down())

    @precondition(lambda self: self.turn)
    @rule()
    def the_turn_ends(self) -> None:
        self.turn = False
        late, self.late = self.late, []
        self.take(self.machine.turn_ended(late))

    @invariant()
    def nothing_is_taken_twice_and_closing_happens_once(self) -> None:
        assert len(set(self.taken)) == len(self.taken)
        assert self.closed <= 1
        assert (self.machine.state in ("running", "stopping", "closing")) == self.turn


TestSessionLaw = SessionLaw.TestCase
TestSessionLaw.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
