"""The lines of `codex exec --json`: what the recordings of Codex 0.169.0 look like, made from our events."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.base.jsontext import JsonObject
from codex.cli.exec_jsonl import JsonLines
from codex.protocol.event import (
    ActionRefused,
    AgentMessageDelta,
    ErrorNotice,
    EventMsg,
    ItemCompleted,
    ItemStarted,
    ItemUpdated,
    PlanUpdate,
    SessionConfigured,
    StreamErrorNotice,
    TaskComplete,
    TaskStarted,
    TokenCount,
    TurnAborted,
    TurnFailed,
    Warning,
)
from codex.protocol.item import (
    AgentMessage,
    AgentState,
    CollabToolCall,
    CommandExecution,
    FileChange,
    FileUpdate,
    ImageView,
    PlanStep,
    Reasoning,
    ThreadItem,
    TodoList,
    UserMessage,
)
from codex.protocol.permission import SandboxPolicy
from codex.protocol.usage import TokenUsage

SHARED = Path(os.environ.get("CODEX_ACTORS_SHARED", Path(__file__).parents[4] / "shared"))
RECORDINGS = sorted(
    path for path in (SHARED / "conformance/exec_json").glob("*.jsonl") if not path.stem.startswith("i_mcp")
)
CONFIGURED = SessionConfigured("th", "gpt-5.5", "mock", "/repo", "never", SandboxPolicy(), None)
STARTED = TaskStarted("t1")
USAGE = TokenUsage(10, 4, 1, 5, 2, 15)


def lines_of(*msgs: EventMsg) -> list[JsonObject]:
    lines = JsonLines()
    return [json.loads(line) for line in b"".join(map(lines.render, msgs)).splitlines()]


def item_of(item: dict[str, object]) -> ThreadItem:
    """The item of ours that such a line shows."""
    fields = dict(item)
    number = str(fields.pop("id"))
    match fields.pop("type"):
        case "agent_message":
            return AgentMessage(number, str(fields["text"]))
        case "reasoning":
            return Reasoning(number, (str(fields["text"]),))
        case "command_execution":
            shell, flag, quoted = str(fields.pop("command")).split(" ", 2)
            return CommandExecution(number, (shell, flag, quoted.strip("'")), "/repo", **fields)  # type: ignore[arg-type]
        case "file_change":
            changes = tuple(FileUpdate(**change) for change in fields.pop("changes"))  # type: ignore[attr-defined]
            return FileChange(number, changes, **fields)  # type: ignore[arg-type]
        case "collab_tool_call":
            states = {key: AgentState(**state) for key, state in fields.pop("agents_states").items()}  # type: ignore[attr-defined]
            return CollabToolCall(number, agents_states=states, **fields)  # type: ignore[arg-type]
        case other:
            raise AssertionError(other)


def events_of(path: Path) -> Iterator[EventMsg]:
    """What our engine would have said where Codex printed this recording."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for index, line in enumerate(lines):
        item = line.get("item", {})
        following = lines[index + 1]["type"] if index + 1 < len(lines) else ""
        match line["type"], item.get("type"):
            case "thread.started", _:
                yield SessionConfigured(line["thread_id"], "m", "p", "/repo", "never", SandboxPolicy(), None)
            case "turn.started", _:
                yield STARTED
                yield ItemCompleted("t1", UserMessage("u1", ()))
            case "item.completed", "error":
                yield Warning(item["message"])
            case "item.completed", "todo_list":
                pass
            case _, "todo_list":
                plan = tuple(PlanStep(s["text"], "completed" if s["completed"] else "pending") for s in item["items"])
                yield PlanUpdate("t1", None, plan)
            case "item.started", _:
                yield ItemStarted("t1", item_of(item))
            case "item.completed", _:
                yield ItemCompleted("t1", item_of(item))
            case "error", _ if following == "turn.failed":
                pass
            case "error", _:
                yield StreamErrorNotice("t1", line["message"])
            case "turn.completed", _:
                yield TaskComplete("t1", None, TokenUsage(**line["usage"]), 1)
            case "turn.failed", _:
                yield TurnFailed("t1", line["error"]["message"], "bad_request", TokenUsage())
            case other:
                raise AssertionError(other)


@pytest.mark.skipif(not RECORDINGS, reason="the recordings of Codex (../shared/conformance) are not here")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_the_lines_are_byte_for_byte_those_that_codex_printed(path: Path) -> None:
    lines = JsonLines()
    assert b"".join(map(lines.render, events_of(path))) == path.read_bytes()


