"""The client against a server on loopback: Codex's table of failures and answers, row by row."""

from typing import Any

import pytest
import trio

from codex.ports.model import (
    ModelError,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    ResponseCompleted,
    ResponseCreated,
    ResponseEvent,
)
from codex.protocol.usage import TokenUsage
from tests.codex.model.loopback import (
    ADDED,
    CREATED,
    DELTA,
    GOOD,
    ITEM,
    ITEM_DONE,
    WHOLE,
    ask,
    ask_and_fail,
    chunk,
    cut,
    end,
    event_bytes,
    hang,
    head,
    open_client,
    open_server,
    refusal,
    stream_answer,
)

EVENTS: list[ResponseEvent] = [
    ResponseCreated("resp_1"),
    OutputItemAdded(ADDED["item"]),
    OutputTextDelta("msg_1", "Hello"),
    OutputItemDone(ITEM),
    ResponseCompleted("resp_1", TokenUsage(input_tokens=5, output_tokens=2, total_tokens=7)),
]
CUT = "stream disconnected before completion: Transport error: network error: error decoding response body"
EARLY = "stream disconnected before completion: stream closed before response.completed"


async def test_the_events_of_an_answer_come_in_order_over_one_connection() -> None:
    async with open_server(GOOD) as server, open_client(server.base_url) as client:
        for _ in range(4):
            assert await ask(client) == EVENTS
        assert [received.connection for received in server.received] == [1, 1, 1, 1]
        assert {(received.method, received.target) for received in server.received} == {("POST", "/v1/responses")}


async def test_the_first_request_and_the_later_ones_carry_the_same_headers_and_bytes() -> None:
    async with open_server(GOOD) as server:
        async with open_client(
            server.base_url,
            env_key="KEY",
            environ={"KEY": "secret", "GATE": "g1"},
            query_params={"api-version": "2 b"},
            http_headers={"X-Team": "blue", "User-Agent": "mine", "Host": "other.example"},
            env_http_headers={"x-gate": "GATE", "x-unset": "NOT_SET"},
        ) as client:
            for _ in range(3):
                await ask(client)
        first, second, third = server.received
        assert first.headers == second.headers == third.headers
        assert first.body == second.body == third.body
        assert first.target == "/v1/responses?api-version=2%20b"
        assert first.headers["authorization"] == "Bearer secret"
        assert (first.headers["x-team"], first.headers["x-gate"]) == ("blue", "g1")
        assert (first.headers["user-agent"], first.headers["host"]) == ("mine", "other.example")
        assert "x-unset" not in first.headers
        assert not [name for name in first.headers if "stainless" in name or name.startswith("openai")]


@pytest.mark.parametrize(
    "status", ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "529 Busy"]
)
async def test_a_failing_server_is_asked_again_silently(status: str) -> None:
    async with open_server(refusal(status, "sorry"), GOOD) as server:
        async with open_client(server.base_url, request_max_retries=1) as client:
            assert await ask(client) == EVENTS
        assert len(server.received) == 2


async def test_a_reset_before_the_headers_is_tried_again_silently() -> None:
    async with open_server(cut(), GOOD) as server:
        async with open_client(server.base_url, request_max_retries=1) as client:
            assert await ask(client) == EVENTS


