"""One connection's JSON-RPC as the client sees it, a pure machine.

    --request--> open     gets an id that was never used
    open --answer-> closed   the first answer counts; later ones, and those to nobody, are nothing
    any  --lost---> closed   every open request fails
Law: every request gets exactly one end. What the server says and nobody understands is no reason to stop.
Not decided here: who waits for an end, and what questions are answered with.
"""

from typing import Any, TypeAlias

import attrs

from codex.app_server.api.catalog import NOTIFICATIONS, REQUESTS, SERVER_REQUESTS
from codex.app_server.client.messages import ConnectionLost, Notification, Question, RequestFailed
from codex.app_server.wire import BadParams, decode_any, encode
from codex.base.errors import CodexError
from codex.base.jsontext import Json, JsonObject, decode, encode_bytes, get_int, get_object, get_str


@attrs.frozen
class Ended:
    """A request has its end: the API's class that answers it, or why there is none."""

    id: int
    result: Any = None
    error: CodexError | None = None


Heard: TypeAlias = Ended | Question | Notification


class Exchange:
    """The requests under way on one connection."""

    def __init__(self) -> None:
        self._open: dict[int, str] = {}
        self._next = 0

    def request(self, method: str, params: object) -> tuple[int, bytes]:
        """The id and the message of a request; `params` is the API's class, None where the method takes none."""
        self._next += 1
        self._open[self._next] = method
        message: JsonObject = {"id": self._next, "method": method}
        if params is not None:
            message["params"] = encode(params)
        return self._next, encode_bytes(message)

    def forget(self, request_id: int) -> None:
        """Nobody waits for this one any more."""
        self._open.pop(request_id, None)

    def received(self, text: bytes | str) -> Heard | None:
        """What a message means; None where it means nothing to us."""
        try:
            message = decode(text.encode() if isinstance(text, str) else text)
        except ValueError:
            return None
        if not isinstance(message, dict):
            return None
        method, request_id = message.get("method"), message.get("id")
        if not isinstance(method, str):
            return self._answered(message, request_id)
        if isinstance(request_id, int | str):
            spec = SERVER_REQUESTS.get(method)
            return Question(request_id, method, _read(spec.params if spec else None, message.get("params")))
        told = NOTIFICATIONS.get(method)
        params = _read(told.params if told else None, message.get("params"))
        return Notification(method, params, get_int(message, "emittedAtMs"))

    def lost(self) -> list[Ended]:
        """The connection is gone."""
        ended = [Ended(request_id, error=_lost(method)) for request_id, method in self._open.items()]
        self._open.clear()
        return ended

    def _answered(self, message: JsonObject, request_id: Json) -> Ended | None:
        method = self._open.pop(request_id, None) if isinstance(request_id, int) else None
        if method is None or not isinstance(request_id, int):
            return None
        if "error" in message:
            error = get_object(message, "error")
            text = get_str(error, "message")
            return Ended(request_id, error=RequestFailed(method, get_int(error, "code"), text, error.get("data")))
        spec = REQUESTS.get(method)
        try:
            result = message.get("result")
            return Ended(request_id, decode_any(spec.result, result) if spec else result)
        except BadParams as fault:
            return Ended(request_id, error=CodexError(f"{method}: the server's answer is not as it should be: {fault}"))


def answer(question: Question, result: object) -> bytes:
    """The message that answers a question with an instance of the API's class, or with JSON."""
    return encode_bytes({"id": question.id, "result": encode(result) if attrs.has(type(result)) else result})


def refusal(question: Question, code: int, message: str) -> bytes:
    """The message that answers a question with an error."""
    return encode_bytes({"id": question.id, "error": {"code": code, "message": message}})


def _lost(method: str) -> ConnectionLost:
    return ConnectionLost(f"{method}: the connection ended before the answer came")


def _read(cls: Any, params: Json) -> Any:
    """The API's class where there is one and the params fit it; else the JSON."""
    if cls is None:
        return params
    try:
        return decode_any(cls, {} if params is None else params)
    except BadParams:
        return params
