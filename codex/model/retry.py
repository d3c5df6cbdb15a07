"""When a request goes out again: Codex's tables of delays, and the words that announce a new attempt.

Two loops. Inside the client: a request that got no answer (the connection broke, or status 5xx) goes out again up to
`request_max_retries` times, silently. Around it, in the turn: a stream that broke off is asked for again up to
`stream_max_retries` times, and each time is announced. Pure: the caller brings the random number.
"""

import attrs

from codex.ports.model import ModelError

MAX_RETRIES = 100
FIRST_DELAY = 0.2
LONGEST_DELAY = 60.0
_FIRST_ENDLESS_DELAY = 5.0


def backoff(attempt: int, jitter: float) -> float:
    """Seconds before attempt 1, 2, …: 0.2 s, doubled each time, up to a minute.

    Args:
      jitter: a random number from 0 to 1; it moves the delay by up to 10 % to either side.
    """
    exact = min(FIRST_DELAY * 2 ** min(attempt - 1, 30), LONGEST_DELAY)
    return exact * (0.9 + 0.2 * jitter)


def request_delay(attempt: int, error: ModelError, jitter: float) -> float:
    """Seconds before the client's own attempt 1, 2, …; a server's wish for a longer pause counts, up to a minute."""
    return max(backoff(attempt, jitter), min(error.retry_after or 0.0, LONGEST_DELAY))


def may_resend(error: ModelError, attempts: int, max_retries: int) -> bool:
    """Whether the client itself sends the request again after `attempts` retries: 5xx and broken connections only.

    A 5xx counts also where the turn would not try again (an overloaded server).
    """
    if attempts >= min(max_retries, MAX_RETRIES):
        return False
    return (error.http_status or 0) >= 500 or (error.kind == "connection_failed" and error.retryable)


def stream_delay(attempt: int, error: ModelError, jitter: float) -> float:
    """Seconds before the turn's attempt 1, 2, … to get the stream again; the server's own number counts alone."""
    return backoff(attempt, jitter) if error.retry_after is None else error.retry_after


@attrs.frozen
class StreamRetry:
    """A further attempt at the stream: the pause before it, and the line that announces it."""

    delay: float
    message: str


def stream_retry(
    error: ModelError, attempt: int, max_retries: int, jitter: float, *, endless: bool = False
) -> StreamRetry | None:
    """The turn's attempt 1, 2, … after this error; None when the error ends the turn.

    Args:
      endless: `features.unbounded_connection_retries`: a server out of reach is waited for without a limit.
    """
    if endless and error.kind == "connection_failed" and error.retryable:
        delay = min(_FIRST_ENDLESS_DELAY * 2 ** min(attempt - 1, 30), LONGEST_DELAY)
        return StreamRetry(delay, f"Reconnecting... waiting for network ({error.message})")
    limit = min(max_retries, MAX_RETRIES)
    if not error.retryable or attempt > limit:
        return None
    return StreamRetry(stream_delay(attempt, error, jitter), reconnecting_text(attempt, limit, error))


def reconnecting_text(attempt: int, max_retries: int, error: ModelError) -> str:
    """The line that announces attempt `attempt`, in Codex's words."""
    return f"Reconnecting... {attempt}/{max_retries} ({error.message})"
