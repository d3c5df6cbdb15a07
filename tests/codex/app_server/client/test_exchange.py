"""The client's side of JSON-RPC: every request gets one end, and nothing a server says stops it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.app_server.api.approval import CommandExecutionRequestApprovalParams, CommandExecutionRequestApprovalResponse
from codex.app_server.api.item_events import AgentMessageDeltaNotification
from codex.app_server.api.thread import ThreadStartParams
from codex.app_server.api.turn import TurnInterruptParams, TurnInterruptResponse
from codex.app_server.client._exchange import Ended, Exchange, answer, refusal
from codex.app_server.client.messages import ConnectionLost, Notification, Question, RequestFailed

INTERRUPT = TurnInterruptParams(thread_id="t", turn_id="u")
DELTA = {"threadId": "t", "turnId": "u", "itemId": "i", "delta": "hello"}


def text(**message: Any) -> str:
    return json.dumps(message)


def test_a_request_is_answered_with_the_class_of_the_api() -> None:
    exchange = Exchange()
    request_id, message = exchange.request("turn/interrupt", INTERRUPT)
    assert json.loads(message) == {
        "id": request_id,
        "method": "turn/interrupt",
        "params": {"threadId": "t", "turnId": "u"},
    }
    assert exchange.received(text(id=request_id, result={})) == Ended(request_id, TurnInterruptResponse())
    assert exchange.received(text(id=request_id, result={})) is None


def test_an_error_carries_its_code_and_data() -> None:
    exchange = Exchange()
    request_id, _ = exchange.request("turn/interrupt", INTERRUPT)
    ended = exchange.received(text(id=request_id, error={"code": -32001, "message": "later", "data": [1]}))
    assert isinstance(ended, Ended)
    assert isinstance(ended.error, RequestFailed)
    assert (ended.error.overloaded, ended.error.data, str(ended.error)) == (True, [1], "turn/interrupt: later (-32001)")


def test_an_answer_that_is_not_as_it_should_be_fails_the_request_and_nothing_else() -> None:
    exchange = Exchange()
    request_id, _ = exchange.request("thread/start", ThreadStartParams())
    ended = exchange.received(text(id=request_id, result={"thread": 1}))
    assert isinstance(ended, Ended)
    assert "thread/start: the server's answer is not as it should be" in str(ended.error)


def test_notifications_are_read_as_their_class_and_unknown_ones_as_json() -> None:
    exchange, delta = Exchange(), AgentMessageDeltaNotification(thread_id="t", turn_id="u", item_id="i", delta="hello")
    told = exchange.received(text(method="item/agentMessage/delta", params=DELTA, emittedAtMs=7))
    assert told == Notification("item/agentMessage/delta", delta, 7)
    assert (told.thread_id, told.turn_id) == ("t", "u")
    unknown = exchange.received(text(method="new/thing", params={"threadId": "t", "turn": {"id": "u"}}))
    assert unknown == Notification("new/thing", {"threadId": "t", "turn": {"id": "u"}})
    assert (unknown.thread_id, unknown.turn_id) == ("t", "u")
    odd = exchange.received(text(method="item/agentMessage/delta", params={"delta": 1}))
    assert odd == Notification("item/agentMessage/delta", {"delta": 1})


def test_a_question_is_answered_or_refused_under_its_id() -> None:
    params = {"threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 1}
    asked = Exchange().received(text(id="q", method="item/commandExecution/requestApproval", params=params))
    assert isinstance(asked, Question)
    assert isinstance(asked.params, CommandExecutionRequestApprovalParams)
    accept = CommandExecutionRequestApprovalResponse(decision="accept")
    assert json.loads(answer(asked, accept)) == {"id": "q", "result": {"decision": "accept"}}
    assert json.loads(answer(asked, {"any": 1})) == {"id": "q", "result": {"any": 1}}
    assert json.loads(refusal(asked, -1, "no")) == {"id": "q", "error": {"code": -1, "message": "no"}}


NONSENSE = st.one_of(
    st.binary(), st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
)


@given(NONSENSE.filter(lambda message: "method" not in str(message)))
def test_nonsense_means_nothing(message: bytes | str) -> None:
    assert Exchange().received(message) is None


class Requests(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        self.open: set[int] = set()
        self.made: list[int] = []

    @rule()
    def asks(self) -> None:
        request_id, _ = self.exchange.request("turn/interrupt", INTERRUPT)
        assert request_id not in self.made
        self.made.append(request_id)
        self.open.add(request_id)

    @rule(place=st.integers(0, 50), fails=st.booleans())
    def the_server_answers(self, place: int, fails: bool) -> None:
        request_id = self.made[place] if place < len(self.made) else place + 1_000
        body = {"error": {"code": 1, "message": "no"}} if fails else {"result": {}}
        ended = self.exchange.received(text(id=request_id, **body))
        assert (ended is not None) == (request_id in self.open)
        self.open.discard(request_id)

    @rule(place=st.integers(0, 50))
    def nobody_waits_any_more(self, place: int) -> None:
        if place < len(self.made):
            self.exchange.forget(self.made[place])
            self.open.discard(self.made[place])

    @rule()
    def the_connection_is_lost(self) -> None:
        ended = self.exchange.lost()
        assert {one.id for one in ended} == self.open
        assert all(isinstance(one.error, ConnectionLost) for one in ended)
        self.open.clear()

    @invariant()
    def ids_are_never_used_twice(self) -> None:
        assert len(set(self.made)) == len(self.made)


TestRequests = Requests.TestCase
