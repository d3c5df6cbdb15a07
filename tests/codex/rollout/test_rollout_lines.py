"""The lines we build have the shape of those that Codex 0.169 wrote."""

from typing import Any

import pytest

from codex.base.jsontext import JsonObject
from codex.config.schema import Config
from codex.protocol.event import (
    AgentMessageDelta,
    EventMsg,
    ItemCompleted,
    ItemStarted,
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
    ErrorNote,
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
from codex.protocol.user_input import LocalImageInput, TextInput
from codex.rollout import SubAgentSource, TurnIds, Window, event_line, lines
from tests.codex.rollout.recordings import recorded

IDS = TurnIds("thread", "session", "turn", "root", "parent")


def first(name: str, kind: str, event: str | None = None, item: str | None = None) -> Any:
    """The first payload of this kind in a recording."""
    for line in recorded(name):
        payload: Any = line["payload"]
        if line["type"] != kind or (event is not None and payload.get("type") != event):
            continue
        if item is None or payload["item"]["type"] == item:
            return payload
    raise AssertionError((name, kind, event, item))


def without(payload: JsonObject, *keys: str) -> JsonObject:
    return {key: value for key, value in payload.items() if key not in keys}


def assert_same_beginning(ours: JsonObject, theirs: JsonObject) -> None:
    """The same keys in the same order with values of the same types."""
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        assert type(value) is type(theirs[key]), key


@pytest.mark.parametrize(
    ("recording", "item", "theirs_only"),
    [
        ("patch", UserMessage("i", (TextInput("go"),)), ()),
        ("image", UserMessage("i", (LocalImageInput("/repo/i.png"), TextInput("look"))), ()),
        ("shell_then_resume", AgentMessage("i", "I will run a command.", "commentary"), ()),
        ("patch", AgentMessage("i", "x"), ()),
        ("reasoning", Reasoning("rs_mock000003", ("**Thinking about it** a little",)), ()),
        (
            "patch",
            FileChange(
                "call_ap1",
                (FileUpdate("/repo/hello.txt", "add", "hello\nworld\n"),),
                "completed",
                "Success. Updated the following files:\nA hello.txt\n",
            ),
            (),
        ),
        (
            "shell_then_resume",
            CommandExecution(
                "call_sh1",
                ("/bin/bash", "-lc", "echo hi; echo err >&2; exit 3"),
                "/repo",
                "failed",
                "13242",
                "hi\nerr\n",
                3,
                0.000008611,
            ),
            (),
        ),
        (
            "sub_agents_v1.0",
            CollabToolCall("i", "spawn_agent", "p", ("c",), "do", {"c": AgentState("pending_init")}, "completed"),
            ("model", "reasoning_effort"),
        ),
    ],
)
def test_items_have_codexs_fields(recording: str, item: ThreadItem, theirs_only: tuple[str, ...]) -> None:
    line = lines.item_completed(IDS, item, 2.0, started_at=1.5)
    assert line is not None
    ours: Any = line.payload
    theirs = first(recording, "event_msg", "item_completed", ours["item"]["type"])
    assert_same_beginning(ours, theirs)
    assert_same_beginning(ours["item"], without(theirs["item"], *theirs_only))
    assert (ours["started_at_ms"], ours["completed_at_ms"]) == (1500, 2000)


def test_a_command_is_written_word_for_word_as_codex_does() -> None:
    item = CommandExecution(
        "call_sh1",
        ("/bin/bash", "-lc", "echo hi; echo err >&2; exit 3"),
        "/repo",
        "failed",
        "13242",
        "hi\nerr\n",
        3,
        0.000008611,
    )
    line = lines.item_completed(IDS, item, 0.0)
    assert line is not None
    assert line.payload["item"] == first("shell_then_resume", "event_msg", "item_completed", "CommandExecution")["item"]


def test_every_kind_of_change_and_agent_state_has_its_form() -> None:
    changes = (
        FileUpdate("/a", "delete", "old"),
        FileUpdate("/b", "update", unified_diff="@@", move_path="/c"),
    )
    line = lines.item_completed(IDS, FileChange("i", changes, "declined"), 0.0)
    assert line is not None
    item: Any = line.payload["item"]
    assert item["changes"] == {
        "/a": {"type": "delete", "content": "old"},
        "/b": {"type": "update", "unified_diff": "@@", "move_path": "/c"},
    }
    states = {"1": AgentState("errored", "boom"), "2": AgentState("shutdown"), "3": AgentState("completed", None)}
    call = lines.item_completed(IDS, CollabToolCall("i", "wait", "p", agents_states=states), 0.0)
    assert call is not None
    assert call.payload["item"]["agents_states"] == {  # type: ignore[index,call-overload]
        "1": {"errored": "boom"},
        "2": "shutdown",
        "3": {"completed": None},
    }


def test_paths_become_uris() -> None:
    line = lines.item_completed(IDS, ImageView("i", "/a b/ü%.png"), 0.0)
    assert line is not None
    assert line.payload["item"] == {"type": "ImageView", "id": "i", "path": "file:///a%20b/%C3%BC%25.png"}


def test_what_codex_does_not_keep_is_no_line() -> None:
    assert lines.item_completed(IDS, TodoList("i", (PlanStep("a", "pending"),)), 0.0) is None
    assert lines.item_completed(IDS, ErrorNote("i", "m"), 0.0) is None
    transient: list[EventMsg] = [
        AgentMessageDelta("t", "i", "x"),
        ItemStarted("t", AgentMessage("i", "")),
        Warning("w"),
        ItemCompleted("t", ErrorNote("i", "m")),
    ]
    assert [event_line(msg, IDS, 0.0) for msg in transient] == [None] * 4


def test_events_of_a_turn_have_codexs_fields() -> None:
    usage = TokenUsage(1, 2, 3, 4, 5, 6)
    started = event_line(TaskStarted("turn", 1000), IDS, 1.0)
    counted = event_line(TokenCount("turn", usage, usage, 1000), IDS, 1.0)
    done = event_line(TaskComplete("turn", "bye", usage, 500, 40), IDS, 2.0, started_at=1.5)
    assert started is not None
    assert counted is not None
    assert done is not None
    assert_same_beginning(started.payload, {**first("patch", "event_msg", "task_started")})
    theirs = first("patch", "event_msg", "token_count")
    assert list(counted.payload) == list(theirs)
    assert_same_beginning(counted.payload["info"], theirs["info"])  # type: ignore[arg-type]
    assert_same_beginning(done.payload, first("patch", "event_msg", "task_complete"))
    assert done.payload["duration_ms"] == 500


def test_an_aborted_turn_and_a_failed_one() -> None:
    aborted = event_line(TurnAborted("turn", "interrupted", TokenUsage()), IDS, 2.0, started_at=1.0)
    assert aborted is not None
    assert aborted.payload == {
        "type": "turn_aborted",
        "root_turn_id": "root",
        "turn_id": "turn",
        "reason": "interrupted",
        "started_at": 1,
        "completed_at": 2,
        "duration_ms": 1000,
    }
    failed = event_line(TurnFailed("turn", "no", "connection_failed", TokenUsage()), IDS, 2.0, started_at=1.0)
    assert failed is not None
    # Codex reads a few kinds only; a word it does not know would cost it the whole line.
    assert failed.payload["error"] == {"message": "no", "codex_error_info": "other"}
    assert failed.payload["last_agent_message"] is None


def test_usage_records_have_codexs_fields() -> None:
    usage = TokenUsage(1, 2, 3, 4, 5, 6)
    line = lines.token_usage_record(IDS, "resp", usage, turn=usage, thread=usage + usage, at=0.0)
    assert_same_beginning(line.payload, first("patch", "token_usage_record"))
    assert line.payload["thread_token_usage"]["total_tokens"] == 12  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("recording", "policy"),
    [("shell_then_resume", SandboxPolicy()), ("patch", SandboxPolicy(mode="workspace-write"))],
)
def test_the_settings_of_a_turn_have_codexs_fields(recording: str, policy: SandboxPolicy) -> None:
    config = Config(codex_home="/h", cwd="/repo", approval_policy="never", sandbox_policy=policy)
    ours: Any = lines.turn_context(IDS, config, model="gpt-5.5", at=0.0).payload
    extra = ("disabled_plugin_ids", "active_permission_profile", "comp_hash", "file_system_sandbox_policy")
    theirs = without(first(recording, "turn_context"), *extra)
    assert_same_beginning(ours, theirs)
    entries = theirs["permission_profile"]["file_system"]["entries"]  # type: ignore[index,call-overload]
    theirs["permission_profile"]["file_system"]["entries"] = [  # type: ignore[index,call-overload]
        entry for entry in entries if ".aws" not in str(entry)
    ]
    ignored = ("turn_id", "root_turn_id")
    assert without(ours, *ignored) == without(theirs, *ignored)


