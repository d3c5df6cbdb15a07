"""One turn, as a pure machine.

    new      --started-------------> sampling | compacting  what the user said is recorded when a compaction is over
    sampling --ItemDone(call)------> sampling             the call starts as soon as the gate lets it
    sampling --SamplingDone--------> waiting | done       done: no calls, no input, the model ended its turn
    sampling --SamplingFailed------> breaking             calls that run go on; their outputs stay
    breaking --no calls open-------> backing off | compacting | done    done: the error ends the turn
    waiting  --ToolDone(last)------> sampling
    backing off --RetryDue---------> sampling
    sampling --CompactionDue-------> compacting           instead of a request; nothing runs then
    compacting --Compacted, -Failed-> sampling | done     done: the turn was made for the compaction alone
    opening  --GateOpened----------> as `started` | done  done: a hook refused the input, which is not recorded
    closing  --GateClosed----------> sampling | done      instead of `done` where there are hooks to be asked
    any      --Steered-------------> same                 the input is recorded before the next request
    any      --Interrupted---------> done                 every open call gets an "aborted" output
Law: every call gets exactly one output, recorded in the order of the calls; the turn's input is recorded exactly once.
Not decided here: what a tool does (tools), what an error means (model), how events look (items).
"""

from typing import Literal, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.model import StreamRetry
from codex.ports.model import ModelError
from codex.protocol.response_item import ResponseItem
from codex.protocol.user_input import UserInput
from codex.tools import Gate, ToolCall
from codex.turn.context import Phase


@frozen
class Begin:
    """Put what the turn starts with into the history: news of the context, and the user's input."""


@frozen
class Compact:
    """Replace the history by a summary of it."""

    phase: Phase


@frozen
class Warn:
    """Tell that the history stays as it is, and why."""

    error: ModelError


@frozen
class Sample:
    """Send the history to the model."""


@frozen
class RunTool:
    """Start a call."""

    call: ToolCall


@frozen
class RecordOutput:
    """Put a call's output into the history."""

    item: ResponseItem


@frozen
class RecordInput:
    """Put steered input into the history, before the next request."""

    items: tuple[UserInput, ...]
    client_id: str | None = None


@frozen
class AnnounceRetry:
    """Tell that the stream broke and is tried again; send `retry_due` after the delay."""

    retry: StreamRetry


@frozen
class StopWork:
    """Stop the sampling and every call that runs, and wait until they are gone."""


@frozen
class Finish:
    """The turn is over; `error` belongs to the outcome `failed`."""

    outcome: Literal["completed", "failed", "aborted"]
    error: ModelError | None = None


@frozen
class AskToOpen:
    """Ask whether the turn may begin."""


@frozen
class AskToClose:
    """Ask whether the turn may end."""


Effect: TypeAlias = (
    AskToOpen
    | AskToClose
    | Begin
    | Compact
    | Warn
    | Sample
    | RunTool
    | RecordOutput
    | RecordInput
    | AnnounceRetry
    | StopWork
    | Finish
)
State: TypeAlias = Literal[
    "new", "sampling", "waiting", "breaking", "backing_off", "compacting", "opening", "closing", "done"
]


