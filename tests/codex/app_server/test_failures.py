"""Why turns fail, in Codex's words."""

from codex.app_server.failures import retry_error, turn_error
from codex.app_server.wire import encode


def test_a_bad_request_is_other() -> None:
    assert encode(turn_error("bad", "bad_request"))["codexErrorInfo"] == "other"


def test_the_status_that_was_tried_too_often_is_told() -> None:
    error = turn_error("exceeded retry limit, last status: 429 Too Many Requests", "rate_limit_exceeded")
    assert encode(error)["codexErrorInfo"] == {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}


def test_why_a_connection_is_tried_again_stands_apart() -> None:
    error = retry_error("Reconnecting... 2/5 (unexpected status 401 Unauthorized: who (are you))")
    assert encode(error) == {
        "message": "Reconnecting... 2/5",
        "codexErrorInfo": {"responseStreamDisconnected": {"httpStatusCode": 401}},
        "additionalDetails": "unexpected status 401 Unauthorized: who (are you)",
        "misalignment": None,
    }
    assert encode(retry_error("waiting for network"))["message"] == "waiting for network"
