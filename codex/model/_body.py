"""Request bodies as bytes: what was in a thread's last request is not encoded again.

A conversation's input only grows, and its items never change once they were sent, so of a long request only the end
is new. Law: the bytes are those that `encode_bytes` gives.
"""

from collections.abc import Mapping
from operator import is_

import attrs

from codex.base.jsontext import Json, encode

_MAX_THREADS = 64
_LISTS = ("input", "tools")


@attrs.frozen
class _Sent:
    """A list that was encoded, and its text without the brackets."""

    items: list[Json]
    text: str


class BodyEncoder:
    """Encodes the bodies of one client; keeps the lists of the last one of each of 64 threads, and their texts."""

    def __init__(self) -> None:
        self._threads: dict[str, dict[str, _Sent]] = {}

    def encode(self, thread_id: str, body: Mapping[str, Json]) -> bytes:
        """The body as JSON in UTF-8; lone surrogates become U+FFFD."""
        sent = self._threads.pop(thread_id, {})
        fields = [f"{encode(key)}:{self._field(key, value, sent)}" for key, value in body.items()]
        self._threads[thread_id] = sent
        if len(self._threads) > _MAX_THREADS:
            del self._threads[next(iter(self._threads))]
        text = f"{{{','.join(fields)}}}"
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()

    def _field(self, key: str, value: Json, sent: dict[str, _Sent]) -> str:
        if key not in _LISTS or not isinstance(value, list):
            return encode(value)
        before = sent.get(key)
        # The same objects, not only equal ones: 1 equals True, and is another text.
        if before is None or len(before.items) > len(value) or not all(map(is_, before.items, value)):
            before = _Sent([], "")
        text = ",".join(filter(None, [before.text, *map(encode, value[len(before.items) :])]))
        sent[key] = _Sent([*value], text)
        return f"[{text}]"
