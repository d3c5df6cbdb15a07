"""Why a turn failed, in the words of the API.  Pure."""

import re
from collections.abc import Mapping

from codex.app_server.api.turn import (
    CodexErrorInfo,
    HttpConnectionFailed,
    HttpFailure,
    ResponseStreamDisconnected,
    ResponseTooManyFailedAttempts,
    TurnError,
)

_INFOS: Mapping[str, CodexErrorInfo] = {
    "context_window_exceeded": "contextWindowExceeded",
    "budget_exceeded": "sessionBudgetExceeded",
    "usage_limit_exceeded": "usageLimitExceeded",
    "rate_limit_exceeded": "rateLimitExceeded",
    "server_overloaded": "serverOverloaded",
    "model_not_found": "modelNotFound",
    "unauthorized": "unauthorized",
    "internal_server_error": "internalServerError",
    "too_many_denials": "tooManyDenials",
    "connection_failed": HttpConnectionFailed(http_connection_failed=HttpFailure()),
    "stream_disconnected": ResponseStreamDisconnected(response_stream_disconnected=HttpFailure()),
    "too_many_failed_attempts": ResponseTooManyFailedAttempts(response_too_many_failed_attempts=HttpFailure()),
}


_GAVE_UP = re.compile(r"exceeded retry limit, last status: (\d{3})\b")
_TRIES_AGAIN = re.compile(r"(Reconnecting\.\.\. \d+/\d+) \((.*)\)", re.DOTALL)
_STATUS = re.compile(r"unexpected status (\d{3})\b")


def turn_error(message: str, kind: str) -> TurnError:
    """An error of the engine; kinds that the API has no word for are `other`, as in Codex also a bad request."""
    gave_up = _GAVE_UP.match(message)
    if gave_up is None:
        return TurnError(message=message, codex_error_info=_INFOS.get(kind, "other"))
    failure = HttpFailure(http_status_code=int(gave_up[1]))
    info = ResponseTooManyFailedAttempts(response_too_many_failed_attempts=failure)
    return TurnError(message=message, codex_error_info=info)


def retry_error(message: str) -> TurnError:
    """A connection that failed and is tried again; why it failed stands apart."""
    parts = _TRIES_AGAIN.fullmatch(message)
    told, details = (parts[1], parts[2]) if parts else (message, None)
    status = _STATUS.match(details or "")
    failure = HttpFailure(http_status_code=int(status[1]) if status else None)
    info = ResponseStreamDisconnected(response_stream_disconnected=failure)
    return TurnError(message=told, codex_error_info=info, additional_details=details)