async def test_a_server_that_goes_on_failing_is_given_up_after_its_retries() -> None:
    async with open_server(refusal("500 Internal Server Error", {"error": {"message": "no luck"}})) as server:
        async with open_client(server.base_url, request_max_retries=1) as client:
            _, error = await ask_and_fail(client)
        assert len(server.received) == 2
    assert error.message == f"unexpected status 500 Internal Server Error: no luck, url: {server.base_url}/responses"
    assert (error.kind, error.retryable, error.http_status) == ("internal_server_error", True, 500)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            refusal("404 Not Found", {"error": {"message": "The model does not exist", "code": "model_not_found"}}),
            "model_not_found",
            (
                "unexpected status 404 Not Found: The model does not exist, url: {url} "
                "('gpt-5.5' came from -m or the config key `model`: choose one that the provider offers)"
            ),
        ),
        (refusal("400 Bad Request", '{"error": "raw  body"}'), "bad_request", '{{"error": "raw  body"}}'),
        (
            refusal("429 Too Many Requests"),
            "rate_limit_exceeded",
            "exceeded retry limit, last status: 429 Too Many Requests",
        ),
        (
            refusal("429 Too Many Requests", {"error": {"type": "usage_limit_reached", "message": "spent"}}),
            "usage_limit_exceeded",
            "the account's usage limit or quota is spent: wait for its reset, or check its plan and billing (spent)",
        ),
        (
            refusal(
                "429 Too Many Requests", {"error": {"code": "insufficient_quota", "message": "pay"}}, retry_after="1"
            ),
            "usage_limit_exceeded",
            "the account's usage limit or quota is spent: wait for its reset, or check its plan and billing (pay)",
        ),
        (
            refusal("307 Temporary Redirect", "", location="http://elsewhere/v1/responses"),
            "other",
            (
                "unexpected status 307 Temporary Redirect: Unknown error, url: {url} "
                "(redirects are not followed: set base_url to 'http://elsewhere/v1/responses')"
            ),
        ),
    ],
)
async def test_what_no_retry_can_mend_ends_at_once_with_one_line(answer: bytes, kind: str, message: str) -> None:
    async with open_server(answer) as server:
        async with open_client(server.base_url, request_max_retries=4) as client:
            for _ in range(2):  # through httpx2, then through openai
                events, error = await ask_and_fail(client)
                assert (events, error.kind, error.retryable) == ([], kind, False)
                assert error.message == message.format(url=f"{server.base_url}/responses")
        assert len(server.received) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            refusal("401 Unauthorized", {"error": {"message": "bad key"}}),
            "unauthorized",
            (
                "unexpected status 401 Unauthorized: bad key, url: {url} "
                "(the server wants a key: name its variable in model_providers.mine.env_key)"
            ),
        ),
        (
            refusal("403 Forbidden", "not\nyou"),
            "unauthorized",
            (
                "unexpected status 403 Forbidden: not you, url: {url} "
                "(the server wants a key: name its variable in model_providers.mine.env_key)"
            ),
        ),
        (
            refusal("404 Not Found", "404 page not found"),
            "other",
            (
                "unexpected status 404 Not Found: 404 page not found, url: {url} "
                '(check base_url; a server without the Responses API needs wire_api = "chat")'
            ),
        ),
    ],
)
async def test_a_refused_key_or_address_is_asked_again_and_names_the_way_out(
    answer: bytes, kind: str, message: str
) -> None:
    async with open_server(answer) as server:
        async with open_client(server.base_url, request_max_retries=4) as client:
            _, error = await ask_and_fail(client)
        assert len(server.received) == 1  # the turn asks again, not the client
    assert (error.kind, error.retryable) == (kind, True)
    assert error.message == message.format(url=f"{server.base_url}/responses")


@pytest.mark.parametrize(("value", "seconds"), [("1", 1.0), ("0.25", 0.25)])
async def test_429_with_retry_after_may_be_asked_again_after_that_pause(value: str, seconds: float) -> None:
    async with open_server(refusal("429 Too Many Requests", retry_after=value)) as server:
        async with open_client(server.base_url) as client:
            _, error = await ask_and_fail(client)
    assert (error.retryable, error.retry_after) == (True, seconds)


@pytest.mark.parametrize("count", range(len(WHOLE)))
async def test_a_cut_at_any_event_boundary_keeps_the_events_before_it(count: int) -> None:
    before = b"".join(chunk(event_bytes(event)) for event in WHOLE[:count])
    async with open_server(cut(head(), before)) as server, open_client(server.base_url) as client:
        events, error = await ask_and_fail(client)
    assert events == EVENTS[:count]
    assert (error.message, error.kind, error.retryable) == (CUT, "stream_disconnected", True)


@pytest.mark.parametrize("count", range(len(WHOLE)))
async def test_a_clean_end_before_completed_is_a_failure(count: int) -> None:
    async with open_server(stream_answer(*WHOLE[:count])) as server, open_client(server.base_url) as client:
        events, error = await ask_and_fail(client)
    assert (events, error.message, error.retryable) == (EVENTS[:count], EARLY, True)


