"""Compactions through the public door: when they come, what the model is told then, and that nothing is lost."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.errors import UserError
from codex.context.worklog import read_ledger
from codex.protocol.contextual import is_summary, is_user_turn
from codex.protocol.event import (
    EventMsg,
    ItemCompleted,
    ItemStarted,
    StreamErrorNotice,
    TaskComplete,
    TaskStarted,
    TurnAborted,
    TurnFailed,
    Warning,
)
from codex.protocol.item import ContextCompaction, UserMessage
from codex.protocol.op import Compact, Interrupt, TurnInput
from codex.protocol.response_item import message_text
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput
from codex.rollout import Reading, load, reconstruct
from codex.testing import SeenRequest, TestCodex, call, cut, open_test_codex, patch, text
from codex.threads import TurnError

LIMIT = 50_000
FULL: Any = {"input": 90_000, "output": 100}
SMALL: Any = {"input": 5_000, "output": 10}
TOO_LARGE: Any = {"type": "failed", "code": "context_length_exceeded", "message": "too many tokens"}


def answer(*items: Any, usage: Any = SMALL, **more: Any) -> Any:
    """A response of the model with what the server counted."""
    return {"items": list(items), "usage": usage, **more}


def script(turns: Sequence[Any], *summaries: Any) -> Any:
    """A conversation, and the answers to requests for a summary."""
    told = [answer(text(one)) if isinstance(one, str) else one for one in summaries]
    return {"scripts": {"main": list(turns), "__compact__": told}, "default": "main"}


def kinds(requests: Sequence[SeenRequest]) -> list[str]:
    """What each request was for."""
    return [json.loads(request.headers["x-codex-turn-metadata"])["request_kind"] for request in requests]


def shape(request: SeenRequest) -> list[str]:
    """The items of a request behind the base instructions, in a word each."""
    return [_word(item) for item in request.input[1:]]


def _word(item: Any) -> str:
    if item["type"] != "message":
        return item["type"]
    said = item["content"][0]["text"]
    if item["role"] != "user":
        return item["role"]
    if is_summary(said):
        return "summary"
    return "ledger" if read_ledger(item) else "environment" if said.startswith("<environment") else said


def ledger_of(request: SeenRequest) -> dict[str, Any]:
    """The facts that the model is told beside the summary."""
    (found,) = [facts for item in request.input if item["type"] == "message" and (facts := read_ledger(item))]
    return dict(found)


def compactions(events: Sequence[EventMsg]) -> list[str]:
    """How compactions were shown."""
    shown = [e for e in events if isinstance(e, ItemStarted | ItemCompleted) and isinstance(e.item, ContextCompaction)]
    return [type(event).__name__ for event in shown]


async def wait_compacting(codex: TestCodex, events: list[EventMsg], *, ops: Sequence[Any]) -> None:
    """Submit what starts a turn; once its compaction has begun, submit the rest; collect until a turn ends."""
    async with codex.thread.open_events() as stream:
        first, *rest = ops
        await codex.thread.submit(first)
        async for event in stream:
            events.append(event.msg)
            if isinstance(event.msg, ItemStarted) and isinstance(event.msg.item, ContextCompaction):
                for op in rest:
                    await codex.thread.submit(op)
            if isinstance(event.msg, TaskComplete | TurnFailed | TurnAborted):
                return


def a_turn(said: str) -> TurnInput:
    return TurnInput((TextInput(said),))


async def test_inside_of_a_turn_the_history_becomes_a_summary_and_the_turn_goes_on() -> None:
    turns = [answer(call("exec_command", cmd="echo hi"), usage=FULL), answer(text("done"))]
    async with open_test_codex(script(turns, "did: echo"), model_auto_compact_token_limit=LIMIT) as codex:
        events = await codex.run_turn("go")
        requests = codex.requests
    assert kinds(requests) == ["turn", "compaction", "turn"]
    assert requests[1].tool_names == []
    assert shape(requests[1])[:-1] == ["developer", "environment", "go", "function_call", "function_call_output"]
    assert shape(requests[2]) == ["developer", "environment", "go", "summary"]
    assert "did: echo" in requests[2].texts("user")[-1]
    assert compactions(events) == ["ItemStarted", "ItemCompleted"]
    assert isinstance(events[-1], TaskComplete)
    assert events[-1].usage.input_tokens == 90_000 + 5_000 + 5_000
    windows = [request.headers["x-codex-window-id"].rpartition(":")[2] for request in requests]
    assert windows == ["0", "0", "1"]


async def test_before_a_turn_the_history_is_compacted_without_what_the_user_says_now() -> None:
    turns = [answer(text("one"), usage=FULL), answer(text("two"))]
    async with open_test_codex(script(turns, "said one"), model_auto_compact_token_limit=LIMIT) as codex:
        await codex.run_turn("first")
        events = await codex.run_turn("second")
        requests = codex.requests
    assert kinds(requests) == ["turn", "compaction", "turn"]
    assert "second" not in shape(requests[1])
    assert shape(requests[2]) == ["developer", "environment", "first", "summary", "second"]
    order = [type(event).__name__ for event in events if isinstance(event, TaskStarted | ItemStarted | ItemCompleted)]
    assert order[:4] == ["TaskStarted", "ItemStarted", "ItemCompleted", "ItemCompleted"]


async def test_the_ledger_stands_beside_the_summary_whatever_the_model_writes() -> None:
    plan = [{"step": "patch", "status": "completed"}, {"step": "serve", "status": "in_progress"}]
    turns = [
        answer(call("update_plan", "p", plan=plan)),
        answer(patch("*** Add File: new.txt\n+x", "a")),
        answer(call("exec_command", "s", cmd="sleep 1000", yield_time_ms=250), usage=FULL),
        answer(text("done"), usage=FULL),
        answer(text("on")),
    ]
    both = script(turns, "nothing was done", "still nothing")
    async with open_test_codex(both, model_auto_compact_token_limit=LIMIT, update_plan_enabled=True) as codex:
        await codex.run_turn("go")
        first = ledger_of(codex.requests[4])
        await codex.run_turn("more")
        second = ledger_of(codex.requests[6])
        path = str(codex.cwd / "new.txt")
    (process,) = first.pop("running_processes")
    assert process["command"] == "sleep 1000"
    assert f"session ID {process['session_id']}" in codex.requests[3].output_of("s")
    assert first == {"plan": plan, "changed_files": [{"path": path, "change": "add"}]}
    assert second == {**first, "running_processes": [process]}
    assert shape(codex.requests[6])[-4:] == ["go", "ledger", "summary", "more"]


async def test_a_sub_agent_that_works_is_in_the_ledger() -> None:
    turns = [
        answer(call("spawn_agent", "a", message="[[script:child]]"), usage=FULL),
        answer(text("done")),
    ]
    both = script(turns, "spawned one")
    both["scripts"]["child"] = [{"delay_before": 1000, "items": [text("never")]}]
    async with open_test_codex(both, model_auto_compact_token_limit=LIMIT) as codex:
        await codex.run_turn("go")
        told = ledger_of(next(r for r in codex.requests[2:] if "summary" in shape(r)))
    (agent,) = told["sub_agents"]
    assert agent["status"] in ("pending_init", "running")


async def test_a_compaction_that_is_asked_for_is_a_turn_of_its_own() -> None:
    turns = [answer(text("one"), usage=FULL), answer(text("two"))]
    async with open_test_codex(script(turns, "S")) as codex:
        await codex.run_turn("first")
        await codex.thread.compact()
        after = await codex.thread.history()
        events = await codex.run_turn("second")
        requests = codex.requests
    assert kinds(requests) == ["turn", "compaction", "turn"]
    assert [_word(item) for item in after] == ["developer", "environment", "first", "summary"]
    assert shape(requests[2]) == ["developer", "environment", "first", "summary", "second"]
    assert compactions(events) == []


async def test_a_new_thread_has_nothing_to_compact() -> None:
    async with open_test_codex(script([answer(text("one"))])) as codex:
        with pytest.raises(TurnError, match="nothing to compact"):
            await codex.thread.compact()
        assert isinstance((await codex.run_turn("go"))[-1], TaskComplete)


async def test_while_a_turn_runs_a_compaction_is_refused() -> None:
    turns = [answer(text("late"), delay_before=1000)]
    async with open_test_codex(script(turns)) as codex:
        async with codex.thread.run("go") as events:
            await anext(events)
            with pytest.raises(UserError, match="a turn is running"):
                await codex.thread.submit(Compact())


async def test_an_interrupted_compaction_leaves_the_history_and_what_the_user_said_as_they_were() -> None:
    turns = [answer(text("one"), usage=FULL), answer(text("two"))]
    slow = answer(text("too late"), delay_before=1000)
    async with open_test_codex(script(turns, slow, "S"), model_auto_compact_token_limit=LIMIT) as codex:
        await codex.run_turn("first")
        events: list[EventMsg] = []
        await wait_compacting(codex, events, ops=[a_turn("second"), Interrupt()])
        after = [_word(item) for item in await codex.thread.history()]
        again = await codex.run_turn("third")
    assert isinstance(events[-1], TurnAborted)
    assert compactions(events) == ["ItemStarted"]
    assert after[:4] == ["developer", "environment", "first", "assistant"]
    assert after[4] == "second"
    assert isinstance(again[-1], TaskComplete)
    assert compactions(again) == ["ItemStarted", "ItemCompleted"]


async def test_input_steered_into_a_compaction_reaches_the_model_after_the_summary() -> None:
    turns = [answer(call("exec_command", cmd="echo hi"), usage=FULL), answer(text("done"))]
    slow = answer(text("S"), delay_before=0.2)
    async with open_test_codex(script(turns, slow), model_auto_compact_token_limit=LIMIT) as codex:
        events: list[EventMsg] = []
        await wait_compacting(codex, events, ops=[a_turn("go"), a_turn("and this")])
        assert shape(codex.requests[2])[-2:] == ["summary", "and this"]
    said = [
        event.item.content
        for event in events
        if isinstance(event, ItemCompleted) and isinstance(event.item, UserMessage)
    ]
    assert said == [(TextInput("go"),), (TextInput("and this"),)]


async def test_input_during_a_compaction_that_was_asked_for_starts_the_next_turn() -> None:
    turns = [answer(text("one"), usage=FULL), answer(text("two"))]
    async with open_test_codex(script(turns, answer(text("S"), delay_before=0.2))) as codex:
        await codex.run_turn("first")
        events: list[EventMsg] = []
        async with codex.thread.open_events() as stream:
            await wait_compacting(codex, events, ops=[Compact(), a_turn("second")])
            with trio.fail_after(30):
                async for event in stream:
                    if isinstance(event.msg, TaskComplete) and event.msg.last_agent_message == "two":
                        break
        assert shape(codex.requests[2])[-2:] == ["summary", "second"]


async def test_a_compaction_that_fails_is_told_and_the_turn_goes_on() -> None:
    turns = [
        answer(call("exec_command", cmd="echo hi"), usage=FULL),
        answer(text("done"), usage=FULL),
        answer(text("2")),
    ]
    refused: Any = {"http_status": 400, "message": "no summaries here"}
    async with open_test_codex(script(turns, refused, "S"), model_auto_compact_token_limit=LIMIT) as codex:
        events = await codex.run_turn("go")
        second = await codex.run_turn("again")
        requests = codex.requests
    (warning,) = [event for event in events if isinstance(event, Warning) and "compacted" in event.message]
    assert "no summaries here" in warning.message
    assert isinstance(events[-1], TaskComplete)
    assert shape(requests[2])[-1] == "function_call_output"
    assert compactions(second) == ["ItemStarted", "ItemCompleted"]


async def test_a_summary_whose_stream_breaks_or_says_nothing_is_asked_for_again() -> None:
    turns = [answer(text("one"), usage=FULL)]
    async with open_test_codex(script(turns, [cut()], answer(), "S")) as codex:
        await codex.run_turn("go")
        events: list[EventMsg] = []
        await wait_compacting(codex, events, ops=[Compact()])
        history = await codex.thread.history()
    assert kinds(codex.requests) == ["turn", "compaction", "compaction", "compaction"]
    assert len([event for event in events if isinstance(event, StreamErrorNotice)]) == 2
    assert [_word(item) for item in history][-1] == "summary"


async def test_a_history_too_large_for_its_own_summary_is_summed_up_without_its_oldest_items() -> None:
    turns = [answer(call("exec_command", f"c{n}", cmd="echo hi")) for n in range(3)] + [answer(text("one"), usage=FULL)]
    async with open_test_codex(script(turns, [TOO_LARGE], [TOO_LARGE], "S")) as codex:
        await codex.run_turn("go")
        await codex.thread.compact()
        asked = [
            shape(request)
            for request, kind in zip(codex.requests, kinds(codex.requests), strict=True)
            if kind != "turn"
        ]
        after = [_word(item) for item in await codex.thread.history()]
    whole, without_one, without_three = [words[:-1] for words in asked]
    assert without_one == whole[1:]
    assert without_three == whole[3:]
    assert after[-2:] == ["go", "summary"]


async def test_when_even_the_last_item_is_too_large_the_history_stays() -> None:
    turns = [answer(text("one"), usage=FULL), answer(text("two"))]
    async with open_test_codex(script(turns, *[[TOO_LARGE]] * 9)) as codex:
        await codex.run_turn("go")
        before = await codex.thread.history()
        with pytest.raises(TurnError, match="too large"):
            await codex.thread.compact()
        assert await codex.thread.history() == before
        assert isinstance((await codex.run_turn("on"))[-1], TaskComplete)


async def test_a_summary_that_would_make_the_context_larger_is_refused_unless_it_was_asked_for() -> None:
    turns = [answer(text("one"), usage={"input": 600, "output": 1}), answer(text("two"))]
    limit = {"model_auto_compact_token_limit": 500}
    async with open_test_codex(script(turns, "long " * 2000, "long " * 2000), **limit) as codex:
        await codex.run_turn("go")
        events = await codex.run_turn("on")
        assert [event for event in events if isinstance(event, Warning) and "everything stays as" in event.message]
        assert "summary" not in [_word(item) for item in await codex.thread.history()]
        await codex.thread.compact()
        assert [_word(item) for item in await codex.thread.history()][-1] == "summary"


async def test_a_context_that_the_server_finds_too_large_is_compacted_and_asked_again() -> None:
    turns = [answer(call("exec_command", cmd="echo hi"), usage=FULL), [TOO_LARGE], answer(text("done"))]
    async with open_test_codex(script(turns, "S")) as codex:
        events = await codex.run_turn("go")
        assert kinds(codex.requests) == ["turn", "turn", "compaction", "turn"]
    assert isinstance(events[-1], TaskComplete)


async def test_where_compacting_does_not_help_the_error_names_the_full_context() -> None:
    turns = [answer(call("exec_command", cmd="echo hi"), usage={"input": 300_000, "output": 1})]
    refused: Any = {"http_status": 400, "message": "no"}
    async with open_test_codex(script(turns, refused)) as codex:
        events = await codex.run_turn("go")
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].error_kind == "context_window_exceeded"
    assert "could not be compacted" in events[-1].message


async def test_images_are_named_in_the_compacted_history_and_stored_once(tmp_path: Path) -> None:
    pixel = tmp_path / "pixel.png"
    pixel.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(9_000))
    turns = [answer(text("one"), usage=FULL), answer(text("two"), usage=FULL)]
    async with open_test_codex(script(turns, "S", "T")) as codex:
        async with codex.thread.run([TextInput("look"), LocalImageInput(str(pixel))]) as events:
            async for _ in events:
                pass
        await codex.thread.compact()
        await codex.run_turn("and now")
        await codex.thread.compact()
        rollout = Path(codex.thread.rollout_path or "").read_text()
        last = codex.requests[-1]
    assert rollout.count("data:image/png;base64") == 1
    assert "data:image" not in json.dumps(last.body)
    assert any("an image" in said for said in last.texts("user"))


async def test_an_image_that_came_as_a_data_url_is_stored_once() -> None:
    url = "data:image/png;base64,iVBORw0KGgo="
    async with open_test_codex(script([answer(text("one"), usage=FULL)], "S")) as codex:
        async with codex.thread.run([TextInput("look"), ImageInput(url)]) as events:
            async for _ in events:
                pass
        rollout = Path(codex.thread.rollout_path or "").read_text()
        assert codex.requests[0].input[-1]["content"][-1] == {
            "type": "input_image",
            "image_url": url,
            "detail": "original",
        }
    assert rollout.count("data:image/png;base64") == 1
    assert '{"type":"text","text":"[an image (image/png, about 9 bytes) was shown here earlier]"' in rollout


async def test_input_is_not_lost_where_the_program_dies_in_the_compaction_before_its_turn(tmp_path: Path) -> None:
    turns = [answer(text("one " * 500), usage=FULL)]
    slow = {**answer(text("S")), "delay_before": 100_000}
    async with open_test_codex(script(turns, slow), model_auto_compact_token_limit=LIMIT) as codex:
        await codex.run_turn("first " * 500)
        path = Path(codex.thread.rollout_path or "")
        async with codex.thread.open_events():
            await codex.thread.submit(TurnInput((TextInput("second"),)))
            with trio.fail_after(60):
                while b'"type":"turn_input"' not in path.read_bytes():
                    await trio.sleep(0.01)
            left = path.read_bytes()
            await codex.thread.submit(Interrupt())
        whole = path.read_bytes()
    crashed, ended = tmp_path / "crashed.jsonl", tmp_path / "ended.jsonl"
    crashed.write_bytes(left)
    ended.write_bytes(whole)
    said: list[list[str]] = []
    for one in (crashed, ended):
        restored = reconstruct(str(one), Reading(str(one)).telling())
        assert restored is not None
        said.append([message_text(item) for item in restored.items if is_user_turn(item)])
    assert said == [["first " * 500, "second"]] * 2


async def test_the_prompt_of_a_compaction_can_be_configured() -> None:
    async with open_test_codex(script([answer(text("one"), usage=FULL)], "S"), compact_prompt="Sum it up.") as codex:
        await codex.run_turn("go")
        await codex.thread.compact()
        assert codex.requests[1].texts("user")[-1] == "Sum it up."


async def test_a_compacted_thread_is_resumed_with_the_same_prompt(tmp_path: Path) -> None:
    plan = [{"step": "serve", "status": "in_progress"}]
    turns = [answer(call("update_plan", plan=plan)), answer(text("one"), usage=FULL), answer(text("two"))]
    both = script(turns, "S", "T")
    options: Any = {"home": tmp_path / "home", "cwd": tmp_path / "cwd", "update_plan_enabled": True}
    async with open_test_codex(both, **options) as codex:
        await codex.run_turn("first")
        await codex.thread.compact()
        history = await codex.thread.history()
        thread_id = codex.thread.thread_id
    assert load(str(tmp_path / "home"), thread_id).items == history
    async with open_test_codex(script([answer(text("two"), usage=FULL)], "T"), **options) as codex:
        thread = await codex.codex.resume_thread(thread_id)
        await thread.ask("second")
        await thread.compact()
        resumed, asked = codex.requests
        after = await thread.history()
    assert resumed.input[1 : len(history) + 1] == [*history]
    assert resumed.headers["x-codex-window-id"].endswith(":1")
    assert asked.headers["x-codex-window-id"].endswith(":1")
    assert [_word(item) for item in after][-3:] == ["second", "ledger", "summary"]
    assert [read_ledger(item) for item in after][-2] == {"plan": plan}


async def test_what_was_patched_and_never_compacted_is_in_the_ledger_after_a_resume(tmp_path: Path) -> None:
    options: Any = {"home": tmp_path / "home", "cwd": tmp_path / "cwd"}
    turns = [answer(patch("*** Add File: a.txt\n+a", "one")), answer(text("done"), usage=FULL)]
    async with open_test_codex(script(turns), **options) as codex:
        await codex.run_turn("first")
        thread_id = codex.thread.thread_id
    async with open_test_codex(script([answer(text("two"), usage=FULL)], "S"), **options) as codex:
        thread = await codex.codex.resume_thread(thread_id)
        await thread.compact()
        (ledger,) = [facts for item in await thread.history() if (facts := read_ledger(item))]
    assert ledger == {"changed_files": [{"path": str(tmp_path / "cwd" / "a.txt"), "change": "add"}]}


async def test_a_smaller_model_gets_a_history_that_the_model_before_it_has_summed_up(tmp_path: Path) -> None:
    catalog = tmp_path / "models.json"
    models = [{"slug": "large", "context_window": 100_000}, {"slug": "small", "context_window": 20_000}]
    catalog.write_text(json.dumps({"models": models}))
    options: Any = {"home": tmp_path / "home", "cwd": tmp_path / "cwd", "model_catalog_json": str(catalog)}
    async with open_test_codex(script([answer(text("one"), usage=FULL)]), model="large", **options) as codex:
        await codex.run_turn("first")
        thread_id = codex.thread.thread_id
    turns = [answer(text("two"), usage={"input": 19_000, "output": 1}), answer(text("three"))]
    async with open_test_codex(script(turns, "S", "T"), model="small", **options) as codex:
        thread = await codex.codex.resume_thread(thread_id)
        assert await thread.ask("second") == "two"
        assert await thread.ask("third") == "three"
        asked = [
            (request.body["model"], kind) for request, kind in zip(codex.requests, kinds(codex.requests), strict=True)
        ]
    assert asked == [("large", "compaction"), ("small", "turn"), ("small", "compaction"), ("small", "turn")]


async def test_what_holds_no_answer_yet_is_not_compacted_however_low_the_limit_is() -> None:
    turns = [answer(text("one"), usage=FULL), answer(text("two"))]
    async with open_test_codex(script(turns, "S"), model_auto_compact_token_limit=10) as codex:
        first = await codex.run_turn("first")
        await codex.run_turn("second")
        assert kinds(codex.requests) == ["turn", "compaction", "turn"]
    assert not [event for event in first if isinstance(event, Warning)]