def test_applied_settings_have_codexs_fields() -> None:
    config = Config(codex_home="/h", cwd="/repo", approval_policy="never", model_provider="mock")
    ours: Any = lines.thread_settings_applied("thread", config, model="gpt-5.5", at=0.0).payload
    theirs = first("patch", "event_msg", "thread_settings_applied")
    assert list(ours) == list(theirs)
    extra = ("active_permission_profile", "disabled_plugin_ids")
    assert list(ours["thread_settings"]) == list(without(theirs["thread_settings"], *extra))


def meta(**more: Any) -> JsonObject:
    line = lines.session_meta(
        thread_id="t",
        session_id="s",
        cwd="/repo",
        originator="codex_exec",
        cli_version="0.1.0",
        model_provider="mock",
        base_instructions="Be good.",
        at=1_795_356_585.8399,
        **more,
    )
    assert line.kind == "session_meta"
    return line.payload


def test_the_first_line_has_codexs_fields() -> None:
    ours = meta(git={"commit_hash": "c", "branch": "b"})
    theirs = without(first("patch", "session_meta"), "account_scoped", "context_window")
    assert_same_beginning(without(ours, "multi_agent_version"), theirs)
    assert ours["timestamp"] == "2026-11-22T14:09:45.839Z"
    assert ours["base_instructions"] == {"text": "Be good."}