async def test_a_cut_within_an_event_drops_that_event_only() -> None:
    half = event_bytes(DELTA)[:30]
    async with open_server(cut(head(), chunk(event_bytes(CREATED) + half))) as server:
        async with open_client(server.base_url) as client:
            assert (await ask_and_fail(client))[0] == EVENTS[:1]


async def test_a_body_without_chunks_or_length_ends_with_the_connection() -> None:
    answer = end(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", event_bytes(*WHOLE))
    async with open_server(answer) as server, open_client(server.base_url) as client:
        assert await ask(client) == EVENTS


async def test_silence_after_the_headers_ends_in_the_idle_timeout() -> None:
    async with open_server(hang(head(), chunk(event_bytes(CREATED)))) as server:
        async with open_client(server.base_url, stream_idle_timeout_ms=60) as client:
            events, error = await ask_and_fail(client)
    assert events == EVENTS[:1]
    assert error.message == "stream disconnected before completion: idle timeout waiting for SSE"
    assert error.retryable


async def test_comments_alone_do_not_keep_a_stream_alive() -> None:
    async def answer(stream: trio.SocketStream, _: Any) -> None:
        await stream.send_all(head())
        while True:
            await stream.send_all(chunk(b": still here\n\n"))
            with trio.move_on_after(0.01):
                await stream.receive_some()

    async with open_server(answer) as server:
        async with open_client(server.base_url, stream_idle_timeout_ms=80) as client:
            _, error = await ask_and_fail(client)
    assert error.message.endswith("idle timeout waiting for SSE")


async def test_events_that_nobody_wants_keep_a_stream_alive() -> None:
    async def answer(stream: trio.SocketStream, _: Any) -> None:
        await stream.send_all(head())
        for _ in range(10):
            await stream.send_all(chunk(event_bytes({"type": "response.function_call_arguments.delta", "delta": "x"})))
            with trio.move_on_after(0.02):
                await stream.receive_some()
        await stream.send_all(b"".join(chunk(event_bytes(event)) for event in WHOLE) + b"0\r\n\r\n")

    async with open_server(answer) as server:
        async with open_client(server.base_url, stream_idle_timeout_ms=150) as client:
            assert await ask(client) == EVENTS


async def test_headers_that_do_not_come_end_in_their_own_deadline() -> None:
    async with open_server(hang()) as server:
        async with open_client(server.base_url, response_header_timeout_ms=50, request_max_retries=3) as client:
            _, error = await ask_and_fail(client)
        assert len(server.received) == 1
    assert error.message == (
        "stream disconnected before completion: no response headers within 0.05 s (response_header_timeout_ms)"
    )
    assert error.retryable


def failed(code: str, message: str = "") -> dict[str, Any]:
    return {"type": "response.failed", "response": {"id": "r", "error": {"code": code, "message": message}}}


@pytest.mark.parametrize(
    ("last", "kind", "retryable", "retry_after", "message"),
    [
        (
            failed("rate_limit_exceeded", "Limit reached. Please try again in 1.5s."),
            "rate_limit_exceeded",
            True,
            1.5,
            "rate limit exceeded: Limit reached. Please try again in 1.5s.",
        ),
        (
            failed("rate_limit_exceeded", "try again in 250ms"),
            "rate_limit_exceeded",
            True,
            0.25,
            "rate limit exceeded: try again in 250ms",
        ),
        (failed("rate_limit_exceeded", "try again in 2h"), "rate_limit_exceeded", False, None, None),
        (
            failed("server_error", "oops"),
            "stream_disconnected",
            True,
            None,
            "stream disconnected before completion: oops",
        ),
        (failed("context_length_exceeded", "too long"), "context_window_exceeded", False, None, None),
        (failed("insufficient_quota", "pay"), "usage_limit_exceeded", False, None, None),
        (failed("invalid_prompt", "not this"), "bad_request", False, None, "not this"),
        (failed("server_is_overloaded"), "server_overloaded", False, None, None),
        (failed("slow_down", "less"), "rate_limit_exceeded", True, None, "rate limit exceeded: less"),
        (failed("bio_policy", "not this"), "bad_request", False, None, "not this"),
        (
            {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}},
            "other",
            False,
            None,
            "Incomplete response returned, reason: max_output_tokens",
        ),
        (
            {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "something_new"}}},
            "other",
            False,
            None,
            "Incomplete response returned, reason: something_new",
        ),
        (
            {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}},
            "stream_disconnected",
            True,
            None,
            "stream disconnected before completion: Incomplete response returned, reason: content_filter",
        ),
        (
            {"type": "error", "code": "server_error", "message": "broken"},
            "stream_disconnected",
            True,
            None,
            "stream disconnected before completion: broken",
        ),
        (
            {"error": "model crashed"},
            "stream_disconnected",
            True,
            None,
            "stream disconnected before completion: model crashed",
        ),
    ],
)
async def test_failures_inside_the_stream_keep_what_came_before(
    last: dict[str, Any], kind: str, retryable: bool, retry_after: float | None, message: str | None
) -> None:
    async with open_server(stream_answer(CREATED, ADDED, DELTA, ITEM_DONE, last, DELTA)) as server:
        async with open_client(server.base_url) as client:
            events, error = await ask_and_fail(client)
    assert events == EVENTS[:4]
    assert (error.kind, error.retryable, error.retry_after) == (kind, retryable, retry_after)
    assert message is None or error.message == message


