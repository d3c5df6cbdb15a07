"""The lines of a rollout on their way to the disk, and their numbering, as a pure machine.

    empty  --encode--> the first line must be a `session_meta`; a thread without a turn leaves no file
    opened --encode--> numbered on from the last line
    any    --not written-> kept: the same lines get the same numbers again, before all later ones

Law: the ordinals in the file count up by one; lines reach it in the order they were taken, each once.
Not decided here: how bytes reach the disk (`_file`).
"""

from collections import deque
from collections.abc import Sequence

from codex.base.jsontext import encode_bytes
from codex.rollout.lines import Line, ends_turn, timestamp

MAX_WAITING_LINES = 10_000


class Batch:
    """Bytes to write, the ordinal after them, and whether a turn ends in them."""

    __slots__ = ("data", "ends_turn", "next_ordinal")

    def __init__(self, data: bytes, next_ordinal: int, *, ends_turn: bool) -> None:
        self.data, self.next_ordinal, self.ends_turn = data, next_ordinal, ends_turn


class Journal:
    """Where the next line goes, and which lines wait for the disk."""

    def __init__(self) -> None:
        self._next = 0
        self._waiting: deque[tuple[Line, ...]] = deque()
        self._waiting_lines = 0

    @property
    def next_ordinal(self) -> int:
        """The ordinal of the next line that is written."""
        return self._next

    def opened(self, next_ordinal: int) -> None:
        """The file exists and goes on with this ordinal."""
        self._next = next_ordinal

    def take(self, lines: tuple[Line, ...]) -> bool:
        """Let lines wait for the disk; False where too many do already, and these are not kept."""
        if self._waiting_lines + len(lines) > MAX_WAITING_LINES and self._waiting:
            return False
        if lines:
            self._waiting.append(lines)
            self._waiting_lines += len(lines)
        return True

    @property
    def waits(self) -> bool:
        """Whether lines wait for the disk."""
        return bool(self._waiting)

    @property
    def lacks_beginning(self) -> bool:
        """Whether the line that waits longest would be the first of the file, and is no beginning of one."""
        return self._next == 0 and bool(self._waiting) and self._waiting[0][0].kind != "session_meta"

    def forget(self) -> None:
        """Give up what waits: it belongs to no file."""
        self._waiting.clear()
        self._waiting_lines = 0

    def oldest(self) -> Batch:
        """The bytes of those that wait longest; there must be some."""
        return self.encode(self._waiting[0])

    def encode(self, lines: Sequence[Line]) -> Batch:
        """The bytes of these lines."""
        data = b"".join([_encode(line, self._next + index) for index, line in enumerate(lines)])
        return Batch(data, self._next + len(lines), ends_turn=any(ends_turn(line) for line in lines))

    def written(self, batch: Batch) -> None:
        """The oldest batch is in the file."""
        self._waiting_lines -= len(self._waiting.popleft())
        self._next = batch.next_ordinal


def _encode(line: Line, ordinal: int) -> bytes:
    head = f'{{"timestamp":"{timestamp(line.at)}","ordinal":{ordinal},"type":"{line.kind}","payload":'
    return head.encode() + encode_bytes(line.payload) + b"}\n"
