"""Request bodies as bytes: what was in a thread's last request is not encoded again.

A conversation's input only grows, and its items never change once they were sent, so of a long request only the end
is new; threads with the same settings have the same tools. Law: the bytes are those that `encode_bytes` gives.
"""

from collections.abc import Mapping
from operator import is_

import attrs

from codex.base.jsontext import Json, encode

_MAX_THREADS = 64
_MAX_TOOLS = 8


@attrs.frozen
class _Sent:
    """A list that was encoded, and its text without the brackets."""

    items: list[Json]
    text: str


class BodyEncoder:
    """Encodes the bodies of one client; keeps the inputs of 64 threads and eight lists of tools, and their texts."""

    def __init__(self) -> None:
        self._threads: dict[str, _Sent] = {}
        self._tools: dict[tuple[int, ...], _Sent] = {}

    def encode(self, thread_id: str, body: Mapping[str, Json]) -> bytes:
        """The body as JSON in UTF-8; lone surrogates become U+FFFD."""
        fields = [f"{encode(key)}:{self._field(key, value, thread_id)}" for key, value in body.items()]
        text = f"{{{','.join(fields)}}}"
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()

    def _field(self, key: str, value: Json, thread_id: str) -> str:
        if not isinstance(value, list):
            return encode(value)
        match key:
            case "input":
                return f"[{self._input(value, thread_id)}]"
            case "tools":
                return f"[{self._tools_of(value)}]"
            case _:
                return encode(value)

    def _input(self, items: list[Json], thread_id: str) -> str:
        before = self._threads.pop(thread_id, None)
        # The same objects, not only equal ones: 1 equals True, and is another text.
        if before is None or len(before.items) > len(items) or not all(map(is_, before.items, items)):
            before = _Sent([], "")
        text = ",".join(filter(None, [before.text, *map(encode, items[len(before.items) :])]))
        self._threads[thread_id] = _Sent([*items], text)
        if len(self._threads) > _MAX_THREADS:
            del self._threads[next(iter(self._threads))]
        return text

    def _tools_of(self, tools: list[Json]) -> str:
        # An id stands for its object as long as that is kept here.
        which = tuple(map(id, tools))
        sent = self._tools.pop(which, None) or _Sent([*tools], ",".join(map(encode, tools)))
        self._tools[which] = sent
        if len(self._tools) > _MAX_TOOLS:
            del self._tools[next(iter(self._tools))]
        return sent.text
