"""How a WebSocket begins, and what is refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.app_server.auth import CapabilityToken
from codex.app_server.transports.handshake import MAX_HEAD_BYTES, Handshake, Refuse, Upgrade, Verdict

UPGRADE = {
    "Host": "127.0.0.1",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
ACCEPTED = Upgrade(
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    b"\x81\x80",
)


def request(path: str = "/", *, method: str = "GET", without: str = "", **more: str) -> bytes:
    headers = {name: value for name, value in UPGRADE.items() if name != without} | more
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def verdict(data: bytes, token: str | None = None) -> Verdict | None:
    return Handshake(CapabilityToken.of(token) if token else None).receive(data, now=0)


def refused(status: str, text: str = "") -> Refuse:
    kind = "content-type: text/plain; charset=utf-8\r\n" if text else ""
    head = f"HTTP/1.1 {status}\r\n{kind}content-length: {len(text)}\r\nconnection: close\r\n\r\n"
    return Refuse((head + text).encode())


@given(cuts=st.lists(st.integers(0, 200)))
def test_a_request_is_read_however_it_is_cut_into_pieces(cuts: list[int]) -> None:
    data = request() + ACCEPTED.rest
    head, handshake = len(data) - 2, Handshake(None)
    places = [0, *sorted(cut for cut in {*cuts} if cut < head - 1), len(data)]
    verdicts = [handshake.receive(data[a:b], now=0) for a, b in itertools.pairwise(places) if a < b]
    assert verdicts == [None] * (len(verdicts) - 1) + [ACCEPTED]


@pytest.mark.parametrize(
    ("data", "token", "expected"),
    [
        (request("/anything?x"), None, "101"),
        (request(Authorization="Bearer t"), "t", "101"),
        (request("/readyz", without="Upgrade"), "t", refused("200 OK")),
        (request("/healthz", without="Upgrade"), None, refused("200 OK")),
        (request(Origin="https://example.org"), None, refused("403 Forbidden")),
        (request("/readyz", Origin="null"), None, refused("403 Forbidden")),
        (request(), "t", refused("401 Unauthorized", "missing websocket bearer token")),
        (request(Authorization="Bearer x"), "t", refused("401 Unauthorized", "invalid websocket bearer token")),
        (
            request(without="Connection"),
            None,
            refused("400 Bad Request", "Connection header did not include 'upgrade'"),
        ),
        (
            request(without="Sec-WebSocket-Key"),
            None,
            refused("400 Bad Request", "Sec-WebSocket-Key header is missing"),
        ),
        (request(method="POST"), None, refused("405 Method Not Allowed", "a WebSocket begins with GET")),
        (b"", None, refused("400 Bad Request", "no request came")),
        (b"garbage\r\n\r\n", None, refused("400 Bad Request", "this is no HTTP request as it should be")),
    ],
)
def test_a_request_is_accepted_or_answered(data: bytes, token: str | None, expected: Refuse | str) -> None:
    found = verdict(data, token)
    if expected == "101":
        assert found == Upgrade(ACCEPTED.answer, b"")
    else:
        assert found == expected


def test_a_head_without_an_end_is_refused() -> None:
    found = verdict(b"GET / HTTP/1.1\r\nx: " + b"a" * MAX_HEAD_BYTES)
    assert isinstance(found, Refuse)
    assert found.answer.startswith(b"HTTP/1.1 431 ")


@given(st.binary())
def test_no_bytes_crash_it(data: bytes) -> None:
    handshake = Handshake(None)
    if handshake.receive(data, now=0) is None:
        assert isinstance(handshake.receive(b"", now=0), Refuse)