async def test_bad_json_unknown_events_and_foreign_fields_are_passed_over() -> None:
    noise = b": hello\n\nevent: ping\n\ndata: {broken\n\nid: 7\ndata: [1]\n\ndata: [DONE]\n\nretry: 3\n\n"
    answer = head() + chunk(noise) + chunk(event_bytes({"type": "response.new_thing"}, *WHOLE) + noise) + b"0\r\n\r\n"
    async with open_server(answer) as server, open_client(server.base_url) as client:
        assert await ask(client) == EVENTS


async def test_an_empty_answer_is_complete() -> None:
    async with open_server(stream_answer(CREATED, WHOLE[-1])) as server, open_client(server.base_url) as client:
        assert await ask(client) == [EVENTS[0], EVENTS[-1]]


async def test_a_document_instead_of_a_stream_is_named() -> None:
    page = refusal("200 OK", "<h1>Proxy</h1>", content_type="text/html")
    async with open_server(page) as server, open_client(server.base_url) as client:
        _, error = await ask_and_fail(client)
    assert (
        error.message
        == f"{server.base_url}/responses answered with 'text/html' instead of an event stream: <h1>Proxy</h1>"
    )
    assert not error.retryable


async def test_a_refused_connection_ends_at_once_and_asks_for_the_server() -> None:
    async with open_server(GOOD) as server:
        pass
    async with open_client(server.base_url, request_max_retries=4) as client:
        errors = [(await ask_and_fail(client))[1] for _ in range(2)]
    assert errors[0].message == errors[1].message
    error = errors[1]
    assert error.message == (
        f"connection refused by 127.0.0.1:{server.port}: "
        f"is the server of model_providers.mine running at {server.base_url}?"
    )
    assert (error.kind, error.retryable) == ("connection_failed", False)


@pytest.mark.parametrize(
    ("provider", "words"), [("ollama", "`ollama serve` running?"), ("lmstudio", "`lms server start`")]
)
async def test_a_local_server_that_is_down_is_asked_for_by_name(provider: str, words: str) -> None:
    async with open_server(GOOD) as server:
        pass
    async with open_client(server.base_url, id=provider) as client:
        _, error = await ask_and_fail(client)
    assert words in error.message


async def test_endless_retries_are_left_to_the_turn_where_the_feature_is_on() -> None:
    async with open_server(GOOD) as server:
        pass
    features = {"unbounded_connection_retries": True}
    async with open_client(server.base_url, request_max_retries=4, features=features) as client:
        _, error = await ask_and_fail(client)
    assert (error.kind, error.retryable) == ("connection_failed", True)


async def test_an_unknown_host_ends_at_once() -> None:
    async with open_client("http://no-such-host.invalid/v1", request_max_retries=0) as client:
        with pytest.raises(ModelError) as caught:
            await ask(client)
    assert caught.value.kind == "connection_failed"
    assert "no-such-host.invalid" in caught.value.message
