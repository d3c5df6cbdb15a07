"""A notification on its way to clients: built once, encoded once, however many follow the thread."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from codex.app_server.outbox import Delta
from codex.app_server.wire import encode
from codex.base.jsontext import encode_bytes

if TYPE_CHECKING:
    from codex.app_server.api.item_events import (
        AgentMessageDeltaNotification,
        CommandExecutionOutputDeltaNotification,
        PlanDeltaNotification,
        ReasoningSummaryTextDeltaNotification,
        ReasoningTextDeltaNotification,
    )

    _Joinable: TypeAlias = (
        AgentMessageDeltaNotification
        | CommandExecutionOutputDeltaNotification
        | PlanDeltaNotification
        | ReasoningSummaryTextDeltaNotification
        | ReasoningTextDeltaNotification
    )

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
    """A notification: its method, its params as a class of the API, and when it was told (wall time in ms)."""

    __slots__ = ("_delta", "_frame", "emitted_at_ms", "method", "params")

    def __init__(self, method: str, params: Any, emitted_at_ms: int) -> None:  # Any: one of a hundred classes
        self.method, self.params, self.emitted_at_ms = method, params, emitted_at_ms
        self._frame: bytes | None = None
        self._delta: Delta | None = None

    def __repr__(self) -> str:
        return f"Notice({self.method!r}, {self.params!r})"

    @property
    def frame(self) -> bytes:
        """The message as it goes out."""
        if self._frame is None:
            self._frame = self._encoded(self.params)
        return self._frame

    def delta(self) -> Delta | None:
        """The same as something that may be joined with what follows it, where that is possible."""
        if self._delta is None and self.method in _JOINABLE:
            params: _Joinable = self.params
            key = (self.method, params.thread_id, params.item_id)
            self._delta = Delta(key, params.delta, self.frame, self._joiner(params))
        return self._delta

    def _joiner(self, params: "_Joinable") -> Callable[[str], bytes]:
        return lambda text: self._encoded(attrs.evolve(params, delta=text))

    def _encoded(self, params: object) -> bytes:
        return encode_bytes({"method": self.method, "params": encode(params), "emittedAtMs": self.emitted_at_ms})
