"""A notification on its way to clients: built once, encoded once, however many follow the thread."""

from collections.abc import Hashable
from typing import Any

import attrs

from codex.app_server.wire import encode
from codex.base.jsontext import encode_bytes

_JOINABLE = frozenset(
    {
        "item/agentMessage/delta",
        "item/commandExecution/outputDelta",
        "item/plan/delta",
        "item/reasoning/summaryTextDelta",
        "item/reasoning/textDelta",
    }
)


class Notice:
    """A notification: its method, its params as a class of the API, and when it was told (wall time in ms).

    One that `is_delta` implements `codex.app_server.outbox.Delta`.
    """

    __slots__ = ("_frame", "emitted_at_ms", "method", "params")

    def __init__(self, method: str, params: Any, emitted_at_ms: int) -> None:  # Any: one of a hundred classes
        self.method, self.params, self.emitted_at_ms = method, params, emitted_at_ms
        self._frame: bytes | None = None

    def __repr__(self) -> str:
        return f"Notice({self.method!r}, {self.params!r})"

    @property
    def frame(self) -> bytes:
        """The message as it goes out."""
        if self._frame is None:
            self._frame = self._encoded(self.params)
        return self._frame

    @property
    def is_delta(self) -> bool:
        """Whether its text may be joined with what follows it."""
        return self.method in _JOINABLE

    @property
    def key(self) -> Hashable:
        """What a delta belongs to."""
        return self.method, self.params.thread_id, self.params.item_id

    @property
    def text(self) -> str:
        """What a delta says."""
        return self.params.delta

    def join(self, text: str) -> bytes:
        """A delta that says this instead."""
        return self._encoded(attrs.evolve(self.params, delta=text))

    def _encoded(self, params: object) -> bytes:
        return encode_bytes({"method": self.method, "params": encode(params), "emittedAtMs": self.emitted_at_ms})
