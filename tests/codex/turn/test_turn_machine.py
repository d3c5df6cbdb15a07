"""The turn's law: every call gets exactly one output, in the order of the calls, whatever happens in between."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codex.model import StreamRetry
from codex.ports.model import ModelError
from codex.protocol.user_input import TextInput
from codex.tools import ToolCall
from codex.turn._machine import (
    AnnounceRetry,
    Begin,
    Compact,
    Effect,
    Finish,
    RecordInput,
    RecordOutput,
    RunTool,
    Sample,
    StopWork,
    TurnMachine,
    Warn,
)


def a_call(name: str, *, parallel: bool = True) -> ToolCall:
    return ToolCall(name, name, "tool", "", "{}", custom=False, parallel=parallel)


def an_output(call: ToolCall) -> dict:
    return {"type": "function_call_output", "call_id": call.call_id, "output": f"output of {call.key}"}


def a_machine() -> TurnMachine:
    """A turn that samples for the first time."""
    machine = TurnMachine()
    assert machine.started() == [Begin(), Sample()]
    return machine


def test_a_turn_without_calls_ends_with_the_first_response() -> None:
    machine = a_machine()
    assert machine.item_done(None) == []
    assert machine.sampling_done(end_turn=None) == [Finish("completed")]


def test_a_response_that_does_not_end_the_turn_is_followed_by_another() -> None:
    machine = a_machine()
    assert machine.sampling_done(end_turn=False) == [Sample()]


def test_outputs_are_recorded_in_the_order_of_the_calls() -> None:
    machine = a_machine()
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
    machine = a_machine()
    one, two = a_call("one"), a_call("two", parallel=False)
    machine.item_done(one)
    assert machine.item_done(two) == []
    assert machine.tool_done("one", an_output(one)) == [RunTool(two), RecordOutput(an_output(one))]


def test_an_interrupt_answers_every_open_call() -> None:
    machine = a_machine()
    machine.item_done(a_call("one"))
    stop, output, finish = machine.interrupted()
    assert stop == StopWork()
    assert isinstance(output, RecordOutput)
    assert (output.item["call_id"], output.item["output"]) == ("one", "aborted")
    assert finish == Finish("aborted")
    assert machine.tool_done("one", an_output(a_call("one"))) == []


def test_a_cut_stream_is_announced_and_asked_again_after_the_tools_that_run() -> None:
    machine = a_machine()
    one = a_call("one")
    machine.item_done(one)
    retry = StreamRetry(0.2, "Reconnecting... 1/5 (cut)")
    assert machine.sampling_failed(ModelError("cut", retryable=True), retry) == []
    assert machine.tool_done("one", an_output(one)) == [RecordOutput(an_output(one)), AnnounceRetry(retry)]
    assert machine.retry_due() == [Sample()]


def test_a_stream_that_fails_for_good_ends_the_turn_after_the_tools_that_run() -> None:
    machine = a_machine()
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
    machine = a_machine()
    machine.steered((TextInput("more"),))
    assert machine.sampling_done(end_turn=None) == [RecordInput((TextInput("more"),)), Sample()]


def test_input_steered_into_a_turn_that_is_interrupted_stays_in_the_history() -> None:
    machine = a_machine()
    machine.steered((TextInput("more"),))
    assert machine.interrupted() == [StopWork(), RecordInput((TextInput("more"),)), Finish("aborted")]


TOO_LARGE = ModelError("too large", "context_window_exceeded")


def test_a_full_history_is_compacted_before_the_turn_begins() -> None:
    machine = TurnMachine()
    assert machine.started(full=True) == [Compact("pre_turn")]
    assert machine.compacted() == [Begin(), Sample()]


def test_a_history_that_fills_up_is_compacted_before_the_next_request_and_steered_input_comes_after_it() -> None:
    machine = a_machine()
    assert machine.compaction_due() == [Compact("mid_turn")]
    machine.steered((TextInput("more"),))
    assert machine.compacted() == [RecordInput((TextInput("more"),)), Sample()]


def test_a_compaction_that_fails_is_told_and_the_turn_goes_on_with_the_old_history() -> None:
    machine = a_machine()
    machine.compaction_due()
    error = ModelError("no")
    assert machine.compaction_failed(error) == [Warn(error), Sample()]


def test_an_interrupt_in_a_compaction_before_the_turn_keeps_what_the_user_said() -> None:
    machine = TurnMachine()
    machine.started(full=True)
    assert machine.interrupted() == [StopWork(), Begin(), Finish("aborted")]
    assert machine.compacted() == []


def test_a_turn_for_a_compaction_alone_ends_with_it() -> None:
    done, failed = TurnMachine(only_compacts=True), TurnMachine(only_compacts=True)
    assert done.started() == failed.started() == [Compact("manual")]
    assert done.compacted() == [Finish("completed")]
    assert failed.compaction_failed(TOO_LARGE) == [Finish("failed", TOO_LARGE)]


def test_a_context_that_the_server_finds_too_large_is_compacted_once() -> None:
    machine = a_machine()
    assert machine.sampling_failed(TOO_LARGE, None) == [Compact("mid_turn")]
    assert machine.compacted() == [Sample()]
    assert machine.sampling_failed(TOO_LARGE, None) == [StopWork(), Finish("failed", TOO_LARGE)]


def test_a_context_that_is_too_large_before_the_model_said_anything_ends_the_turn() -> None:
    machine = TurnMachine(compactable=False)
    machine.started()
    assert machine.sampling_failed(TOO_LARGE, None) == [StopWork(), Finish("failed", TOO_LARGE)]


class TurnLaw(RuleBasedStateMachine):
    """Random lives of a turn, followed by a simple account of calls and outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = TurnMachine()
        self.begun = self.compacting = False
        self.calls: list[str] = []
        self.running: dict[str, ToolCall] = {}
        self.recorded: list[str] = []
        self.sampling = False
        self.finished = 0
        self.timer = False
        self.made = 0

    @initialize(full=st.booleans())
    def the_turn_starts(self, full: bool) -> None:
        self.take(self.machine.started(full=full))

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Begin():
                    assert not self.begun, "what the user said is recorded once"
                    self.begun = True
                case Compact():
                    assert not self.sampling
                    assert not self.running
                    assert not self.compacting
                    self.compacting = True
                case Warn():
                    pass
                case Sample():
                    assert self.begun
                    assert not self.sampling
                    assert not self.compacting
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
                    self.sampling = self.timer = self.compacting = False
                case Finish():
                    assert self.begun
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

    @precondition(lambda self: self.sampling)
    @rule()
    def the_server_finds_the_context_too_large(self) -> None:
        self.sampling = False
        self.take(self.machine.sampling_failed(TOO_LARGE, None))

    @precondition(lambda self: self.sampling and self.calls == self.recorded)
    @rule()
    def the_history_is_full(self) -> None:
        self.sampling = False
        self.take(self.machine.compaction_due())

    @precondition(lambda self: self.compacting)
    @rule(summary=st.booleans())
    def the_compaction_ends(self, summary: bool) -> None:
        self.compacting = False
        self.take(self.machine.compacted() if summary else self.machine.compaction_failed(ModelError("no")))

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
            assert self.sampling or self.timer or self.running or self.compacting, (
                "a turn that is not over must be waiting for something"
            )


TestTurnLaw = TurnLaw.TestCase
TestTurnLaw.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
