"""Why a turn failed, in the words of the API.  Pure."""

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
    "bad_request": "badRequest",
    "internal_server_error": "internalServerError",
    "too_many_denials": "tooManyDenials",
    "connection_failed": HttpConnectionFailed(http_connection_failed=HttpFailure()),
    "stream_disconnected": ResponseStreamDisconnected(response_stream_disconnected=HttpFailure()),
    "too_many_failed_attempts": ResponseTooManyFailedAttempts(response_too_many_failed_attempts=HttpFailure()),
}


def turn_error(message: str, kind: str) -> TurnError:
    """An error of the engine; kinds that the API has no word for are `other`."""
    return TurnError(message=message, codex_error_info=_INFOS.get(kind, "other"))
