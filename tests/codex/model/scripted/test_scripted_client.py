"""The scripted model in this process: what the turn sees of it, in virtual time."""

from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from codex.base.jsontext import Json, JsonObject
from codex.model.scripted import ScriptedClient
from codex.model.scripted._parse import parse_script
from codex.ports.model import (
    ModelError,
    ModelRequest,
    OutputItemDone,
    OutputTextDelta,
    ResponseCompleted,
    ResponseCreated,
    ResponseEvent,
)

REQUEST = ModelRequest({"model": "m", "input": "go"}, {"thread-id": "t"})


def client(value: Json, *, idle_timeout: float = 300.0, max_retries: int = 4) -> ScriptedClient:
    script = parse_script(value, "s.json")
    return ScriptedClient(script, environ={}, idle_timeout=idle_timeout, request_max_retries=max_retries)


async def ask(model: ScriptedClient) -> tuple[list[ResponseEvent], ModelError | None, float]:
    """The events, the error that ended them, and the seconds it took."""
    events: list[ResponseEvent] = []
    start = trio.current_time()
    try:
        async with model.stream(REQUEST) as batches:
            async for batch in batches:
                events.extend(batch)
    except ModelError as err:
        return events, err, trio.current_time() - start
    return events, None, trio.current_time() - start


def text(*deltas: str, **more: Json) -> list[Json]:
    return [{"type": "text", "deltas": [*deltas], "id": "m", **more}]


async def test_a_turn_is_told_as_events_from_created_to_completed(autojump_clock: MockClock) -> None:
    events, error, _ = await ask(client([{"items": text("a", "b"), "usage": {"input": 3}, "end_turn": True}]))
    assert error is None
    assert isinstance(events[0], ResponseCreated)
    assert events[2:4] == [OutputTextDelta("m", "a"), OutputTextDelta("m", "b")]
    assert isinstance(events[4], OutputItemDone)
    last = events[5]
    assert isinstance(last, ResponseCompleted)
    assert (last.end_turn, last.usage and last.usage.input_tokens) == (True, 3)


async def test_a_reader_that_is_late_does_not_slow_the_pieces_down(autojump_clock: MockClock) -> None:
    model, times, start = client([text(*"abcdef", delay=1.0)]), list[float](), trio.current_time()
    async with model.stream(REQUEST) as batches:
        async for batch in batches:
            if any(isinstance(event, OutputTextDelta) for event in batch):
                times.append(trio.current_time() - start)
            if times == [1.0, 2.0]:
                await trio.sleep(2.5)
    assert times == [1.0, 2.0, 4.5, 4.5, 5.0, 6.0]


async def test_deltas_of_one_write_come_in_one_batch(autojump_clock: MockClock) -> None:
    model = client([[{"type": "text", "repeat_delta": ["x", 10], "events_per_write": 4, "id": "m"}]])
    async with model.stream(REQUEST) as batches:
        told: list[Sequence[ResponseEvent]] = [batch async for batch in batches]
    assert told[1:4] == [[OutputTextDelta("m", "x" * n)] for n in (4, 4, 2)]


async def test_deltas_with_a_delay_come_one_by_one(autojump_clock: MockClock) -> None:
    model = client([[{"type": "text", "repeat_delta": ["x", 3], "events_per_write": 4, "id": "m", "delay": 1}]])
    times: list[float] = []
    start = trio.current_time()
    async with model.stream(REQUEST) as batches:
        async for batch in batches:
            if isinstance(batch[0], OutputTextDelta):
                times.append(trio.current_time() - start)
    assert times == [pytest.approx(n) for n in (1, 2, 3)]