class TurnMachine:
    """Decides what a turn does next; each input gives the effects to perform, in order.

    Args:
      only_compacts: the turn has no input and samples nothing; it compacts the history and ends.
      gated: hooks are asked before it begins and before it ends.
      compactable: the model has said something already, so that a compaction can make the history shorter.
    """

    def __init__(self, *, only_compacts: bool = False, gated: bool = False, compactable: bool = True) -> None:
        self.state: State = "new"
        self._only_compacts = only_compacts
        self._gated, self._full = gated and not only_compacts, False
        self._begun = only_compacts
        self.failures = 0
        self._gate = Gate()
        self._calls: dict[str, ToolCall] = {}
        self._outputs: dict[str, ResponseItem | None] = {}
        self._steered: list[RecordInput] = []
        self._follow_up = False
        self._broke: Finish | AnnounceRetry | Compact | None = None
        self._tried_compaction = not compactable

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        """Calls without an output, in their order."""
        return tuple(self._calls[key] for key, output in self._outputs.items() if output is None)

    def started(self, *, full: bool = False) -> list[Effect]:
        """The turn begins; `full`: the history has to be compacted first."""
        if self._gated and self.state == "new":
            self.state, self._full = "opening", full
            return [AskToOpen()]
        if self._only_compacts or full:
            return self._compact("manual" if self._only_compacts else "pre_turn")
        return self._sample_again()

    def gate_opened(self, *, allowed: bool) -> list[Effect]:
        """The turn may begin, or may not."""
        if self.state != "opening":
            return []
        if allowed:
            return self.started(full=self._full)
        self._begun = True
        return self._end(Finish("completed"))

    def gate_closed(self, *, go_on: bool) -> list[Effect]:
        """The turn may end, or is to go on."""
        if self.state != "closing":
            return []
        return self._sample_again() if go_on or self._steered else self._finish()

    def compaction_due(self) -> list[Effect]:
        """The history is too large for another request."""
        return self._compact("mid_turn") if self.state == "sampling" else []

    def compacted(self) -> list[Effect]:
        """The summary is the history now."""
        return self._compaction_over([], Finish("completed"))

    def compaction_failed(self, error: ModelError) -> list[Effect]:
        """The history is the old one; where there is room for another request, the turn goes on with it."""
        return self._compaction_over([Warn(error)], Finish("failed", error))

    def _compact(self, phase: Phase) -> list[Effect]:
        self.state, self._tried_compaction = "compacting", True
        return [Compact(phase)]

    def _compaction_over(self, effects: list[Effect], alone: Finish) -> list[Effect]:
        if self.state != "compacting":
            return []
        if self._only_compacts:
            self.state = "done"
            return [alone]
        return [*effects, *self._sample_again()]

    def item_done(self, call: ToolCall | None) -> list[Effect]:
        """The model finished an item; `call` when it is one."""
        if self.state == "done" or call is None:
            return []
        # A model that repeats an id (some local servers do) still gets one output for each call.
        key = call.key if call.key not in self._calls else f"{call.key}#{len(self._calls)}"
        call = attrs.evolve(call, key=key)
        self._calls[key] = call
        self._outputs[key] = None
        self._follow_up = True
        return [RunTool(self._calls[started]) for started in self._gate.add(key, parallel=call.parallel)]

    def sampling_done(self, *, end_turn: bool | None) -> list[Effect]:
        """The response is whole; `end_turn` False asks for another one."""
        if self.state != "sampling":
            return []
        self.failures, self._tried_compaction = 0, False
        self._follow_up = self._follow_up or end_turn is False
        self.state = "waiting"
        return self._go_on()

    def sampling_failed(self, error: ModelError, retry: StreamRetry | None) -> list[Effect]:
        """The response broke off or never came; without a `retry` that ends the turn.

        A context that the server finds too large is compacted first, once. `failures` counts the attempts that broke
        in a row, for whoever decides about the retry.
        """
        if self.state != "sampling":
            return []
        if error.kind == "context_window_exceeded" and not self._tried_compaction:
            self._broke = Compact("mid_turn")
        else:
            self._broke = Finish("failed", error) if retry is None else AnnounceRetry(retry)
        self.state = "breaking"
        return self._go_on()

    def retry_due(self) -> list[Effect]:
        """The pause before a retry is over."""
        return self._sample_again() if self.state == "backing_off" else []

    def tool_done(self, key: str, output: ResponseItem) -> list[Effect]:
        """A call ended with this output; late and repeated ones change nothing."""
        if self.state == "done" or self._outputs.get(key, output) is not None:
            return []
        self._outputs[key] = output
        effects: list[Effect] = [RunTool(self._calls[started]) for started in self._gate.done(key)]
        effects += self._record_ready()
        return effects + self._go_on()

    def steered(self, items: tuple[UserInput, ...], client_id: str | None = None) -> None:
        """More input from the user, while the turn is not over."""
        self._steered.append(RecordInput(items, client_id))

    def interrupted(self) -> list[Effect]:
        """The turn is to end now."""
        return [] if self.state == "done" else self._end(Finish("aborted"))

    def broken(self, error: ModelError) -> list[Effect]:
        """A part of the turn crashed."""
        return [] if self.state == "done" else self._end(Finish("failed", error))

    def _end(self, finish: Finish) -> list[Effect]:
        """Stop everything; open calls are answered and steered input is kept, so that the history stays whole."""
        self.state = "done"
        return [StopWork(), *self._abort_open_calls(), *self._input(), finish]

    def _go_on(self) -> list[Effect]:
        if self.open_calls or self.state in ("sampling", "backing_off", "compacting"):
            return []
        match self._broke:
            case AnnounceRetry() as announce:
                self.failures += 1
                self._broke, self.state = None, "backing_off"
                return [announce]
            case Finish() as finish:
                return self._end(finish)
            case Compact(phase=phase):
                self._broke = None
                return self._compact(phase)
            case None:
                pass
        if self._steered or self._follow_up:
            return self._sample_again()
        if not self._gated:
            return self._finish()
        self.state = "closing"
        return [AskToClose()]

    def _finish(self) -> list[Effect]:
        self.state = "done"
        return [Finish("completed")]

    def _sample_again(self) -> list[Effect]:
        effects = self._input()
        self.state, self._follow_up = "sampling", False
        self._calls.clear()
        self._outputs.clear()
        return [*effects, Sample()]

    def _input(self) -> list[Effect]:
        """What the user said and the history does not hold yet."""
        begin: list[Effect] = [] if self._begun else [Begin()]
        said: list[Effect] = [*self._steered]
        self._begun, self._steered = True, []
        return [*begin, *said]

    def _record_ready(self) -> list[Effect]:
        """Outputs whose calls come next in order; recorded ones are marked by an empty item."""
        ready: list[Effect] = []
        for key, output in self._outputs.items():
            if output is None:
                break
            if output:
                ready.append(RecordOutput(output))
                self._outputs[key] = {}
        return ready

    def _abort_open_calls(self) -> list[Effect]:
        effects: list[Effect] = []
        for key, output in self._outputs.items():
            item = self._calls[key].output_item("aborted") if output is None else output
            if item:
                effects.append(RecordOutput(item))
            self._outputs[key] = {}
        return effects
