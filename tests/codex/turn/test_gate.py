"""A turn that asks hooks before it begins and before it ends."""

from codex.protocol.user_input import TextInput
from codex.turn._machine import (
    AskToClose,
    AskToOpen,
    Begin,
    Compact,
    Finish,
    RecordInput,
    Sample,
    StopWork,
    TurnMachine,
)

MORE = (TextInput("more"),)


def test_a_gated_turn_asks_before_it_begins_and_before_it_ends() -> None:
    machine = TurnMachine(gated=True)
    assert machine.started() == [AskToOpen()]
    assert machine.gate_opened(allowed=True) == [Begin(), Sample()]
    assert machine.gate_opened(allowed=False) == []
    assert machine.sampling_done(end_turn=None) == [AskToClose()]
    assert machine.gate_closed(go_on=True) == [Sample()]
    assert machine.sampling_done(end_turn=None) == [AskToClose()]
    assert machine.gate_closed(go_on=False) == [Finish("completed")]


def test_a_full_history_is_compacted_once_the_turn_may_begin() -> None:
    machine = TurnMachine(gated=True)
    assert machine.started(full=True) == [AskToOpen()]
    assert machine.gate_opened(allowed=True) == [Compact("pre_turn")]
    assert machine.compacted() == [Begin(), Sample()]


def test_a_refused_input_is_not_recorded_but_what_was_steered_is() -> None:
    machine = TurnMachine(gated=True)
    machine.started()
    machine.steered(MORE)
    assert machine.gate_opened(allowed=False) == [StopWork(), RecordInput(MORE), Finish("completed")]


def test_input_that_comes_while_a_turn_asks_to_end_keeps_it_going() -> None:
    machine = TurnMachine(gated=True)
    machine.started()
    machine.gate_opened(allowed=True)
    machine.sampling_done(end_turn=None)
    machine.steered(MORE)
    assert machine.gate_closed(go_on=False) == [RecordInput(MORE), Sample()]


def test_an_interrupt_ends_a_turn_that_waits_at_its_gate() -> None:
    machine = TurnMachine(gated=True)
    machine.started()
    assert machine.interrupted() == [StopWork(), Begin(), Finish("aborted")]
    assert machine.gate_opened(allowed=True) == []