async def test_delays_pass_in_the_clocks_time(autojump_clock: MockClock) -> None:
    turn: JsonObject = {
        "delay_before": 3600,
        "items": [{"type": "sleep", "seconds": 60}, *text("a", "b", "c", delay=10)],
    }
    _, error, seconds = await ask(client([turn]))
    assert (error, seconds) == (None, pytest.approx(3690))


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ({"type": "cut"}, "Transport error: network error: error decoding response body"),
        ({"type": "eof"}, "stream closed before response.completed"),
        ({"type": "sleep", "seconds": 400}, "idle timeout waiting for SSE"),
    ],
)
async def test_a_stream_that_breaks_off_keeps_its_finished_items(
    end: JsonObject, message: str, autojump_clock: MockClock
) -> None:
    events, error, _ = await ask(client([[*text("kept"), end, *text("never")]]))
    assert [type(event) for event in events][-1] is OutputItemDone
    assert error is not None
    assert (error.kind, error.retryable, str(error)) == (
        "stream_disconnected",
        True,
        f"stream disconnected before completion: {message}",
    )


async def test_a_text_cut_in_its_middle_has_no_finished_item(autojump_clock: MockClock) -> None:
    events, error, _ = await ask(client([text("a", "b", "c", cut_after=2)]))
    assert events[-2:] == [OutputTextDelta("m", "a"), OutputTextDelta("m", "b")]
    assert error is not None
    assert error.retryable


async def test_server_errors_and_resets_are_retried_silently(autojump_clock: MockClock) -> None:
    turns: list[Json] = [{"http_status": 500}, {"cut_before_headers": True}, {"http_status": 529}, text("ok")]
    _, error, seconds = await ask(client(turns))
    assert error is None
    assert seconds == pytest.approx(0.2 + 0.4 + 0.8, rel=0.2)


async def test_an_error_that_stays_is_raised_after_the_last_retry(autojump_clock: MockClock) -> None:
    model = client({"turns": [{"http_status": 503, "message": "no"}], "loop": True}, max_retries=2)
    events, error, seconds = await ask(model)
    assert events == []
    assert error is not None
    assert (error.http_status, error.retryable) == (503, True)
    assert seconds == pytest.approx(0.6, rel=0.2)


@pytest.mark.parametrize(
    ("turn", "kind", "retry_after"),
    [
        ({"http_status": 400, "message": "bad"}, "bad_request", None),
        ({"http_status": 404, "error_code": "model_not_found"}, "model_not_found", None),
        ({"http_status": 429}, "rate_limit_exceeded", None),
        ({"http_status": 429, "http_headers": {"Retry-After": "2"}}, "rate_limit_exceeded", 2.0),
        ({"http_status": 429, "error_type": "usage_limit_reached"}, "usage_limit_exceeded", None),
        ({"items": [{"type": "failed", "code": "context_length_exceeded"}]}, "context_window_exceeded", None),
        (
            {"items": [{"type": "failed", "code": "rate_limit_exceeded", "message": "try again in 1.5s"}]},
            "rate_limit_exceeded",
            1.5,
        ),
    ],
)
async def test_errors_are_those_that_http_gives(
    turn: JsonObject, kind: str, retry_after: float | None, autojump_clock: MockClock
) -> None:
    _, error, _ = await ask(client([turn]))
    assert error is not None
    assert (error.kind, error.retry_after, error.retryable) == (kind, retry_after, retry_after is not None)


async def test_leaving_early_is_no_error_and_the_next_request_gets_the_next_turn(autojump_clock: MockClock) -> None:
    model = client([text("a"), text("b")])
    async with model.stream(REQUEST) as batches:
        async for _ in batches:
            break
    events, _, _ = await ask(model)
    assert OutputTextDelta("m", "b") in events


async def test_requests_can_be_observed(autojump_clock: MockClock) -> None:
    seen: list[ModelRequest] = []
    model = ScriptedClient(parse_script([text("a")], "s.json"), observe=seen.append)
    await ask(model)
    await model.aclose()
    assert seen == [REQUEST]


async def test_raw_bytes_are_read_as_the_stream_they_would_be(autojump_clock: MockClock) -> None:
    raw = 'data: {"type":"response.output_text.delta","item_id":"m","delta":"raw"}\n\ndata: {bad\n\n'
    events, error, _ = await ask(client([[{"type": "raw_bytes", "data": raw}]]))
    assert OutputTextDelta("m", "raw") in events
    assert error is None