def test_an_interrupted_turn_ends_with_turn_failed_and_its_usage() -> None:
    last = lines_of(CONFIGURED, STARTED, TurnAborted("t1", "interrupted", USAGE))[-1]
    assert last == {
        "type": "turn.failed",
        "error": {"message": "the turn was interrupted"},
        "usage": {
            "input_tokens": 10,
            "cached_input_tokens": 4,
            "cache_write_input_tokens": 1,
            "output_tokens": 5,
            "reasoning_output_tokens": 2,
        },
    }


def test_a_turn_whose_end_never_comes_is_closed_with_the_usage_known_so_far() -> None:
    lines = JsonLines()
    for msg in (CONFIGURED, STARTED, TokenCount("t1", USAGE, USAGE)):
        lines.render(msg)
    line = json.loads(lines.cut_off("the turn was interrupted"))
    assert (line["type"], line["usage"]["input_tokens"]) == ("turn.failed", 10)
    assert lines.cut_off("again") == b""


def test_nothing_is_cut_off_before_a_turn_or_after_its_end() -> None:
    lines = JsonLines()
    assert lines.cut_off("x") == b""
    for msg in (CONFIGURED, STARTED, TaskComplete("t1", "hi", USAGE, 1)):
        lines.render(msg)
    assert lines.cut_off("x") == b""


def test_a_failure_is_told_once_as_error_even_when_a_notice_came_before() -> None:
    types = [
        line["type"]
        for line in lines_of(CONFIGURED, STARTED, ErrorNotice("t1", "full"), TurnFailed("t1", "full", "other", USAGE))
    ]
    assert types == ["thread.started", "turn.started", "error", "turn.failed"]


def test_the_open_plan_is_completed_before_a_failed_turn_ends_too() -> None:
    plan = (PlanStep("one", "in_progress"),)
    lines = lines_of(CONFIGURED, STARTED, PlanUpdate("t1", None, plan), TurnAborted("t1", "interrupted", USAGE))
    assert [line["type"] for line in lines[2:]] == ["item.started", "item.completed", "turn.failed"]


def test_a_plan_told_as_update_and_as_item_is_shown_once() -> None:
    plan = (PlanStep("one", "in_progress"),)
    lines = lines_of(
        CONFIGURED,
        STARTED,
        PlanUpdate("t1", None, plan),
        ItemStarted("t1", TodoList("p", plan)),
        ItemUpdated("t1", TodoList("p", plan)),
        ItemCompleted("t1", TodoList("p", plan)),
        TaskComplete("t1", None, USAGE, 1),
    )
    assert [line["type"] for line in lines[2:]] == ["item.started", "item.completed", "turn.completed"]


def test_what_codex_does_not_print_takes_no_number() -> None:
    lines = lines_of(
        CONFIGURED,
        STARTED,
        ItemCompleted("t1", ImageView("i", "/a.png")),
        ItemCompleted("t1", Reasoning("r", (" ",))),
        ItemStarted("t1", AgentMessage("m", "")),
        AgentMessageDelta("t1", "m", "hi"),
        ItemCompleted("t1", AgentMessage("m", "hi")),
    )
    assert lines[2:] == [{"type": "item.completed", "item": {"id": "item_0", "type": "agent_message", "text": "hi"}}]


def test_odd_text_stays_one_line_of_utf8() -> None:
    lines = JsonLines()
    data = lines.render(ItemCompleted("t1", AgentMessage("m", "a\nb\u2028c\ud800d")))
    assert data.count(b"\n") == 1
    assert data.endswith(b"\n")
    assert json.loads(data.decode())["item"]["text"] == "a\nb\u2028c\ufffdd"


def test_twenty_thousand_deltas_cost_nothing_worth_mentioning() -> None:
    lines, delta = JsonLines(), AgentMessageDelta("t1", "m", "word ")
    started = time.process_time()
    for _ in range(20_000):
        lines.render(delta)
    assert time.process_time() - started < 0.4  # 20 us each; about 0.15 us on an idle machine


def test_what_the_policy_refused_is_a_line_of_its_own() -> None:
    assert lines_of(ActionRefused("t", "c", "/bin/sh -c 'rm -rf /'", "too much")) == [
        {"type": "approval.refused", "call_id": "c", "action": "/bin/sh -c 'rm -rf /'", "reason": "too much"}
    ]
