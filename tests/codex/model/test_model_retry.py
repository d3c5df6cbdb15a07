"""When requests and streams are tried again, and which words announce it."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.model import StreamRetry, stream_delay, stream_retry
from codex.model.failures import NETWORK_CUT, asked_pause, chain_of, stream_failure
from codex.model.retry import LONGEST_DELAY, may_resend, request_delay
from codex.ports.model import ModelError

CUT = stream_failure(NETWORK_CUT)


def test_delays_double_from_a_fifth_of_a_second() -> None:
    assert [round(stream_delay(n, CUT, 0.5), 3) for n in range(1, 6)] == [0.2, 0.4, 0.8, 1.6, 3.2]
    assert stream_delay(10_000, CUT, 0.5) == LONGEST_DELAY


@given(st.integers(1, 200), st.floats(0, 1))
def test_jitter_moves_a_delay_by_a_tenth_at_most(attempt: int, jitter: float) -> None:
    exact = stream_delay(attempt, CUT, 0.5)
    assert 0.9 * exact - 1e-9 <= stream_delay(attempt, CUT, jitter) <= 1.1 * exact + 1e-9


def test_the_servers_own_pause_counts_alone_for_a_stream() -> None:
    assert stream_delay(4, stream_failure("busy", 1.5), 0.0) == 1.5


def test_a_request_waits_for_the_servers_pause_up_to_a_minute() -> None:
    def failing(pause: float | None) -> ModelError:
        return ModelError("x", "internal_server_error", retryable=True, retry_after=pause, http_status=503)

    assert [request_delay(1, failing(pause), 0.5) for pause in (None, 3.0, 900.0)] == pytest.approx([0.2, 3.0, 60.0])


@pytest.mark.parametrize(
    ("error", "resends"),
    [
        (ModelError("x", "connection_failed", retryable=True), True),
        (ModelError("x", "connection_failed"), False),
        (ModelError("x", "internal_server_error", retryable=True, http_status=500), True),
        (ModelError("x", "rate_limit_exceeded", retryable=True, retry_after=1.0, http_status=429), False),
        (CUT, False),
    ],
)
def test_the_client_itself_resends_only_what_got_no_answer(error: ModelError, resends: bool) -> None:
    assert may_resend(error, 0, 4) == resends
    assert not may_resend(error, 4, 4)


def test_a_hundred_retries_are_the_most_whatever_is_configured() -> None:
    error = ModelError("x", "connection_failed", retryable=True)
    assert may_resend(error, 99, 10_000)
    assert not may_resend(error, 100, 10_000)
    assert stream_retry(CUT, 101, 10_000, 0.5) is None


def test_a_reconnection_is_announced_in_codexs_words() -> None:
    assert stream_retry(CUT, 1, 5, 0.5) == StreamRetry(
        0.2,
        "Reconnecting... 1/5 (stream disconnected before completion: Transport error: network error: "
        "error decoding response body)",
    )
    assert stream_retry(CUT, 6, 5, 0.5) is None
    assert stream_retry(ModelError("x", "bad_request"), 1, 5, 0.5) is None


def test_a_server_out_of_reach_is_waited_for_without_end_where_that_is_wished() -> None:
    error = ModelError("refused", "connection_failed", retryable=True)
    delays = [retry.delay for n in (1, 2, 3, 4, 5, 5000) if (retry := stream_retry(error, n, 5, 0.5, endless=True))]
    assert delays == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert stream_retry(error, 6, 5, 0.5) is None


def test_the_words_are_those_of_the_recording() -> None:
    shared = Path(os.environ.get("CODEX_ACTORS_SHARED", Path(__file__).parents[4] / "shared"))
    recording = shared / "conformance" / "exec_json" / "f_cut_mid.jsonl"
    if not recording.exists():
        pytest.skip(f"no recordings at {shared}")
    lines = [json.loads(line) for line in recording.read_text().splitlines()]
    retry = stream_retry(CUT, 1, 5, 0.5)
    assert retry is not None
    assert {"type": "error", "message": retry.message} in lines


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("TRY AGAIN IN 30 seconds", 30.0),
        ("try again in 250 ms", 0.25),
        ("Try again in 6m0.5s, please", 360.5),
        ("try again in 1 hour", 3600.0),
        ("later", None),
    ],
)
def test_a_pause_is_read_from_the_message(text: str, seconds: float | None) -> None:
    assert asked_pause(text) == seconds


def test_the_causes_of_an_error_are_walked_once_through_groups_and_circles() -> None:
    inner, outer = ValueError("inner"), RuntimeError("outer")
    group = ExceptionGroup("both", [inner, KeyError("k")])
    outer.__cause__ = group
    inner.__context__ = outer
    assert [type(e).__name__ for e in chain_of(outer)] == ["RuntimeError", "ExceptionGroup", "ValueError", "KeyError"]
