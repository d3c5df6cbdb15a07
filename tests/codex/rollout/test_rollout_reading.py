"""Reading rollouts, Codex's and damaged ones, and finding them."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.jsontext import JsonObject, encode_bytes
from codex.context.normalize import normalized
from codex.protocol.permission import SandboxPolicy
from codex.protocol.usage import TokenUsage
from codex.rollout import (
    Reading,
    RolloutNotFound,
    RolloutUnreadable,
    Window,
    forkable,
    lines,
    list_rollouts,
    load,
    newest,
    reconstruct,
)
from codex.rollout.names import parse_path
from codex.rollout.read import Fault
from codex.rollout.restore import LastTurn, Restored, Settings
from tests.codex.rollout.recordings import FOLDER, NAMES, place, recorded


def line(kind: str, ordinal: int = 0, **payload: Any) -> JsonObject:
    return {"timestamp": "2026-11-22T14:09:45.839Z", "ordinal": ordinal, "type": kind, "payload": payload}


META = line("session_meta", id="t", session_id="s", cwd="/repo")


def said(text: str, role: str = "user") -> JsonObject:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def texts(items: tuple[JsonObject, ...]) -> list[str]:
    return [item["content"][0]["text"] for item in items]  # type: ignore[index,call-overload,union-attr,misc]


@pytest.mark.parametrize("name", NAMES)
def test_every_recording_of_codex_can_be_resumed(name: str, tmp_path: Path) -> None:
    place(tmp_path, "fork.0")
    thread_id = place(tmp_path, name)
    stored = load(str(tmp_path), thread_id)
    assert stored.thread_id == thread_id
    assert stored.items
    assert all("internal_chat_message_metadata_passthrough" not in item for item in stored.items)
    assert normalized(stored.items)[: len(stored.items)] == list(stored.items)  # Codex left no call open
    totals: list[Any] = [entry["payload"] for entry in recorded(name) if entry["type"] == "token_usage_record"]
    assert stored.usage.total_tokens == totals[-1]["thread_token_usage"]["total_tokens"]
    assert stored.last_turn is not None
    assert not stored.last_turn.unfinished


def test_a_shell_session_comes_back_with_its_settings(tmp_path: Path) -> None:
    stored = load(str(tmp_path), place(tmp_path, "shell_then_resume"))
    assert [item["type"] for item in stored.items] == [
        "message",
        "message",
        "message",
        "message",
        "function_call",
        "function_call_output",
        "message",
        "message",
        "message",
    ]
    assert stored.usage == TokenUsage(29047, 0, 0, 26, 0, 29073)
    assert stored.last_usage.total_tokens == 9790
    assert stored.settings == Settings("/repo", "gpt-5.5", "mock", None, None, "never", SandboxPolicy())
    assert stored.last_turn == LastTurn("01a20397-70f4-7070-a869-fb2cf443fff4", "completed")
    assert stored.last_agent_message == "Hello from the mock model."
    assert stored.base_instructions == "(21459 characters left out)"
    assert (stored.parent_thread_id, stored.forked_from_id) == (None, None)


def test_a_writable_workspace_comes_back(tmp_path: Path) -> None:
    stored = load(str(tmp_path), place(tmp_path, "patch"))
    assert stored.settings.sandbox_policy == SandboxPolicy(mode="workspace-write")


def test_a_compaction_replaces_what_came_before(tmp_path: Path) -> None:
    stored = load(str(tmp_path), place(tmp_path, "compaction"))
    assert not any(item["type"] == "function_call" for item in stored.items)
    assert texts(stored.items)[-1] == "after compaction"
    assert texts(stored.items)[-2].endswith("SUMMARY OF THE WORK")
    first = "01a20397-7748-7bc3-80bc-3f1fdbbfff15"
    assert stored.window == Window("01a20397-789f-70d1-a3b5-1b8fd874e4f4", first, 1, first)


def test_our_compactions_are_read_back() -> None:
    window = Window("w0", "w0").next("w1").next("w2")
    kept = [said("kept"), said("summary")]
    compacted = lines.compacted("summary", kept, window, 1.0)
    told = [META, line("response_item", **said("before")), line("compacted", **compacted.payload)]
    stored = reconstruct("p", [*told, line("response_item", **said("after"))])
    assert stored is not None
    assert texts(stored.items) == ["kept", "summary", "after"]
    assert stored.window == window


def test_a_thread_starts_in_the_window_that_its_first_line_names() -> None:
    stored = reconstruct("p", [line("session_meta", id="t", context_window={"window_id": "w0"})])
    assert stored is not None
    assert stored.window == Window("w0", "w0")


def test_a_fork_begins_with_what_it_was_forked_from(tmp_path: Path) -> None:
    parent = load(str(tmp_path), place(tmp_path, "fork.0"))
    fork = load(str(tmp_path), place(tmp_path, "fork.1"))
    assert fork.forked_from_id == parent.thread_id
    assert fork.items[: len(parent.items)] == parent.items
    assert texts(fork.items)[-2:] == ["two [[script:text]]", "Hello from the mock model."]


def test_what_a_parent_did_after_the_fork_is_not_in_it(tmp_path: Path) -> None:
    place(tmp_path, "fork.0")
    parent = Path(list_rollouts(str(tmp_path))[0].path)
    later = json.dumps(line("response_item", 14, **said("later")))
    parent.write_text(parent.read_text() + later + "\n")
    assert "later" not in texts(load(str(tmp_path), place(tmp_path, "fork.1")).items)


def test_a_fork_whose_parent_is_gone_says_so(tmp_path: Path) -> None:
    thread_id = place(tmp_path, "fork.1")
    with pytest.raises(RolloutNotFound, match="no rollout found for thread id 01a20397-7a1f"):
        load(str(tmp_path), thread_id)


def test_a_sub_agent_knows_its_parent(tmp_path: Path) -> None:
    child = load(str(tmp_path), place(tmp_path, "sub_agents_v2.1"))
    assert child.parent_thread_id == child.session_id != child.thread_id


def test_a_turn_without_an_end_was_interrupted() -> None:
    stored = reconstruct("p", [META, line("event_msg", type="task_started", turn_id="a")])
    assert stored is not None
    assert stored.last_turn == LastTurn("a", "interrupted", unfinished=True)


def test_how_a_turn_ended_is_told() -> None:
    started = line("event_msg", type="task_started", turn_id="a")
    ends: dict[str, JsonObject] = {
        "failed": line("event_msg", type="task_complete", turn_id="a", error={"message": "no"}),
        "completed": line("event_msg", type="task_complete", turn_id="a", error=None),
        "interrupted": line("event_msg", type="turn_aborted", turn_id="a"),
    }
    for state, end in ends.items():
        stored = reconstruct("p", [META, started, end])
        assert stored is not None
        assert stored.last_turn == LastTurn("a", state)  # type: ignore[arg-type]


def test_turns_that_were_rolled_back_are_gone() -> None:
    items = [said("one"), said("1", "assistant"), said("two"), said("2", "assistant")]
    lines = [META, *(line("response_item", **item) for item in items)]
    lines.append(line("event_msg", type="thread_rolled_back", num_turns=1))
    stored = reconstruct("p", lines)
    assert stored is not None
    assert texts(stored.items) == ["one", "1"]


def test_unknown_lines_and_events_are_passed_over() -> None:
    odd: list[JsonObject] = [
        line("from_the_future", x=1),
        line("event_msg", type="unheard_of"),
        {"type": "response_item"},
        {"payload": 3},
        {},
    ]
    stored = reconstruct("p", [META, *odd, line("response_item", **said("hi"))])
    assert stored is not None
    assert texts(stored.items[-1:]) == ["hi"]


def test_a_letter_in_its_old_form_is_an_item_of_the_history() -> None:
    written = {"author": "/root", "recipient": "/root/a", "content": "do it", "trigger_turn": True}
    sealed = {"author": "/root/a", "recipient": "/root", "content": "", "encrypted_content": "abc"}
    told = [META, line("inter_agent_communication", **written), line("inter_agent_communication", **sealed)]
    stored = reconstruct("p", [*told, line("inter_agent_communication_metadata", trigger_turn=True)])
    assert stored is not None
    contents = [(item["type"], item["author"], item["content"]) for item in stored.items]
    assert contents == [
        ("agent_message", "/root", [{"type": "input_text", "text": "do it"}]),
        ("agent_message", "/root/a", [{"type": "encrypted_content", "encrypted_content": "abc"}]),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_resume_skips_changes_nothing(name: str) -> None:
    told = recorded(name)
    path = str(FOLDER / f"{name}.jsonl")
    quick, whole = reconstruct(path, Reading(path).telling()), reconstruct(path, told)
    assert whole is not None
    assert (quick is None) == (whole is None)
    if quick is not None and whole is not None:
        assert _without_new_ids(quick) == _without_new_ids(whole)


def _without_new_ids(restored: Restored) -> Restored:
    """A summary of an old rollout is given an id when it is read."""
    items = tuple({key: value for key, value in item.items() if key != "id"} for item in restored.items)
    return attrs.evolve(restored, items=items)


def test_no_first_line_is_no_thread() -> None:
    assert reconstruct("p", [line("response_item", **said("hi"))]) is None


def test_a_history_for_another_thread_has_no_open_call_and_no_idle_reasoning() -> None:
    def call(call_id: str) -> JsonObject:
        return {"type": "function_call", "call_id": call_id}

    done: JsonObject = {"type": "function_call_output", "call_id": "a", "output": "x"}
    reasoning: JsonObject = {"type": "reasoning"}
    items = [reasoning, call("a"), done, reasoning, call("b"), call("c"), said("hi"), reasoning]
    assert forkable(items) == (reasoning, call("a"), done, said("hi"))


def write(path: Path, *parts: bytes) -> str:
    path.write_bytes(b"".join(parts))
    return str(path)


def test_a_torn_tail_of_any_length_loses_its_line_only(tmp_path: Path) -> None:
    whole = json.dumps(META).encode() + b"\n"
    last = json.dumps(line("response_item", 1, **said("hi"))).encode()
    for cut in range(1, len(last)):
        reading = Reading(write(tmp_path / "r", whole, last[:cut]))
        assert list(reading) == [META]
        assert (reading.torn, reading.faults) == (True, [])
    reading = Reading(write(tmp_path / "r", whole, last))
    assert [entry["type"] for entry in reading] == ["session_meta", "response_item"]
    assert not reading.torn


def test_damaged_lines_are_told_by_number_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = json.dumps(META).encode() + b"\n"
    reading = Reading(write(tmp_path / "r", whole, b'{"a":"\xff"}\n', b"\n", b"[1]\n", b"\0\0\0\n", whole))
    assert list(reading) == [META, META]
    assert [fault.number for fault in reading.faults] == [2, 4, 5]
    assert reading.faults[0] == Fault(2, "not UTF-8 at byte 7")


def test_a_file_that_is_no_rollout_is_refused_by_name(tmp_path: Path) -> None:
    thread_id = place(tmp_path, "patch")
    path = Path(list_rollouts(str(tmp_path))[0].path)
    for content in (b"", b"not json\n", b'{"type":"response_item","payload":{}}\n'):
        path.write_bytes(content)
        with pytest.raises(RolloutUnreadable, match=f"{thread_id}.jsonl: its first line is no session_meta"):
            load(str(tmp_path), thread_id)
    os.rename(path, f"{path}.zst")
    with pytest.raises(RolloutUnreadable, match="compressed"):
        load(str(tmp_path), thread_id)


def test_an_unknown_id_is_said_as_codex_says_it(tmp_path: Path) -> None:
    with pytest.raises(RolloutNotFound, match=r"^no rollout found for thread id 0199"):
        load(str(tmp_path), "0199")


def test_archived_threads_are_found_by_id_only(tmp_path: Path) -> None:
    thread_id = place(tmp_path, "patch")
    path = Path(list_rollouts(str(tmp_path))[0].path)
    (tmp_path / "archived_sessions").mkdir()
    path.rename(tmp_path / "archived_sessions" / path.name)
    assert list_rollouts(str(tmp_path)) == []
    assert newest(str(tmp_path)) is None
    assert list_rollouts(str(tmp_path), archived=True)[0].archived
    assert load(str(tmp_path), thread_id.upper()).thread_id == thread_id


def test_the_newest_of_a_directory_is_the_one_written_to_last(tmp_path: Path) -> None:
    home = str(tmp_path)
    ids = [place(tmp_path, name) for name in ("patch", "image", "sub_agents_v1.1")]
    files = {file.thread_id: file.path for file in list_rollouts(home)}
    for age, thread_id in enumerate(reversed(ids)):
        os.utime(files[thread_id], (1_000_000 - age, 1_000_000 - age))
    # The sub-agent's is the newest of all and does not count.
    assert newest(home) == newest(home, cwd="/repo") == ids[1]
    os.utime(files[ids[0]], (2_000_000, 2_000_000))
    assert newest(home, cwd="/repo") == ids[0]
    assert newest(home, cwd="/elsewhere") is None


def test_a_damaged_rollout_does_not_hide_the_others(tmp_path: Path) -> None:
    thread_id = place(tmp_path, "patch")
    broken = tmp_path / "sessions" / "2026" / "11" / "22"
    (broken / "rollout-2026-11-23T00-00-00-01a20397-0000-7000-8000-000000000000.jsonl").write_text("torn")
    assert newest(str(tmp_path)) == thread_id


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "rollout-2026-11-22T14-09-45.jsonl",
        "rollout-2026-11-22T14-09-45-01a20397-6f44-7403-b593-c83d191da6d1.json",
        "rollout-2026-11-22T14-09-45-01a20397-6f44-7403-b593-c83d191da6d1xx.jsonl",
        "01a20397-6f44-7403-b593-c83d191da6d1.jsonl",
    ],
)
def test_other_names_are_not_taken_for_rollouts(name: str) -> None:
    assert parse_path(f"/x/{name}") is None


def test_a_second_id_in_a_name_is_allowed() -> None:
    thread_id = "01a20397-6f44-7403-b593-c83d191da6d1"
    file = parse_path(f"/x/rollout-2026-11-22T14-09-45-{thread_id}_{thread_id}.jsonl")
    assert file is not None
    assert (file.thread_id, file.started) == (thread_id, "2026-11-22T14-09-45")


def _numbered(payloads: list[tuple[str, JsonObject]]) -> bytes:
    lines_: list[JsonObject] = [
        {"timestamp": "2026-11-22T10:00:00.000Z", "ordinal": number, "type": kind, "payload": payload}
        for number, (kind, payload) in enumerate(payloads)
    ]
    return b"".join(encode_bytes(line) + b"\n" for line in lines_)


@given(
    st.lists(
        st.sampled_from(["said", "compacted", "old compaction", "rolled back", "event", "quoted", "damaged"]),
        max_size=30,
    ),
    st.none() | st.integers(0, 30),
)
def test_a_history_is_the_same_whether_its_replaced_lines_are_decoded_or_not(
    kinds: list[str], end_ordinal: int | None
) -> None:
    payloads: list[tuple[str, JsonObject]] = [("session_meta", {"id": "t", "cwd": "/"})]
    for number, kind in enumerate(kinds):
        said: JsonObject = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": f"{kind} {number}"}],
        }
        match kind:
            case "said" | "damaged":
                payloads.append(("response_item", said))
            case "quoted":
                said["content"] = [{"type": "input_text", "text": '"type":"compacted","payload":{'}]
                payloads.append(("response_item", said))
            case "compacted":
                payloads.append(
                    ("compacted", {"message": "s", "replacement_history": [said], "window_id": str(number)})
                )
            case "old compaction":
                payloads.append(("compacted", {"message": f"summary {number}"}))
            case "rolled back":
                payloads.append(("event_msg", {"type": "thread_rolled_back", "num_turns": 1}))
            case _:
                payloads.append(("event_msg", {"type": "task_started", "turn_id": str(number)}))
    data = _numbered(payloads)
    for number, kind in enumerate(kinds):
        if kind == "damaged":
            data = data.replace(f'damaged {number}"'.encode(), b'damaged"}', 1)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rollout.jsonl"
        path.write_bytes(data)
        quick = reconstruct("p", Reading(str(path), end_ordinal).telling())
        whole = reconstruct("p", Reading(str(path), end_ordinal))
    assert (quick is None) == (whole is None)
    if quick is not None and whole is not None:
        assert _without_new_ids(quick) == _without_new_ids(whole)


def _without_new_ids(restored: Restored) -> Restored:
    """A summary of an old rollout is given an id when it is read."""
    items = tuple({key: value for key, value in item.items() if key != "id"} for item in restored.items)
    return attrs.evolve(restored, items=items)
