"""One client's JSON-RPC: every request is answered once, in its thread's order."""

import json

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.app_server.rpc import Answered, Call, Effect, Rpc, Run, Send

_BOUND = 6


def sent(effects: list[Effect]) -> list[object]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def greeted() -> Rpc:
    rpc = Rpc()
    (run,) = rpc.received('{"id": 0, "method": "initialize", "params": {}}')
    assert isinstance(run, Run)
    rpc.greeted()
    assert rpc.done(run.call) == []
    return rpc


def test_before_initialize_every_request_is_refused() -> None:
    refused = {"error": {"code": -32600, "message": "Not initialized"}, "id": 1}
    assert sent(Rpc().received('{"id": 1, "method": "thread/list", "params": {}}')) == [refused]


def test_a_second_initialize_is_refused() -> None:
    refused = {"error": {"code": -32600, "message": "Already initialized"}, "id": "a"}
    assert sent(greeted().received('{"id": "a", "method": "initialize", "params": {}}')) == [refused]


def test_requests_right_behind_initialize_wait_for_it() -> None:
    rpc = Rpc()
    (first,) = rpc.received('{"id": 0, "method": "initialize", "params": {}}')
    assert rpc.received('{"id": 1, "method": "thread/list", "params": {}}') == []
    assert isinstance(first, Run)
    rpc.greeted()
    (second,) = rpc.done(first.call)
    assert isinstance(second, Run)
    assert (second.call.id, second.call.method) == (1, "thread/list")


def test_nonsense_is_answered_without_an_id() -> None:
    for text in ("garbage", "[]", "5", "null", '{"id": null, "method": "x"}', '{"id": 1.5, "method": "x"}'):
        (answer,) = sent(greeted().received(text))
        assert isinstance(answer, dict)
        assert answer["id"] is None


def test_an_answer_to_a_question_counts_once_and_only_from_who_was_asked() -> None:
    rpc = greeted()
    assert rpc.received('{"id": 7, "result": {}}') == []
    rpc.asked(7)
    assert rpc.received('{"id": 7, "result": {"decision": "accept"}}') == [Answered(7, {"decision": "accept"})]
    assert rpc.received('{"id": 7, "result": {"decision": "decline"}}') == []


class Requests(RuleBasedStateMachine):
    """Against lists: what runs, what waits in each thread's order, and what was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.rpc = Rpc(max_in_flight=_BOUND)
        (run,) = self.rpc.received('{"id": "hello", "method": "initialize", "params": {}}')
        assert isinstance(run, Run)
        self.rpc.greeted()
        self.rpc.done(run.call)
        self.next_id = 0
        self.running: list[Call] = []
        self.waiting: dict[str, list[int]] = {}

    @property
    def in_flight(self) -> int:
        return len(self.running) + sum(map(len, self.waiting.values()))

    @rule(thread=st.sampled_from(["a", "b", None]))
    def a_request_comes(self, thread: str | None) -> None:
        self.next_id += 1
        params = {} if thread is None else {"threadId": thread}
        effects = self.rpc.received(json.dumps({"id": self.next_id, "method": "m", "params": params}))
        if self.in_flight >= _BOUND:
            overloaded = {"code": -32001, "message": "Server overloaded; retry later."}
            assert sent(effects) == [{"error": overloaded, "id": self.next_id}]
        elif thread is not None and any(call.lane == thread for call in self.running):
            assert effects == []
            self.waiting.setdefault(thread, []).append(self.next_id)
        else:
            (run,) = effects
            assert isinstance(run, Run)
            assert run.call.id == self.next_id
            self.running.append(run.call)

    @precondition(lambda self: bool(self.running))
    @rule(which=st.integers(0, _BOUND))
    def one_is_done(self, which: int) -> None:
        call = self.running.pop(which % len(self.running))
        effects = self.rpc.done(call)
        queue = self.waiting.get(call.lane or "", [])
        if queue:
            (run,) = effects
            assert isinstance(run, Run)
            assert run.call.id == queue.pop(0)
            self.running.append(run.call)
        else:
            assert effects == []

    @invariant()
    def the_count_is_right(self) -> None:
        assert self.rpc.in_flight == self.in_flight


TestRequests = Requests.TestCase
