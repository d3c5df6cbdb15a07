"""A bounded buffer that keeps the beginning and the end of what goes through it."""

from collections import deque

DEFAULT_MAX_BYTES = 1 << 20


class HeadTail:
    """Keeps the first and the last half of `max_bytes`; what lies between is counted and dropped."""

    __slots__ = ("_head", "_head_room", "_tail", "_tail_max", "_tail_size", "max_bytes", "total")

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        assert max_bytes >= 2
        self.max_bytes = max_bytes
        self._head = bytearray()
        self._head_room = max_bytes // 2
        self._tail: deque[bytes] = deque()
        self._tail_max = max_bytes - max_bytes // 2
        self._tail_size = 0
        self.total = 0
        """Bytes that went in, kept or not."""

    def append(self, data: bytes) -> None:
        """Take more bytes."""
        self.total += len(data)
        if self._head_room:
            taken = data[: self._head_room]
            self._head += taken
            self._head_room -= len(taken)
            data = data[len(taken) :]
        if not data:
            return
        self._tail.append(data[-self._tail_max :])
        self._tail_size += len(self._tail[-1])
        excess = self._tail_size - self._tail_max
        while excess > 0:
            first = self._tail.popleft()
            if len(first) > excess:
                self._tail.appendleft(first[excess:])
            dropped = min(len(first), excess)
            self._tail_size -= dropped
            excess -= dropped

    @property
    def omitted(self) -> int:
        """Bytes that were dropped from the middle."""
        return self.total - len(self._head) - self._tail_size

    def content(self) -> bytes:
        """What is kept, with a line in the middle that says how much is not."""
        tail = b"".join(self._tail)
        if not self.omitted:
            return bytes(self._head) + tail
        return b"%b\n... %d bytes omitted ...\n%b" % (self._head, self.omitted, tail)
