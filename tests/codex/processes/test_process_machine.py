"""One process as a machine, against a simpler model."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.processes._machine import MAX_CHUNK_BYTES, ProcessState


class Processes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = ProcessState(1 << 20)
        self.output = b""
        self.taken = b""
        self.shown: list[bytes] = []
        self.listens = False
        self.end: tuple[int, str] | None = None
        self.output_ended = False
        self.ended = False

    @rule(data=st.binary(min_size=1, max_size=40_000))
    def output_comes(self, data: bytes) -> None:
        self.state.output_read(data)
        if not self.ended:
            self.output += data

    @rule()
    def output_ends(self) -> None:
        self.output_ended = True
        self.ended = self.ended or self.end is not None
        assert self.state.output_is_over() == self.ended

    @rule(code=st.integers(0, 255), reason=st.sampled_from(["exited", "killed", "zygote_lost"]))
    def it_exits(self, code: int, reason: str) -> None:
        self.end = self.end or (code, reason)
        self.ended = self.ended or self.output_ended
        assert self.state.exited(code, reason) == self.ended

    @precondition(lambda self: self.end is not None)
    @rule()
    def the_drain_is_over(self) -> None:
        self.state.drained()
        self.ended = True

    @rule()
    def somebody_takes(self) -> None:
        self.taken += self.state.take()
        assert self.taken == self.output

    @rule()
    def somebody_listens(self) -> None:
        self.state.listen(self.shown.append)
        self.listens = True

    @invariant()
    def the_first_end_counts(self) -> None:
        assert (self.state.code, self.state.reason) == (self.end or (None, None))
        assert self.state.ended == self.ended

    @invariant()
    def all_output_is_kept_and_shown(self) -> None:
        assert self.state.kept.content() == self.output
        if self.listens:
            assert b"".join(self.shown) == self.output
            assert all(0 < len(chunk) <= MAX_CHUNK_BYTES for chunk in self.shown)


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(stateful_step_count=20, max_examples=40)
