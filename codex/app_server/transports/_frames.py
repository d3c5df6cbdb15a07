"""WebSocket frames of a server, as a pure machine: bytes come in, messages and answers come out.

    open    --text, binary--> open       a message once its last fragment came
    open    --ping----------> open       answered; of several at once only the last
    open    --close---------> closing    answered with the same code
    open    --nonsense------> closing    told what was wrong: 1002, 1007, or 1009 for too much
    closing --any-----------> closing    nothing is read any more
Law: what is kept of an unfinished message is never more than `max_bytes`, however it is cut into fragments, and no
more than a little once the `Room` that all clients share is used up.  Not decided here: when a silent peer is dead.
"""

import struct
from collections.abc import Iterable, Sequence

import attrs
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import ProtocolError

TOO_BIG = 1009
TRY_AGAIN_LATER = 1013
_TEXT = 0x81  # a whole text message in one frame
_FRAGMENT_COST = 64
_LITTLE = 65_536  # Other clients cannot take this much away.


@attrs.define
class Room:
    """What the unfinished messages of all clients may hold together."""

    left: int = 64 * 1_048_576


@attrs.frozen
class Received:
    """What came out of some bytes: messages for the server, and bytes that go back at once."""

    messages: Sequence[str | bytes]
    answer: bytes = b""


class Frames:
    """One connection's frames, from the end of its handshake."""

    def __init__(self, room: Room, *, max_bytes: int) -> None:
        self._frames = Connection(ConnectionType.SERVER)
        self._room = room
        self._max_bytes = max_bytes
        self._parts: list[str | bytes] = []
        self._held = 0
        self.closing = False

    def receive(self, data: bytes) -> Received:
        """What follows from these bytes, which may end anywhere."""
        messages: list[str | bytes] = []
        ping: Ping | None = None
        if self.closing:
            return Received(())
        try:
            self._frames.receive_data(data)
            for event in self._frames.events():
                if isinstance(event, TextMessage | BytesMessage):
                    self._take(event, messages)
                    if self.closing:
                        return Received(messages, self.close(TOO_BIG, "the message is too big"))
                elif isinstance(event, Ping):
                    ping = event
                elif isinstance(event, CloseConnection):
                    return Received(messages, self.close(event.code, event.reason or ""))
        except ProtocolError as error:
            return Received(messages, self.close(1002, str(error)))
        return Received(messages, self._frames.send(ping.response()) if ping else b"")

    def ping(self) -> bytes:
        """Bytes that any living peer answers."""
        return b"" if self.closing else self._frames.send(Ping())

    def close(self, code: int, reason: str) -> bytes:
        """The last bytes; nothing of what comes after them counts."""
        self.closing = True
        self._forget()
        if code in (1005, 1006):  # reserved for "there was none"
            code = 1000
        try:
            return self._frames.send(CloseConnection(code=code, reason=_short(reason)))
        except ProtocolError:
            return b""

    def _take(self, event: TextMessage | BytesMessage, messages: list[str | bytes]) -> None:
        part = event.data if isinstance(event.data, str) else bytes(event.data)
        if part:
            cost = len(part) + _FRAGMENT_COST
            self._parts.append(part)
            self._held += cost
            self._room.left -= cost
        if self._held > self._max_bytes or (self._room.left < 0 and self._held > _LITTLE):
            self.closing = True
        elif event.message_finished:
            messages.append(_joined(self._parts))
            self._forget()

    def _forget(self) -> None:
        self._room.left += self._held
        self._held = 0
        self._parts.clear()


def framed(messages: Iterable[bytes]) -> bytes:
    """Messages of UTF-8 text, each in one frame, as a server sends them."""
    pieces: list[bytes] = []
    for message in messages:
        size = len(message)
        if size < 126:
            pieces.append(bytes((_TEXT, size)))
        elif size < 65_536:
            pieces.append(struct.pack("!BBH", _TEXT, 126, size))
        else:
            pieces.append(struct.pack("!BBQ", _TEXT, 127, size))
        pieces.append(message)
    return b"".join(pieces)


def _joined(parts: Sequence[str | bytes]) -> str | bytes:
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) == len(parts):
        return "".join(texts)
    return b"".join(part for part in parts if isinstance(part, bytes))


def _short(reason: str) -> str:
    """As much of it as a close frame holds."""
    return reason.encode()[:123].decode(errors="ignore")
