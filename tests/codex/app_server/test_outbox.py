"""The outbox of a client: nothing lost, nothing out of order, nothing without a bound."""

from collections.abc import Iterable

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.app_server.api.item_events import AgentMessageDeltaNotification
from codex.app_server.notice import Notice
from codex.app_server.outbox import CutOff, Delta, Outbox

MAX_MESSAGES, MAX_BYTES, OVERHEAD = 12, 4_000, 256


@attrs.frozen
class Piece:
    """Implements `Delta`."""

    key: str
    text: str

    @property
    def frame(self) -> bytes:
        return self.join(self.text)

    def join(self, text: str) -> bytes:
        return f"{self.key}:{text}".encode()


def delta(key: str, text: str) -> Delta:
    return Piece(key, text)


def taken(outbox: Outbox) -> list[bytes]:
    return list(iter(outbox.take, None))


def test_deltas_of_one_item_are_joined_only_when_three_quarters_of_the_room_are_used() -> None:
    outbox = Outbox(max_messages=4, max_bytes=MAX_BYTES)
    for text in "abcdef":
        outbox.put_delta(delta("x", text))
    assert taken(outbox) == [b"x:a", b"x:b", b"x:c", b"x:def"]
    outbox.put_delta(delta("x", "g"))
    assert taken(outbox) == [b"x:g"]


def test_a_delta_is_not_joined_across_another_message() -> None:
    outbox = Outbox(max_messages=4, max_bytes=MAX_BYTES)
    for text in "abc":
        outbox.put_delta(delta("x", text))
    outbox.put_notification(b"item/completed")
    assert outbox.cut_off is None
    outbox.put_delta(delta("x", "d"))
    assert outbox.cut_off == CutOff(4)


def test_deltas_of_items_side_by_side_are_joined_each_with_its_own() -> None:
    outbox = Outbox(max_messages=4, max_bytes=MAX_BYTES)
    for text in "123":
        outbox.put_delta(delta("x", text))
        outbox.put_delta(delta("y", text))
    assert taken(outbox) == [b"x:1", b"y:1", b"x:23", b"y:23"]


def test_ten_thousand_short_texts_are_joined_to_one() -> None:
    outbox = Outbox(max_messages=2, max_bytes=1_048_576)
    texts = [str(number % 7) for number in range(10_000)]
    for text in texts:
        outbox.put_delta(delta("x", text))
    assert taken(outbox) == [b"x:0", b"x:" + "".join(texts[1:]).encode()]
    assert outbox.waiting_bytes == 0


def test_an_answer_of_twenty_thousand_pieces_waits_whole_for_a_client_that_does_not_read_for_a_moment() -> None:
    outbox = Outbox()
    ids = {"thread_id": "t" * 36, "turn_id": "u" * 36, "item_id": "msg_" + "i" * 50}
    for number in range(20_000):
        piece = AgentMessageDeltaNotification(**ids, delta=f"word {number} ")
        outbox.put_delta(Notice("item/agentMessage/delta", piece, 1_764_547_200_000))
    assert len(taken(outbox)) == 20_000


def test_a_long_answer_is_taken_whole_and_cuts_nobody_off() -> None:
    outbox = Outbox(max_messages=4, max_bytes=MAX_BYTES, max_answer_bytes=MAX_BYTES)
    history = b"h" * 100_000
    outbox.put(history)
    assert outbox.congested
    outbox.put_notification(b"turn/started")
    assert taken(outbox) == [history, b"turn/started"]
    assert not outbox.congested


def test_the_reason_fits_a_close_frame() -> None:
    assert len(CutOff(10**9).reason.encode()) <= 123


class Clients(RuleBasedStateMachine):
    """Against a plain list of what was put; at the end all of it was got, but for clients that were cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox(max_messages=MAX_MESSAGES, max_bytes=MAX_BYTES)
        self.put: list[tuple[str, str]] = []  # (key, text); a message that is no delta has no key
        self.got: list[bytes] = []

    @precondition(lambda self: self.outbox.cut_off is None)
    @rule(text=st.text("abc", min_size=1), length=st.integers(0, 1_500), answer=st.booleans())
    def a_message_comes(self, text: str, length: int, answer: bool) -> None:
        whole = text + "." * length
        (self.outbox.put if answer else self.outbox.put_notification)(whole.encode())
        self.put.append(("", whole))

    @precondition(lambda self: self.outbox.cut_off is None)
    @rule(key=st.sampled_from("xyz"), text=st.text("äb", min_size=1, max_size=300))
    def a_delta_comes(self, key: str, text: str) -> None:
        self.outbox.put_delta(delta(key, text))
        self.put.append((key, text))

    @rule()
    def the_client_reads(self) -> None:
        message = self.outbox.take()
        if message is not None:
            self.got.append(message)

    @invariant()
    def the_bounds_hold(self) -> None:
        assert len(self.outbox) <= MAX_MESSAGES
        if self.outbox.cut_off is not None:
            assert (len(self.outbox), self.outbox.waiting_bytes, self.outbox.take()) == (0, 0, None)

    def teardown(self) -> None:
        if self.outbox.cut_off is None:
            self.got += taken(self.outbox)
            assert received(self.got) == segments(self.put)
            assert self.outbox.waiting_bytes == 0


def segments(put: Iterable[tuple[str, str]]) -> list[str]:
    """The messages as the law fixes them: others in their places, between two of them each item's text as a whole."""
    found: list[str] = []
    run: dict[str, str] = {}
    for key, text in put:
        if key:
            run[key] = run.get(key, "") + text
            continue
        found += [f"{key}:{run[key]}" for key in sorted(run)] + [text]
        run.clear()
    return found + [f"{key}:{run[key]}" for key in sorted(run)]


def received(got: Iterable[bytes]) -> list[str]:
    return segments([(key, text) if colon else ("", key) for key, colon, text in map(split, got)])


def split(message: bytes) -> tuple[str, str, str]:
    return message.decode().partition(":")


TestClients = Clients.TestCase
