"""A response that breaks off anywhere: what was finished is kept, tools ran once, and the turn completes after it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import attrs
import pytest
import trio
import trio.testing

from codex.base.jsontext import Json, JsonObject, get_object
from codex.config.schema import Config, ProviderInfo
from codex.engine import Codex, open_codex
from codex.model.scripted._parse import parse_script
from codex.model.scripted.events import Answered, wire_events
from codex.model.scripted.server import serve
from codex.protocol.event import EventMsg, StreamErrorNotice, TaskComplete, TokenCount, TurnFailed
from codex.protocol.permission import SandboxPolicy
from codex.testing import SeenRequest, call, cut, open_test_codex, text

How = Literal["cut", "eof", "torn"]


def broken_response(name: str) -> list[JsonObject]:
    """Every event of a response with reasoning, text and two calls, behind the two that open it."""
    items: list[JsonObject] = [
        {"type": "reasoning", "id": "rs", "summary": ["first this", "then that"], "chunks": 2},
        {"type": "text", "id": "msg", "text": "I look into it.", "chunks": 3},
        command("a", f"echo a >> {name}"),
        command("b", f"sleep 0.4; echo b >> {name}"),  # longer than the pause before the retry
    ]
    return list(wire_events(Answered(tuple(items), "m", 1000)))[2:]


def command(call_id: str, cmd: str) -> JsonObject:
    return call("exec_command", call_id, cmd=cmd, login=False)


EVENTS = broken_response("?")
CUTS = range(len(EVENTS) + 1)
_END: Mapping[How, list[JsonObject]] = {
    "cut": [{"type": "cut"}],
    "eof": [{"type": "eof"}],
    "torn": [{"type": "raw_bytes", "data": 'event: response.output_item.done\ndata: {"type":"resp'}, {"type": "cut"}],
}


def script(how: How) -> JsonObject:
    """For every boundary a script: the events before it, the end, and then an answer."""
    scripts: JsonObject = {}
    for at in CUTS:
        before: list[Json] = [{"type": "raw_event", "event": event} for event in broken_response(f"cut{at}")[:at]]
        scripts[f"cut{at}"] = [[*before, *_END[how]], [{"type": "text", "text": "done"}]]
    return {"scripts": scripts, "default": "cut0"}


def finished(at: int) -> list[str]:
    """The ids of the items that were finished before the cut."""
    done = [get_object(event, "item") for event in EVENTS[:at] if event["type"] == "response.output_item.done"]
    return [str(item.get("call_id") or item["id"]) for item in done]


def kept(request: SeenRequest) -> list[str]:
    """The ids of the model's items in a request."""
    own = [item for item in request.input if item["type"] in ("reasoning", "function_call")]
    own += [item for item in request.input if item.get("role") == "assistant"]
    return [str(item.get("call_id") or item["id"]) for item in own]


async def check_cut(codex: Codex, at: int, requests: Sequence[SeenRequest]) -> None:
    """Run one turn whose response is cut there, and see what became of it."""
    thread = await codex.start_thread()
    async with thread.run(f"[[script:cut{at}]]") as events:
        msgs = [event.msg async for event in events]
    end = msgs[-1]
    assert isinstance(end, TaskComplete), (at, end)
    assert end.last_agent_message == "done"
    notices = [msg for msg in msgs if isinstance(msg, StreamErrorNotice)]
    assert len(notices) == (0 if at == len(EVENTS) else 1), (at, notices)
    again = [request for request in requests if request.headers.get("thread-id") == thread.thread_id][1]
    assert sorted(kept(again)) == sorted(finished(at)), at
    calls = [item for item in finished(at) if item in ("a", "b")]
    assert all("Process exited with code 0" in again.output_of(call_id) for call_id in calls)
    outputs = [item for item in again.input if item["type"] == "function_call_output"]
    assert [item["call_id"] for item in outputs] == calls
    written = Path(codex.config.cwd, f"cut{at}")
    assert sorted(written.read_text().split() if calls else []) == calls
    assert calls or not written.exists()


async def check_all(codex: Codex, requests: Sequence[SeenRequest]) -> None:
    with trio.fail_after(50):
        async with trio.open_nursery() as nursery:
            for at in CUTS:
                nursery.start_soon(check_cut, codex, at, requests)


@pytest.mark.parametrize("how", ["cut", "eof"])
async def test_a_response_cut_at_any_event_is_completed_in_this_process(how: How) -> None:
    async with open_test_codex(script(how)) as codex:
        await check_all(codex.codex, codex.requests)


@pytest.mark.parametrize("how", ["cut", "torn"])
async def test_a_response_cut_at_any_event_is_completed_over_http(how: How, tmp_path: Path) -> None:
    async with open_codex_over_http(script(how), tmp_path) as (codex, requests):
        await check_all(codex, requests)


