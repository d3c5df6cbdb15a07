"""How an HTTP request becomes a WebSocket, or is answered and closed. Pure: bytes in, a verdict out."""

import base64
import hashlib
from http import HTTPStatus
from typing import TypeAlias

import attrs
import h11

from codex.app_server.auth import Guard

MAX_HEAD_BYTES = 16_384
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
_PROBES = ("/readyz", "/healthz")


@attrs.frozen
class Upgrade:
    """The client may speak; `answer` goes first. `rest`: what it said already."""

    answer: bytes
    rest: bytes


@attrs.frozen
class Refuse:
    """The request is answered, and the connection closed."""

    answer: bytes


Verdict: TypeAlias = Upgrade | Refuse


class Handshake:
    """Reads one HTTP request, however it is cut into pieces."""

    def __init__(self, guard: Guard | None) -> None:
        self._guard = guard
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)

    def receive(self, data: bytes, *, now: float) -> Verdict | None:
        """What follows from the bytes so far; None while the request is not complete.

        Args:
          data: what came; empty when the client will send no more.
          now: seconds since the epoch.
        """
        try:
            self._http.receive_data(data)
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            return _refuse(HTTPStatus(error.error_status_hint), "this is no HTTP request as it should be")
        if isinstance(event, h11.Request):
            return self._decide(event, now)
        return None if event is h11.NEED_DATA else _refuse(HTTPStatus.BAD_REQUEST, "no request came")

    def _decide(self, request: h11.Request, now: float) -> Verdict:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        path = request.target.decode("latin-1").partition("?")[0]
        if "origin" in headers:  # A page in a browser: it could be anybody's.
            return _refuse(HTTPStatus.FORBIDDEN)
        if path in _PROBES and "upgrade" not in headers:
            return _refuse(HTTPStatus.OK)
        if request.method != b"GET":
            return _refuse(HTTPStatus.METHOD_NOT_ALLOWED, "a WebSocket begins with GET")
        fault = _fault(headers)
        if fault is not None:
            return _refuse(HTTPStatus.BAD_REQUEST, fault)
        refusal = self._guard.refuse(headers.get("authorization"), now=now) if self._guard else None
        if refusal is not None:
            return _refuse(HTTPStatus.UNAUTHORIZED, refusal)
        return Upgrade(_accept(headers["sec-websocket-key"]), bytes(self._http.trailing_data[0]))


def _fault(headers: dict[str, str]) -> str | None:
    if "upgrade" not in [word.strip().lower() for word in headers.get("connection", "").split(",")]:
        return "Connection header did not include 'upgrade'"
    if headers.get("upgrade", "").lower() != "websocket":
        return "Upgrade header did not include 'websocket'"
    if headers.get("sec-websocket-version") != "13":
        return "Sec-WebSocket-Version header must be 13"
    if "sec-websocket-key" not in headers:
        return "Sec-WebSocket-Key header is missing"
    return None


def _accept(key: str) -> bytes:
    token = base64.b64encode(hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    return head + b"sec-websocket-accept: " + token + b"\r\n\r\n"


def too_busy() -> bytes:
    """The answer to a client for which there is no room."""
    return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections; retry later").answer


def _refuse(status: HTTPStatus, text: str = "") -> Refuse:
    kind = "content-type: text/plain; charset=utf-8\r\n" if text else ""
    body = text.encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{kind}content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return Refuse(head.encode() + body)
