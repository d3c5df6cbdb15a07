"""Server-sent events: bytes in, the JSON objects of their `data` fields out.

Tolerant on purpose, as Codex is: a line that is no JSON, a comment, an unknown field or an event without data is passed
over. Chunks may end anywhere, inside a line end or a UTF-8 character too; lines end with LF, CRLF or CR.
"""

from typing import cast

from codex.base.jsontext import JsonObject

MAX_EVENT_BYTES = 64 * 1024 * 1024

# What chat servers end their streams with; shown to decoders as an object, since they only see objects.
DONE_TYPE = "[DONE]"


class EventTooLarge(ValueError):
    """One event is larger than `MAX_EVENT_BYTES`; what was read of it is dropped."""


class EventSplitter:
    """Cuts a byte stream into events. Its memory is one unfinished event.

    Invariant: `_pending` holds no finished event, whatever the chunks were.
    """

    def __init__(self) -> None:
        from jiter import from_json

        self._from_json = from_json
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._tail = b""
        self._skip_newline = False
        self._first = True

    def feed(self, chunk: bytes) -> list[JsonObject]:
        """The events that this chunk completes, in order.

        Raises:
          EventTooLarge: the stream cannot be used any more.
        """
        if self._first and chunk:
            chunk = self._without_mark(chunk)
        if self._skip_newline or b"\r" in chunk:
            chunk = self._unified(chunk)
        if not chunk:
            return []
        # The blank line that ends an event may begin in the last chunk.
        if b"\n\n" not in self._tail + chunk:
            self._keep(chunk)
            return []
        if self._pending:
            chunk = b"".join((*self._pending, chunk))
            self._pending.clear()
            self._pending_bytes = 0
        *blocks, rest = chunk.split(b"\n\n")
        self._tail = b""
        if rest:
            self._keep(rest)
        return self._decoded(blocks)

    def finish(self) -> list[JsonObject]:
        """The event that the end of the body completes: some servers leave out the last blank line."""
        block = b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        self._tail = b""
        return self._decoded([block]) if block else []

    def _keep(self, piece: bytes) -> None:
        self._pending.append(piece)
        self._pending_bytes += len(piece)
        self._tail = piece[-1:]
        if self._pending_bytes > MAX_EVENT_BYTES:
            self._pending.clear()
            raise EventTooLarge(f"one server-sent event is larger than {MAX_EVENT_BYTES} bytes")

    def _without_mark(self, chunk: bytes) -> bytes:
        # A byte order mark may itself be split; wait until it is whole or impossible.
        start = b"".join((*self._pending, chunk))
        if len(start) < 3 and b"\xef\xbb\xbf".startswith(start):
            self._pending = [start]
            return b""
        self._first = False
        self._pending.clear()
        return start.removeprefix(b"\xef\xbb\xbf")

    def _unified(self, chunk: bytes) -> bytes:
        if self._skip_newline and chunk:
            self._skip_newline = False
            chunk = chunk.removeprefix(b"\n")
        # A CR at the end counts at once; should a LF follow, it belongs to it.
        self._skip_newline = self._skip_newline or chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _decoded(self, blocks: list[bytes]) -> list[JsonObject]:
        events: list[JsonObject] = []
        from_json = self._from_json
        for block in blocks:
            data = _data(block)
            if data is None:
                continue
            try:
                value = cast("object", from_json(data, cache_mode="keys"))
            except ValueError:
                if data.strip() == b"[DONE]":
                    events.append({"type": DONE_TYPE})
                continue
            if isinstance(value, dict):
                events.append(cast("JsonObject", value))
        return events


def _data(block: bytes) -> bytes | None:
    """The event's `data` lines, joined; None when it has none."""
    at = block.find(b"data:")
    if at < 0:
        return None
    # The usual event: one `data` line, the last of its block.
    if b"\n" not in block[at:] and (at == 0 or block[at - 1] == 10):
        return block[at + 5 :]
    lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None