def test_the_first_line_of_a_sub_agent_names_its_parent() -> None:
    ours = meta(agent=SubAgentSource("p", 1, "/root/child_a", "Banach"))
    theirs = without(first("sub_agents_v2.1", "session_meta"), "account_scoped", "context_window", "git")
    assert_same_beginning(ours, theirs)
    assert ours["source"] == {
        "subagent": {
            "thread_spawn": {
                "parent_thread_id": "p",
                "depth": 1,
                "agent_path": "/root/child_a",
                "agent_nickname": "Banach",
                "agent_role": None,
            }
        }
    }


def test_a_compaction_has_the_shape_of_theirs() -> None:
    window = Window("w0", "w0").next("w1")
    line = lines.compacted("summary", [{"type": "message"}], window, 1.0, response_id="resp_1")
    theirs = first("compaction", "compacted")
    ours_only: set[str] = set(line.payload) - set(theirs)
    assert ours_only == set()
    assert line.payload == {
        "message": "summary",
        "replacement_history": [{"type": "message"}],
        "window_number": 1,
        "first_window_id": "w0",
        "previous_window_id": "w0",
        "window_id": "w1",
        "compaction_response_id": "resp_1",
    }


def test_a_compaction_does_not_store_an_image_again() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "high"}
    linked = {"type": "input_image", "image_url": "https://example.org/a.png"}
    note = {"type": "input_text", "text": "[an image (image/png, about 3 bytes) was shown here earlier]"}
    said: JsonObject = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "look"}, image]}
    seen: JsonObject = {"type": "function_call_output", "call_id": "c", "output": [image, linked]}
    line = lines.compacted("summary", [said, seen], Window("w", "w").next("v"), 1.0)
    assert line.payload["replacement_history"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "look"}, note]},
        {"type": "function_call_output", "call_id": "c", "output": [note, linked]},
    ]
