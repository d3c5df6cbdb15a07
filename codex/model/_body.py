"""Request bodies as bytes: what was in a thread's last request is not encoded again.

A conversation's input only grows, and its items never change once they were sent, so of a long request only the end
is new. Law: the bytes are those that `encode_bytes` gives.
"""

from collections.abc import Mapping

from codex.base.jsontext import Json, encode

_MAX_THREADS = 64
_LISTS = ("input", "tools")


class BodyEncoder:
    """Encodes the bodies of one client; keeps the texts of the last one of each of 64 threads."""

    def __init__(self) -> None:
        # The item stands beside its text, so that its id is not given to another while it is known.
        self._threads: dict[str, dict[int, tuple[Json, str]]] = {}

    def encode(self, thread_id: str, body: Mapping[str, Json]) -> bytes:
        """The body as JSON in UTF-8; lone surrogates become U+FFFD."""
        known = self._threads.pop(thread_id, {})
        fresh: dict[int, tuple[Json, str]] = {}
        fields = [f"{encode(key)}:{self._field(key, value, known, fresh)}" for key, value in body.items()]
        self._threads[thread_id] = fresh
        if len(self._threads) > _MAX_THREADS:
            del self._threads[next(iter(self._threads))]
        text = f"{{{','.join(fields)}}}"
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()

    def _field(
        self, key: str, value: Json, known: dict[int, tuple[Json, str]], fresh: dict[int, tuple[Json, str]]
    ) -> str:
        if key not in _LISTS or not isinstance(value, list):
            return encode(value)
        for item in value:
            entry = known.get(id(item))
            fresh[id(item)] = (item, encode(item)) if entry is None or entry[0] is not item else entry
        return f"[{','.join(fresh[id(item)][1] for item in value)}]"
