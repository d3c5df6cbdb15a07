"""The turn's law: every call gets exactly one output, in the order of the calls, whatever happens in between."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.model import StreamRetry
from codex.ports.model import ModelError
from codex.protocol.user_input import TextInput
from codex.tools import ToolCall
from codex.turn._machine import (
    AnnounceRetry,
    Effect,
    Finish,
    RecordInput,
    RecordOutput,
    RunTool,
    Sample,
    StopWork,
    TurnMachine,
)


def a_call(name: str, *, parallel: bool = True) -> ToolCall:
    return ToolCall(name, name, "tool", "", "{}", custom=False, parallel=parallel)


def an_output(call: ToolCall) -> dict:
    return {"type": "function_call_output", "call_id": call.call_id, "output": f"output of {call.key}"}


def test_a_turn_without_calls_ends_with_the_first_response() -> None:
    machine = TurnMachine()
    assert machine.started() == [Sample()]
    assert machine.item_done(None) == []
    assert machine.sampling_done(end_turn=None) == [Finish("completed")]


def test_a_response_that_does_not_end_the_turn_is_followed_by_another() -> None:
    machine = TurnMachine()
    assert machine.sampling_done(end_turn=False) == [Sample()]


def test_outputs_are_recorded_in_the_order_of_the_calls() -> None:
    machine = TurnMachine()
    one, two = a_call("one"), a_call("two")
    assert machine.item_done(one) == [RunTool(one)]
    assert machine.item_done(two) == [RunTool(two)]
    assert machine.tool_done("two", an_output(two)) == []
    assert machine.sampling_done(end_turn=None) == []
    assert machine.tool_done("one", an_output(one)) == [
        RecordOutput(an_output(one)),
        RecordOutput(an_output(two)),
        Sample(),
    ]


def test_a_call_that_must_be_alone_waits_for_those_before_it() -> None:
    machine = TurnMachine()
    one, two = a_call("one"), a_call("two", parallel=False)
    machine.item_done(one)
    assert machine.item_done(two) == []
    assert machine.tool_done("one", an_output(one)) == [RunTool(two), RecordOutput(an_output(one))]


def test_an_interrupt_answers_every_open_call() -> None:
    machine = TurnMachine()
    machine.item_done(a_call("one"))
    stop, output, finish = machine.interrupted()
    assert stop == StopWork()
    assert isinstance(output, RecordOutput)
    assert (output.item["call_id"], output.item["output"]) == ("one", "aborted")
    assert finish == Finish("aborted")
    assert machine.tool_done("one", an_output(a_call("one"))) == []


def test_a_cut_stream_is_announced_and_asked_again_after_the_tools_that_run() -> None:
    machine = TurnMachine()
    one = a_call("one")
    machine.item_done(one)
    retry = StreamRetry(0.2, "Reconnecting... 1/5 (cut)")
    assert machine.sampling_failed(ModelError("cut", retryable=True), retry) == []
    assert machine.tool_done("one", an_output(one)) == [RecordOutput(an_output(one)), AnnounceRetry(retry)]
    assert machine.retry_due() == [Sample()]


def test_a_stream_that_fails_for_good_ends_the_turn_after_the_tools_that_run() -> None:
    machine = TurnMachine()
    one = a_call("one")
    machine.item_done(one)
    error = ModelError("refused")
    assert machine.sampling_failed(error, None) == []
    assert machine.tool_done("one", an_output(one)) == [
        RecordOutput(an_output(one)),
        StopWork(),
        Finish("failed", error),
    ]


def test_steered_input_is_recorded_before_the_next_request_and_keeps_the_turn_going() -> None:
    machine = TurnMachine()
    machine.steered((TextInput("more"),))
    assert machine.sampling_done(end_turn=None) == [RecordInput((TextInput("more"),)), Sample()]


def test_input_steered_into_a_turn_that_is_interrupted_stays_in_the_history() -> None:
    machine = TurnMachine()
    machine.steered((TextInput("more"),))
    assert machine.interrupted() == [StopWork(), RecordInput((TextInput("more"),)), Finish("aborted")]


class TurnLaw(RuleBasedStateMachine):
    """Random lives of a turn, followed by a simple account of calls and outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = TurnMachine()
        self.calls: list[str] = []
        self.running: dict[str, ToolCall] = {}
        self.recorded: list[str] = []
        self.sampling = False
        self.finished = 0
        self.timer = False
        self.made = 0
        self.take(self.machine.started())

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Sample():
                    assert not self.sampling
                    assert self.recorded == self.calls, "a request must carry every output"
                    self.sampling = True
                case RunTool(call=call):
                    assert call.parallel or not self.running
                    assert all(other.parallel for other in self.running.values())
                    self.running[call.key] = call
                case RecordOutput(item=item):
                    self.recorded.append(item["call_id"])
                case AnnounceRetry():
                    self.timer = True
                case StopWork():
                    self.running.clear()
                    self.sampling = self.timer = False
                case Finish():
                    self.finished += 1
                case RecordInput():
                    pass

    @precondition(lambda self: self.sampling)
    @rule(parallel=st.booleans())
    def the_model_calls(self, parallel: bool) -> None:
        self.made += 1
        call = a_call(f"call{self.made}", parallel=parallel)
        self.calls.append(call.call_id)
        self.take(self.machine.item_done(call))

    @precondition(lambda self: self.sampling)
    @rule(end_turn=st.sampled_from([None, False, True]))
    def the_response_ends(self, end_turn: bool | None) -> None:
        self.sampling = False
        self.take(self.machine.sampling_done(end_turn=end_turn))

    @precondition(lambda self: self.sampling)
    @rule(again=st.booleans())
    def the_response_breaks(self, again: bool) -> None:
        self.sampling = False
        retry = StreamRetry(1.0, "again") if again else None
        self.take(self.machine.sampling_failed(ModelError("cut", retryable=again), retry))

    @precondition(lambda self: self.timer)
    @rule()
    def the_pause_ends(self) -> None:
        self.timer = False
        self.take(self.machine.retry_due())

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def a_tool_ends(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        call = self.running.pop(key)
        self.take(self.machine.tool_done(key, an_output(call)))
        assert self.machine.tool_done(key, an_output(call)) == []

    @precondition(lambda self: not self.finished)
    @rule()
    def the_user_steers(self) -> None:
        self.machine.steered((TextInput("more"),))

    @rule()
    def the_user_interrupts(self) -> None:
        self.take(self.machine.interrupted())

    @invariant()
    def every_call_is_answered_once_and_in_order(self) -> None:
        assert self.recorded == self.calls[: len(self.recorded)]
        assert self.finished <= 1
        if self.finished:
            assert self.recorded == self.calls
            assert not self.running
        else:
            assert self.sampling or self.timer or self.running, "a turn that is not over must be waiting for something"


TestTurnLaw = TurnLaw.TestCase
TestTurnLaw.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
