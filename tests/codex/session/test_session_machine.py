"""Every input is recorded in exactly one turn or refused, and at most one turn runs."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.protocol.op import RunUserShellCommand, TurnInput
from codex.protocol.user_input import TextInput
from codex.session._machine import (
    MAX_WAKES,
    Close,
    Effect,
    Refuse,
    RunShell,
    SessionMachine,
    StartCompaction,
    StartTurn,
    SteerTurn,
    StopTurn,
)

BY_NEWS = StartTurn(TurnInput(()))


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


def test_news_start_a_turn_when_idle_and_after_a_turn_that_did_not_read_them() -> None:
    machine = SessionMachine()
    assert machine.woken() == [BY_NEWS]
    assert machine.woken() == []
    assert machine.turn_ended() == [BY_NEWS]
    assert machine.woken() == []
    machine.news_read()
    assert machine.turn_ended() == []


def test_news_do_not_undo_an_interrupt() -> None:
    machine = SessionMachine()
    machine.submitted(an_input("one"))
    machine.woken()
    machine.interrupted()
    assert machine.woken() == []
    assert machine.turn_ended() == []


def test_after_many_turns_by_news_alone_they_wait_for_the_user() -> None:
    machine = SessionMachine()
    for _ in range(MAX_WAKES):
        assert machine.woken() == [BY_NEWS]
        machine.turn_ended()
    assert machine.woken() == []
    machine.submitted(an_input("go on"))
    machine.turn_ended()
    assert machine.woken() == [BY_NEWS]


def test_a_command_of_the_user_is_a_turn_or_goes_on_beside_one() -> None:
    machine, op = SessionMachine(), RunUserShellCommand("ls")
    assert machine.shell_command(op) == [RunShell(op, beside=False)]
    assert machine.shell_command(op) == [RunShell(op, beside=True)]
    assert machine.turn_ended() == []
    (refusal,) = machine.shell_command(RunUserShellCommand(" "))
    assert isinstance(refusal, Refuse)


def test_a_compaction_is_a_turn_of_its_own_and_waits_for_nobody() -> None:
    machine = SessionMachine()
    assert machine.compaction_asked() == [StartCompaction()]
    (refusal,) = machine.compaction_asked()
    assert isinstance(refusal, Refuse)
    assert machine.turn_ended([an_input("meanwhile")]) == [StartTurn(an_input("meanwhile"))]


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
                    self.taken += [item.text for item in op.items]
                case RunShell(beside=beside):
                    assert beside == self.turn
                    self.turn = True
                case StartCompaction():
                    assert not self.turn
                    self.turn = True
                case SteerTurn(input=op):
                    assert self.turn
                    self.late.append(op)
                case StopTurn():
                    assert self.turn
                case Refuse():
                    self.sent = [one for one in self.sent if one != text]
                case Close():
                    self.closed += 1
                    assert not self.turn

    @rule()
    def the_user_sends(self) -> None:
        text = f"input {len(self.sent)} {len(self.taken)} {self.closed}"
        self.sent.append(text)
        self.take(self.machine.submitted(an_input(text)), text)

    @rule()
    def the_user_runs_a_command(self) -> None:
        self.take(self.machine.shell_command(RunUserShellCommand("ls")))

    @rule()
    def news_come(self) -> None:
        self.take(self.machine.woken())

    @rule()
    def a_request_is_made(self) -> None:
        self.machine.news_read()

    @precondition(lambda self: self.late)
    @rule(reached=st.booleans())
    def a_steer_arrives_or_not(self, reached: bool) -> None:
        op = self.late.pop(0)
        if reached:
            self.taken.append(op.items[0].text)
        else:
            self.take(self.machine.steer_refused(op))

    @rule()
    def the_user_asks_for_a_compaction(self) -> None:
        self.take(self.machine.compaction_asked())

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
