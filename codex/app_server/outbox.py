"""What waits to be written to one client, as a pure machine.

    open --put------------------> open      whatever waits: an answer and a question are never refused ...
    open --put_notification-----> open
    open --put_notification-----> cut       as much as allowed waits already: all of it is let go at once
    open --put (the last place)-> cut       ... but a client that leaves every answer unread is cut off too
    cut  --any------------------> cut       nothing is kept for a client that is gone

Law: what is taken is what was put, in order, nothing missing, until the client is cut off. Only texts of one delta key
are ever joined, and only when three quarters of the room are used: a text is moved back to the last waiting delta
of its key as long as nothing but deltas came in between. So a delta never passes a response, a question or another
notification.  Not decided here: who the client is, how it is told, when it is written to.
"""

from collections import deque
from collections.abc import Hashable
from typing import Protocol

import attrs

from codex.base.frozen import frozen

# A client that reads nothing for a moment gets an answer of 20,000 pieces as 20,000 notifications, as in Codex.
MAX_MESSAGES = 32_768
MAX_BYTES = 16 * 1_048_576
MAX_ANSWER_BYTES = 4 * 1_048_576
_JOINED_FROM = 0.75
_OVERHEAD = 256  # bytes that a waiting message costs beside its frame
_TEXTS_A_BLOCK = 256


class Delta(Protocol):
    """A notification whose text may be joined with what follows it."""

    @property
    def key(self) -> Hashable:
        """Texts of one key belong to one item, and to one field of it."""
        ...

    @property
    def text(self) -> str:
        """Its text."""
        ...

    @property
    def frame(self) -> bytes:
        """The notification as it is, encoded once for all clients."""
        ...

    def join(self, text: str) -> bytes:
        """Encode the same notification with a longer text."""
        ...


@frozen
class CutOff:
    """A client that read too slowly was given up. What waited for it is gone; the threads go on without it."""

    messages: int

    @property
    def reason(self) -> str:
        """What the client is told, short enough for a WebSocket's close frame (123 bytes)."""
        return f"read too slowly: {self.messages} messages waited; connect again and resume the threads"


@attrs.define
class _Joined:
    """The texts that were joined to a delta. Blocks keep many short texts from costing more than they hold."""

    size: int = 0
    blocks: list[str] = attrs.field(factory=list[str])
    texts: list[str] = attrs.field(factory=list[str])

    def add(self, text: str, size: int) -> None:
        self.size += size
        self.texts.append(text)
        if len(self.texts) == _TEXTS_A_BLOCK:
            self.blocks.append("".join(self.texts))
            self.texts.clear()


@attrs.define
class _Waiting:
    frame: bytes
    is_notification: bool
    delta: Delta | None = None
    joined: _Joined | None = None

    @property
    def size(self) -> int:
        return _OVERHEAD + len(self.frame) + (self.joined.size if self.joined else 0)

    def encoded(self) -> bytes:
        if self.delta is None or self.joined is None:
            return self.frame
        return self.delta.join("".join([self.delta.text, *self.joined.blocks, *self.joined.texts]))


class Outbox:
    """The messages for one client.

    Notifications are taken in while less than `max_bytes` of them wait, so they never hold more than that and one
    message. Answers do not count there: a client that asks for a long history is not cut off by it. Whoever reads the
    client's requests refuses them while the outbox is `congested`, which bounds the answers.
    """

    def __init__(
        self,
        *,
        max_messages: int = MAX_MESSAGES,
        max_bytes: int = MAX_BYTES,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._max_answer_bytes = max_answer_bytes
        self._waiting: deque[_Waiting] = deque()
        self._answer_bytes = 0
        self._notification_bytes = 0
        # Invariant: each of these waits, and nothing but deltas came after it.
        self._open_deltas: dict[Hashable, _Waiting] = {}
        self.cut_off: CutOff | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting_bytes(self) -> int:
        """What the waiting messages cost in memory, about."""
        return self._answer_bytes + self._notification_bytes

    @property
    def congested(self) -> bool:
        """Whether so many bytes of answers wait that no further request should be taken."""
        return self._answer_bytes >= self._max_answer_bytes

    def put(self, frame: bytes) -> None:
        """Queue a response or a question."""
        self._open_deltas.clear()
        self._append(_Waiting(frame, is_notification=False))

    def put_notification(self, frame: bytes) -> None:
        """Queue a notification that stands for itself."""
        self._open_deltas.clear()
        self._append(_Waiting(frame, is_notification=True))

    def put_delta(self, delta: Delta) -> None:
        """Queue a delta, joined to the one before it when the client lags."""
        key = delta.key
        last = self._open_deltas.get(key) if self._is_nearly_full else None
        if last is not None and self._notification_bytes < self._max_bytes:
            last.joined = last.joined or _Joined()
            size = len(delta.text.encode("utf-8", "surrogatepass"))
            last.joined.add(delta.text, size)
            self._notification_bytes += size
            return
        waiting = _Waiting(delta.frame, is_notification=True, delta=delta)
        self._append(waiting)
        if self.cut_off is None:
            self._open_deltas[key] = waiting

    def take(self) -> bytes | None:
        """The next message to write; None when nothing waits."""
        if not self._waiting:
            return None
        waiting = self._waiting.popleft()
        self._count(waiting, -1)
        if waiting.delta is not None and self._open_deltas.get(waiting.delta.key) is waiting:
            del self._open_deltas[waiting.delta.key]
        return waiting.encoded()

    @property
    def _is_nearly_full(self) -> bool:
        return (
            len(self._waiting) > self._max_messages * _JOINED_FROM
            or self._notification_bytes > self._max_bytes * _JOINED_FROM
        )

    def _append(self, waiting: _Waiting) -> None:
        if self.cut_off is not None:
            return
        too_many_bytes = waiting.is_notification and self._notification_bytes >= self._max_bytes
        if too_many_bytes or len(self._waiting) >= self._max_messages:
            self.cut_off = CutOff(len(self._waiting))
            self._waiting.clear()
            self._open_deltas.clear()
            self._answer_bytes = self._notification_bytes = 0
            return
        self._waiting.append(waiting)
        self._count(waiting, 1)

    def _count(self, waiting: _Waiting, sign: int) -> None:
        if waiting.is_notification:
            self._notification_bytes += sign * waiting.size
        else:
            self._answer_bytes += sign * waiting.size
