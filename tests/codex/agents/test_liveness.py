"""When the silence of an agent counts: while its model has to speak, and at no other time."""

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.agents.liveness import Liveness
from codex.protocol.event import (
    AgentMessageDelta,
    ApprovalResolved,
    ItemCompleted,
    ItemStarted,
    ShutdownComplete,
    TaskComplete,
    TaskStarted,
    TurnAborted,
    TurnFailed,
)
from codex.protocol.item import AgentMessage, CollabToolCall
from codex.protocol.usage import TokenUsage

NONE = TokenUsage()


def call(name: str) -> CollabToolCall:
    return CollabToolCall(name, "wait", "thread")


class OfOneAgent(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.liveness = Liveness()
        self.now, self.turn, self.calls, self.heard = 0.0, False, set[str](), 0.0

    def tell(self, msg: object) -> None:
        self.now += 1.0
        self.heard = self.now
        self.liveness.told(msg, self.now)  # pyright: ignore[reportArgumentType]

    @rule(seconds=st.floats(0, 10_000))
    def nothing_happens(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_turn_starts(self) -> None:
        self.turn, self.calls = True, set()
        self.tell(TaskStarted("turn"))

    @rule(name=st.sampled_from("ab"))
    @precondition(lambda self: self.turn)
    def a_call_starts(self, name: str) -> None:
        self.calls.add(name)
        self.tell(ItemStarted("turn", call(name)))

    @rule(name=st.sampled_from("ab"))
    def a_call_ends(self, name: str) -> None:
        self.calls.discard(name)
        self.tell(ItemCompleted("turn", call(name)))

    @rule(name=st.sampled_from("ab"))
    def a_question_is_closed(self, name: str) -> None:
        self.calls.discard(name)
        self.tell(ApprovalResolved("turn", name, "call", None))

    @rule()
    def the_model_speaks(self) -> None:
        self.tell(ItemStarted("turn", AgentMessage("m", "")))
        self.tell(AgentMessageDelta("turn", "m", "word"))

    @rule(
        end=st.sampled_from(
            (
                TaskComplete("turn", "done", NONE, 1),
                TurnFailed("turn", "no", "other", NONE),
                TurnAborted("turn", "interrupted", NONE),
                ShutdownComplete(),
            )
        )
    )
    def the_turn_ends(self, end: object) -> None:
        self.turn = False
        self.tell(end)

    @invariant()
    def time_counts_only_while_the_model_has_to_speak(self) -> None:
        expected = self.heard if self.turn and not self.calls else None
        assert self.liveness.silent_since() == expected


TestOfOneAgent = OfOneAgent.TestCase
