"""What a server does wrong, and what is told of it: as Codex 0.169 does on the same server, save where docs say so."""

from collections.abc import Sequence

import pytest
from trio.testing import MockClock

from codex.base.jsontext import Json, JsonObject
from codex.protocol.event import EventMsg, ItemCompleted, StreamErrorNotice, TaskComplete, TurnFailed
from codex.protocol.item import AgentMessage
from codex.testing import SeenRequest, call, cut, open_test_codex, text

DONE: JsonObject = {"items": [text("done")]}


async def run(turns: Sequence[JsonObject], *, prompts: int = 1) -> tuple[list[EventMsg], list[SeenRequest]]:
    """The events of turns that touch no disk, so that the clock may leap over pauses.

    A request that the client itself repeats counts once.
    """
    async with open_test_codex({"turns": [*turns]}, ephemeral=True) as codex:
        return [event for _ in range(prompts) for event in await codex.run_turn("go")], codex.requests


def notices(events: Sequence[EventMsg]) -> list[str]:
    return [event.message for event in events if isinstance(event, StreamErrorNotice)]


def failed(code: str, message: str = "the server's words") -> JsonObject:
    return {"items": [{"type": "failed", "code": code, "message": message}]}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Unauthorized"),
        (402, "Payment Required"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (408, "Request Timeout"),
        (409, "Conflict"),
        (410, "Gone"),
        (413, "Payload Too Large"),
        (415, "Unsupported Media Type"),
        (418, "I'm a teapot"),
        (422, "Unprocessable Entity"),
        (425, "Too Early"),
        (451, "Unavailable For Legal Reasons"),
        (499, "<unknown status code>"),
    ],
)
async def test_a_refusal_that_may_pass_is_announced_and_asked_again(
    status: int, words: str, autojump_clock: MockClock
) -> None:
    events, requests = await run([{"http_status": status, "message": "not now"}, DONE])
    (notice,) = notices(events)
    assert notice.startswith(f"Reconnecting... 1/5 (unexpected status {status} {words}: not now, url: ")
    assert isinstance(events[-1], TaskComplete)
    assert len(requests) == 2


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 529])
async def test_a_failing_server_is_asked_again_silently(status: int, autojump_clock: MockClock) -> None:
    refusals: list[JsonObject] = [{"http_status": status} for _ in range(4)]
    events, _ = await run([*refusals, DONE])
    assert notices(events) == []
    assert isinstance(events[-1], TaskComplete)


async def test_a_server_that_goes_on_failing_is_asked_thirty_times(autojump_clock: MockClock) -> None:
    refusals: list[JsonObject] = [{"http_status": 502, "message": "no"} for _ in range(30)]
    events, _ = await run([*refusals, DONE], prompts=2)
    assert [notice.split(" (")[0] for notice in notices(events)] == [f"Reconnecting... {n}/5" for n in range(1, 6)]
    (failure,) = [event for event in events if isinstance(event, TurnFailed)]
    assert failure.message.startswith("unexpected status 502 Bad Gateway: no, url: ")
    assert isinstance(events[-1], TaskComplete), "the second prompt got the turn behind the thirty refusals"


async def test_an_overloaded_server_is_asked_again_silently_and_then_given_up(autojump_clock: MockClock) -> None:
    overloaded: JsonObject = {"http_status": 503, "error_code": "server_is_overloaded", "message": "full"}
    events, _ = await run([overloaded, DONE])
    assert (notices(events), type(events[-1])) == ([], TaskComplete)
    events, requests = await run([overloaded for _ in range(6)])
    assert (notices(events), type(events[-1]), len(requests)) == ([], TurnFailed, 1)


@pytest.mark.parametrize("turn", [failed("slow_down"), failed("rate_limit_exceeded")])
async def test_a_limited_rate_is_announced_and_asked_again(turn: JsonObject, autojump_clock: MockClock) -> None:
    events, _ = await run([turn, DONE])
    assert notices(events) == ["Reconnecting... 1/5 (rate limit exceeded: the server's words)"]
    assert isinstance(events[-1], TaskComplete)


async def test_the_pause_that_a_server_names_is_kept(autojump_clock: MockClock) -> None:
    before = autojump_clock.current_time()
    await run([failed("rate_limit_exceeded", "Please try again in 90s."), DONE])
    assert 90 <= autojump_clock.current_time() - before < 91


@pytest.mark.parametrize("code", ["invalid_prompt", "bio_policy", "cyber_policy"])
async def test_a_refused_prompt_ends_the_turn_with_the_servers_words(code: str, autojump_clock: MockClock) -> None:
    events, requests = await run([failed(code), DONE])
    assert isinstance(events[-1], TurnFailed)
    assert (events[-1].message, len(requests)) == ("the server's words", 1)


@pytest.mark.parametrize(
    "turn", [failed("context_length_exceeded"), {"http_status": 400, "error_code": "context_length_exceeded"}]
)
async def test_a_full_context_ends_the_turn_and_says_what_to_do(turn: JsonObject, autojump_clock: MockClock) -> None:
    events, _ = await run([turn, DONE])
    assert isinstance(events[-1], TurnFailed)
    assert (events[-1].error_kind, "start a new session" in events[-1].message) == ("context_window_exceeded", True)


@pytest.mark.parametrize("reason", ["max_output_tokens", "something_new"])
async def test_an_incomplete_response_ends_the_turn(reason: str, autojump_clock: MockClock) -> None:
    events, requests = await run([{"items": [text("part"), {"type": "incomplete", "reason": reason}]}, DONE])
    assert isinstance(events[-1], TurnFailed)
    assert (events[-1].message, len(requests)) == (f"Incomplete response returned, reason: {reason}", 1)


async def test_a_filtered_response_is_asked_again(autojump_clock: MockClock) -> None:
    events, requests = await run([{"items": [{"type": "incomplete", "reason": "content_filter"}]}, DONE])
    assert (len(notices(events)), type(events[-1]), len(requests)) == (1, TaskComplete, 2)


@pytest.mark.parametrize("again", [True, False])
async def test_a_call_ends_before_the_broken_response_is_told(again: bool, autojump_clock: MockClock) -> None:
    end: JsonObject = cut() if again else {"type": "failed", "code": "invalid_prompt", "message": "no"}
    plan: list[Json] = [{"step": "one", "status": "pending"}]
    turns: list[list[JsonObject]] = [[call("update_plan", plan=plan), end], [text("done")]]
    async with open_test_codex(turns, ephemeral=True, update_plan_enabled=True) as codex:
        events = await codex.run_turn("go")
        history = await codex.thread.history()
    assert isinstance(events[-1], TaskComplete if again else TurnFailed)
    outputs = [item["output"] for item in history if item["type"] == "function_call_output"]
    assert outputs == ["Plan updated"]


async def test_a_message_that_broke_off_is_no_item(autojump_clock: MockClock) -> None:
    events, requests = await run([{"items": [text("one two three", chunks=3) | {"cut_after": 1}]}, DONE])
    items = [event.item for event in events if isinstance(event, ItemCompleted)]
    assert [item.text for item in items if isinstance(item, AgentMessage)] == ["done"]
    assert requests[1].texts("assistant") == []
