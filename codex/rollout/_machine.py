"""The numbering of a rollout, as a pure machine.

    empty  --encode--> the first line must be a `session_meta`; a thread without a turn leaves no file
    opened --encode--> numbered on from the last line
    any    --not written-> nothing moved: the same lines get the same numbers again

Law: the ordinals in the file count up by one.  Not decided here: how bytes reach the disk (`_file`).
"""

from collections.abc import Sequence

from codex.base.jsontext import encode_bytes
from codex.rollout.lines import Line, ends_turn, timestamp


class Batch:
    """Bytes to write, the ordinal after them, and whether a turn ends in them."""

    __slots__ = ("data", "ends_turn", "next_ordinal")

    def __init__(self, data: bytes, next_ordinal: int, *, ends_turn: bool) -> None:
        self.data, self.next_ordinal, self.ends_turn = data, next_ordinal, ends_turn


class Journal:
    """Where the next line goes."""

    def __init__(self) -> None:
        self._next = 0

    @property
    def next_ordinal(self) -> int:
        """The ordinal of the next line."""
        return self._next

    def opened(self, next_ordinal: int) -> None:
        """The file exists and goes on with this ordinal."""
        self._next = next_ordinal

    def lacks_beginning(self, lines: Sequence[Line]) -> bool:
        """Whether these lines would be the first of the file and are no beginning of one."""
        return self._next == 0 and bool(lines) and lines[0].kind != "session_meta"

    def encode(self, lines: Sequence[Line]) -> Batch:
        """The bytes of these lines."""
        data = b"".join([_encode(line, self._next + index) for index, line in enumerate(lines)])
        return Batch(data, self._next + len(lines), ends_turn=any(ends_turn(line) for line in lines))

    def written(self, batch: Batch) -> None:
        """The batch is in the file."""
        self._next = batch.next_ordinal


def _encode(line: Line, ordinal: int) -> bytes:
    head = f'{{"timestamp":"{timestamp(line.at)}","ordinal":{ordinal},"type":"{line.kind}","payload":'
    return head.encode() + encode_bytes(line.payload) + b"}\n"
