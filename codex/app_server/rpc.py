"""One client's JSON-RPC, as a pure machine.

    new     --initialize--> greeted    once; a second one is refused
    new     --request-----> new        refused: not initialized; while `initialize` is at work they wait for it
    greeted --request-----> greeted    runs at once, or after those of its thread that came before it
    greeted --request-----> greeted    refused at once, while as many as allowed are in flight
    any     --answer------> any        the first answer to a question that was put to this client counts
Law: every request gets exactly one answer, which carries its id as it came; requests that name the same thread run
in the order they came.  Not decided here: what a method does (dispatch), what a question means (feed).
"""

from collections import deque
from typing import Literal, TypeAlias, cast

import attrs

from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject, decode, get_object

MAX_IN_FLIGHT = 1_024
"""Requests of one client that run or wait; more are refused, to be sent again later."""

INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
PARSE_ERROR = -32700
OVERLOADED = -32001

RequestId: TypeAlias = int | str


class RpcError(Exception):
    """What a request is answered with when it cannot be done; `code` is JSON-RPC's or Codex's."""

    def __init__(self, message: str, code: int = INVALID_REQUEST, data: Json = None) -> None:
        super().__init__(message)
        self.message, self.code, self.data = message, code, data

    def body(self) -> JsonObject:
        """The member `error` of the answer."""
        body: JsonObject = {"code": self.code, "message": self.message}
        return body if self.data is None else {**body, "data": self.data}


@attrs.frozen(eq=False)
class Call:
    """A request that was taken; `params` is None where it has none, `lane` the thread whose order it keeps."""

    id: RequestId
    method: str
    params: Json
    lane: str | None


@frozen
class Run:
    """Have a call done; `Rpc.done` follows."""

    call: Call


@frozen
class Send:
    """Send this answer."""

    message: JsonObject


@frozen
class Answered:
    """The client answers a question of ours: with a result, or with an error."""

    question: int
    result: Json = None
    error: JsonObject | None = None


@frozen
class Noted:
    """The client says something that needs no answer."""

    method: str


Effect: TypeAlias = Run | Send | Answered | Noted


def result_message(request_id: RequestId, result: Json) -> JsonObject:
    """The answer of a request that was done."""
    return {"id": request_id, "result": result}


def error_message(request_id: RequestId | None, error: RpcError) -> JsonObject:
    """The answer of a request that was not."""
    return {"error": error.body(), "id": request_id}


class Rpc:
    """What one client may say now, and what is open between it and us."""

    def __init__(self, *, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self.state: Literal["new", "greeted"] = "new"
        self.congested = False
        """Whether so many answers wait to be read that requests are refused, as when too many are in flight."""
        self._max_in_flight = max_in_flight
        self._running: set[Call] = set()
        self._lanes: dict[str, deque[Call]] = {}
        """The lanes in which a call runs, with those that wait for it."""
        self._asked: set[int] = set()
        self._greeting: Call | None = None
        self._behind: list[tuple[RequestId, str, Json]] = []

    @property
    def in_flight(self) -> int:
        """Requests that run or wait."""
        return len(self._running) + sum(map(len, self._lanes.values()))

    def received(self, text: bytes | str) -> list[Effect]:
        """A message came."""
        try:
            message = decode(text.encode() if isinstance(text, str) else text)
        except (ValueError, RecursionError) as fault:
            return [Send(error_message(None, RpcError(f"Parse error: {fault}", PARSE_ERROR)))]
        if not isinstance(message, dict):
            return [Send(error_message(None, RpcError("Invalid request: a message is a JSON object")))]
        if "method" not in message:
            return self._answered(message)
        method, request_id = message["method"], message.get("id")
        if "id" not in message:
            return [Noted(method)] if isinstance(method, str) else []
        if not isinstance(request_id, str | int) or isinstance(request_id, bool):
            return [Send(error_message(None, RpcError("Invalid request: `id` is a string or an integer")))]
        if not isinstance(method, str):
            return [Send(error_message(request_id, RpcError("Invalid request: `method` is a string")))]
        return self._requested(request_id, method, message.get("params"))

    def greeted(self) -> None:
        """`initialize` was answered: the client may ask what it likes."""
        self.state = "greeted"

    def done(self, call: Call) -> list[Effect]:
        """A call was answered, or given up."""
        self._running.discard(call)
        if call is self._greeting:
            self._greeting, behind, self._behind = None, self._behind, []
            return [effect for one in behind for effect in self._requested(*one)]
        waiting = self._lanes.get(call.lane) if call.lane is not None else None
        if waiting is None or call.lane is None:
            return []
        if not waiting:
            del self._lanes[call.lane]
            return []
        following = waiting.popleft()
        self._running.add(following)
        return [Run(following)]

    def asked(self, question: int) -> None:
        """A question is put to this client."""
        self._asked.add(question)

    def withdrawn(self, question: int) -> None:
        """A question needs no answer any more."""
        self._asked.discard(question)

    def _requested(self, request_id: RequestId, method: str, params: Json) -> list[Effect]:
        if self._greeting is not None and len(self._behind) < self._max_in_flight:
            self._behind.append((request_id, method, params))
            return []
        refusal = self._refusal(method)
        if refusal is not None:
            return [Send(error_message(request_id, refusal))]
        thread = params.get("threadId") if isinstance(params, dict) else None
        call = Call(request_id, method, params, thread if isinstance(thread, str) else None)
        if call.lane is not None:
            waiting = self._lanes.get(call.lane)
            if waiting is not None:
                waiting.append(call)
                return []
            self._lanes[call.lane] = deque()
        self._running.add(call)
        if method == "initialize":
            self._greeting = call
        return [Run(call)]

    def _refusal(self, method: str) -> RpcError | None:
        if method == "initialize":
            return RpcError("Already initialized") if self.state == "greeted" else None
        if self.state == "new":
            return RpcError("Not initialized")
        if self.congested or self.in_flight >= self._max_in_flight:
            return RpcError("Server overloaded; retry later.", OVERLOADED)
        return None

    def _answered(self, message: JsonObject) -> list[Effect]:
        question = message.get("id")
        if not isinstance(question, int) or question not in self._asked:
            return []
        if "error" in message:
            error: Json = get_object(message, "error")
        elif "result" in message:
            error = None
        else:
            return []
        self._asked.discard(question)
        return [Answered(question, message.get("result"), cast("JsonObject | None", error))]