@attrs.frozen
class Requests:
    """Keeps what the server was asked. Implements `RequestLog`."""

    seen: list[SeenRequest] = attrs.field(factory=list[SeenRequest])

    def write(self, entry: Mapping[str, Json]) -> None:
        if "request" in entry:
            headers = {name: str(value) for name, value in get_object(entry, "headers").items()}
            self.seen.append(SeenRequest(get_object(entry, "body"), headers))


@asynccontextmanager
async def open_codex_over_http(
    script: JsonObject, place: Path, **settings: object
) -> AsyncGenerator[tuple[Codex, list[SeenRequest]], None]:
    """An engine that asks the scripted model over HTTP, and what that was asked."""
    log = Requests()
    for name in ("home", "cwd"):
        (place / name).mkdir()
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(serve, parse_script(script, "script.json"), port=0, log=log))
        config = Config(
            codex_home=str(place / "home"),
            cwd=str(place / "cwd"),
            model="gpt-5.5",
            model_provider="mock",
            model_providers={"mock": ProviderInfo("mock", "Mock", base_url=url)},
            approval_policy="never",
            sandbox_policy=SandboxPolicy("danger-full-access"),
        )
        async with open_codex(attrs.evolve(config, **settings)) as codex:
            yield codex, log.seen
        nursery.cancel_scope.cancel()


async def run_ephemeral(
    turns: Sequence[Sequence[JsonObject]], *, prompts: int = 1
) -> tuple[list[EventMsg], list[SeenRequest]]:
    """The events of turns that touch neither disk nor processes, so that a test's clock may leap over pauses."""
    async with open_test_codex(turns, ephemeral=True) as codex:
        events = [event for number in range(prompts) for event in await codex.run_turn(f"prompt {number}")]
        return events, codex.requests


async def test_the_sixth_cut_in_a_row_fails_the_turn(autojump_clock: trio.testing.MockClock) -> None:
    events, requests = await run_ephemeral([[text("half"), cut()]] * 6 + [[text("too late")]])
    notices = [event.message for event in events if isinstance(event, StreamErrorNotice)]
    assert [notice[: len("Reconnecting... 1/5")] for notice in notices] == [
        f"Reconnecting... {n}/5" for n in range(1, 6)
    ]
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].message.startswith("stream disconnected before completion: ")
    assert len(requests) == 6
    assert autojump_clock.current_time() < 60


async def test_a_whole_response_between_cuts_gives_all_attempts_back(autojump_clock: trio.testing.MockClock) -> None:
    broken: list[list[JsonObject]] = [[cut()]] * 5
    plan: list[Json] = [{"step": "one", "status": "pending"}]
    turns = [*broken, [call("update_plan", plan=plan)], *broken, [text("through")]]
    async with open_test_codex(turns, ephemeral=True, update_plan_enabled=True) as codex:
        events = await codex.run_turn("go")
    assert isinstance(events[-1], TaskComplete)
    assert events[-1].last_agent_message == "through"
    assert len([event for event in events if isinstance(event, StreamErrorNotice)]) == 10


async def test_a_response_that_ends_without_completed_is_asked_for_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    events, requests = await run_ephemeral([[text("half"), {"type": "eof"}], [text("whole")]])
    (notice,) = [event.message for event in events if isinstance(event, StreamErrorNotice)]
    assert notice == (
        "Reconnecting... 1/5 (stream disconnected before completion: stream closed before response.completed)"
    )
    assert isinstance(events[-1], TaskComplete)
    assert requests[1].texts("assistant") == ["half"]


async def test_a_response_without_usage_completes_and_counts_nothing(autojump_clock: trio.testing.MockClock) -> None:
    item: JsonObject = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}
    events_of: list[JsonObject] = [
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {"id": "resp_1"}},
    ]
    turn: list[JsonObject] = [{"type": "raw_event", "event": event} for event in events_of]
    events, _ = await run_ephemeral([turn])
    assert isinstance(events[-1], TaskComplete)
    assert events[-1].last_agent_message == "hi"
    assert [event for event in events if isinstance(event, TokenCount)] == []


@pytest.mark.parametrize("data", ["{broken", "[1]", "null", '"text"', "{}", '{"type": 7}', '{"type":"response.new"}'])
async def test_a_line_that_nobody_understands_is_passed_over(data: str, autojump_clock: trio.testing.MockClock) -> None:
    events, _ = await run_ephemeral([[{"type": "raw_event", "data": data}, text("all right")]])
    assert isinstance(events[-1], TaskComplete)
    assert events[-1].last_agent_message == "all right"


async def test_a_thread_whose_turn_failed_on_cuts_goes_on(autojump_clock: trio.testing.MockClock) -> None:
    events, requests = await run_ephemeral([[text("half"), cut()]] * 6 + [[text("here again")]], prompts=2)
    assert isinstance(events[-1], TaskComplete)
    assert {"prompt 0", "prompt 1"} <= set(requests[-1].texts("user"))
