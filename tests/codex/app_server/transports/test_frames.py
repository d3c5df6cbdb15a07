"""A server's WebSocket frames against the client of wsproto."""

import itertools
from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from codex.app_server.transports._frames import Frames, Room, framed

TEXTS = st.lists(st.text(max_size=200), max_size=6)


def client() -> Connection:
    return Connection(ConnectionType.CLIENT)


def fragments(sender: Connection, text: str, cuts: Sequence[int]) -> bytes:
    places = [0, *sorted({cut for cut in cuts if cut < len(text)} - {0}), len(text)]
    parts = [text[a:b] for a, b in itertools.pairwise(places)]
    last = len(parts) - 1
    return b"".join(
        sender.send(TextMessage(part, message_finished=number == last)) for number, part in enumerate(parts)
    )


def pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def events(receiver: Connection, data: bytes) -> list[Event]:
    receiver.receive_data(data)
    return list(receiver.events())


@given(texts=TEXTS, cuts=st.lists(st.integers(0, 200), max_size=4), size=st.integers(1, 300))
def test_messages_come_whole_however_they_are_cut(texts: list[str], cuts: list[int], size: int) -> None:
    room, sender = Room(), client()
    frames, left = Frames(room, max_bytes=100_000), room.left
    data = b"".join(fragments(sender, text, cuts) for text in texts)
    assert [message for piece in pieces(data, size) for message in frames.receive(piece).messages] == texts
    assert room.left == left


@given(texts=st.lists(st.text(max_size=300).map(str.encode), max_size=4))
def test_a_client_reads_what_is_framed(texts: list[bytes]) -> None:
    assert [event.data for event in events(client(), framed(texts)) if isinstance(event, TextMessage)] == [
        text.decode() for text in texts
    ]


def test_long_messages_are_framed_too() -> None:
    for size in (125, 126, 65_535, 65_536, 200_000):
        receiver = client()
        got = "".join(event.data for event in events(receiver, framed([b"x" * size])) if isinstance(event, TextMessage))
        assert got == "x" * size


def test_binary_messages_are_passed_on_as_bytes() -> None:
    assert Frames(Room(), max_bytes=100).receive(client().send(BytesMessage(b"{}"))).messages == [b"{}"]


def test_of_many_pings_only_the_last_is_answered() -> None:
    sender = client()
    received = Frames(Room(), max_bytes=100).receive(b"".join(sender.send(Ping(b"%d" % n)) for n in range(9)))
    assert events(sender, received.answer) == [Pong(payload=bytearray(b"8"))]


def test_a_message_that_is_too_big_ends_the_connection_before_it_is_whole() -> None:
    room, sender = Room(), client()
    frames, left = Frames(room, max_bytes=1_000), room.left
    data = sender.send(TextMessage("x" * 100_000))
    received = [frames.receive(piece) for piece in pieces(data, 100)]
    assert [event for one in received for event in events(sender, one.answer)] == [
        CloseConnection(code=1009, reason="the message is too big")
    ]
    assert (room.left, frames.closing, [one.messages for one in received if one.messages]) == (left, True, [])


def test_fragments_without_end_and_without_content_cost_no_memory() -> None:
    room, sender = Room(), client()
    frames, left = Frames(room, max_bytes=1_000), room.left
    for _ in range(10_000):
        assert not frames.receive(sender.send(TextMessage("", message_finished=False))).messages
    assert (room.left, frames.closing) == (left, False)
    for _ in range(100):
        frames.receive(sender.send(TextMessage("x", message_finished=False)))
    assert (room.left, frames.closing) == (left, True)


def test_unfinished_messages_share_their_room_and_those_who_hold_little_are_not_hurt() -> None:
    room = Room(100_000)
    hog, other, modest = (Frames(room, max_bytes=1_000_000) for _ in range(3))
    hog.receive(client().send(TextMessage("x" * 90_000, message_finished=False)))
    other.receive(client().send(TextMessage("x" * 90_000, message_finished=False)))
    assert modest.receive(client().send(TextMessage("x" * 50_000))).messages == ["x" * 50_000]
    assert (hog.closing, other.closing, modest.closing, room.left) == (False, True, False, 100_000 - 90_064)


def test_a_close_is_answered_with_its_code() -> None:
    sender = client()
    received = Frames(Room(), max_bytes=100).receive(
        sender.send(TextMessage("last")) + sender.send(CloseConnection(1001, "bye")) + b"more"
    )
    assert received.messages == ["last"]
    assert events(sender, received.answer) == [CloseConnection(code=1001, reason="bye")]


@given(data=st.binary(max_size=500), size=st.integers(1, 50))
def test_garbage_is_answered_by_a_close_or_waits_for_more(data: bytes, size: int) -> None:
    room = Room()
    frames, left, closes = Frames(room, max_bytes=400), room.left, 0
    for piece in pieces(data, size):
        receiver = client()
        closes += sum(isinstance(event, CloseConnection) for event in events(receiver, frames.receive(piece).answer))
    assert closes == frames.closing
    assert not frames.closing or room.left == left


def test_a_reason_is_cut_to_what_a_close_frame_holds() -> None:
    assert events(client(), Frames(Room(), max_bytes=9).close(1013, "ä" * 200)) == [
        CloseConnection(code=1013, reason="ä" * 61)
    ]
