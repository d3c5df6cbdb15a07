"""Turns of stored threads, forks from any of them, and histories that are taken back."""

import json
import os
import subprocess
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from actors import open_runtime
from codex.base.ids import uuid7
from codex.base.jsontext import JsonObject
from codex.protocol.response_item import input_image, input_text, message
from codex.rollout import (
    Append,
    ForkedBy,
    Line,
    RolloutNotFound,
    RolloutUnreadable,
    ThreadHasWriter,
    TurnIds,
    TurnNotFound,
    Window,
    end_of,
    find_rollout,
    fork,
    lines,
    load,
    revert,
    rollout_path,
    run_writer,
    stored_turns,
)
from codex.rollout.lock import open_writer_lock
from codex.rollout.read import Reading

BY = ForkedBy("/elsewhere", "codex_exec", "0.1.0", {"branch": "main"})
NOW = 1_795_356_585.0


def a_turn(thread_id: str, turn_id: str, *said: str, answer: str = "ok") -> list[Line]:
    ids = TurnIds(thread_id, thread_id, turn_id, turn_id)
    told = [lines.response_item(message("user", [input_text(text)]), turn_id, NOW) for text in said]
    spoken: JsonObject = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": answer}]}
    end = lines.task_complete(ids, NOW, started_at=NOW, last_agent_message=answer)
    return [lines.task_started(ids, NOW), *told, lines.response_item(spoken, turn_id, NOW), end]


async def write(home: Path, thread_id: str, *turns: list[Line]) -> str:
    """A thread of these turns; lines are put behind it where it exists."""
    started = datetime.fromtimestamp(NOW)
    path = rollout_path(str(home), thread_id, started)
    opening = lines.session_meta(
        thread_id=thread_id,
        session_id=thread_id,
        cwd="/repo",
        originator="codex_exec",
        cli_version="0.1.0",
        model_provider="lab",
        base_instructions="x",
        at=NOW,
    )
    try:
        path, fresh = find_rollout(str(home), thread_id).path, False
    except RolloutNotFound:
        fresh = True
    async with open_runtime(name="test") as runtime:
        writer = runtime.spawn(partial(run_writer, path=path, codex_home=str(home)), name="rollout")
        if fresh:
            await writer.ask(partial(Append, (opening,)))
        for turn in turns:
            await writer.ask(partial(Append, tuple(turn)))
    return thread_id


async def three_turns(home: Path) -> str:
    thread_id = uuid7()
    return await write(home, thread_id, *(a_turn(thread_id, f"t{n}", f"say {n}", answer=f"{n}") for n in (1, 2, 3)))


def texts(home: Path, thread_id: str) -> list[object]:
    found = [item["content"] for item in load(str(home), thread_id).items]
    return [parts[0]["text"] for parts in found if isinstance(parts, list)]  # type: ignore[index,call-overload]


async def test_turns_are_listed_with_what_was_said(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    turns = stored_turns(home, thread_id)
    assert [(turn.turn_id, turn.said, turn.answer, turn.state, turn.inputs) for turn in turns] == [
        ("t1", "say 1", "1", "completed", 1),
        ("t2", "say 2", "2", "completed", 1),
        ("t3", "say 3", "3", "completed", 1),
    ]
    assert [turn.begins for turn in turns[1:]] == [turn.ends for turn in turns[:-1]]
    assert turns[-1].ends == end_of(home, thread_id)


async def test_images_do_not_stand_in_what_was_said(tmp_path: Path) -> None:
    thread_id = uuid7()
    parts = [input_text('<image name=[Image #1] path="/a.png">'), input_image("data:x"), input_text("</image>")]
    turn = a_turn(thread_id, "t", "x")
    turn[1] = lines.response_item(message("user", [*parts, input_text("look")]), "t", NOW)
    await write(tmp_path, thread_id, turn)
    assert [turn.said for turn in stored_turns(str(tmp_path), thread_id)] == ["look"]


async def test_a_fork_holds_the_history_up_to_its_turn_and_copies_nothing(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    turns = stored_turns(home, thread_id)
    made = fork(home, thread_id, turns[1].ends, BY, at=NOW)
    assert texts(tmp_path, made) == ["say 1", "1", "say 2", "2"]
    stored = load(home, made)
    assert (stored.thread_id, stored.session_id, stored.forked_from_id) == (made, made, thread_id)
    assert (stored.meta["cwd"], stored.meta["git"], stored.base_instructions) == ("/elsewhere", {"branch": "main"}, "x")
    assert [line["type"] for line in Reading(stored.path)] == ["session_meta"]
    await write(tmp_path, made, a_turn(made, "f", "in the fork"))
    await write(tmp_path, thread_id, a_turn(thread_id, "t4", "later in the first"))
    assert texts(tmp_path, made) == ["say 1", "1", "say 2", "2", "in the fork", "ok"]
    ordinals = [line["ordinal"] for line in Reading(stored.path)]
    assert ordinals == list(range(turns[1].ends.end_ordinal, turns[1].ends.end_ordinal + len(ordinals)))


async def test_a_fork_of_a_fork_leaves_the_first_thread_where_its_turn_is(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    first = fork(home, thread_id, end_of(home, thread_id), BY, at=NOW)
    await write(tmp_path, first, a_turn(first, "f", "in the fork"))
    second = fork(home, first, stored_turns(home, first)[0].ends, BY, at=NOW)
    third = fork(home, first, end_of(home, first), BY, at=NOW)
    assert texts(tmp_path, second) == ["say 1", "1"]
    assert load(home, second).forked_from_id == first
    assert texts(tmp_path, third)[-2:] == ["in the fork", "ok"]


async def test_a_rollout_without_numbers_is_copied_into_its_fork(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    path = Path(find_rollout(home, thread_id).path)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in line.items() if k != "ordinal"}) + "\n" for line in told))
    made = fork(home, thread_id, stored_turns(home, thread_id)[0].ends, BY, at=NOW)
    os.unlink(path)
    assert texts(tmp_path, made) == ["say 1", "1"]
    assert [line["ordinal"] for line in Reading(load(home, made).path)] == [0, 1, 2, 3, 4]


async def test_a_reverted_turn_is_out_of_the_history_and_of_the_list(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), uuid7()
    turns = [
        a_turn(thread_id, "t1", "one"),
        a_turn(thread_id, "t2", "two", "steered"),
        a_turn(thread_id, "t3", "three"),
    ]
    await write(tmp_path, thread_id, *turns)
    assert revert(home, thread_id, "t2", at=NOW) == 2
    assert texts(tmp_path, thread_id) == ["one", "ok"]
    await write(tmp_path, thread_id, a_turn(thread_id, "t4", "four"))
    assert texts(tmp_path, thread_id) == ["one", "ok", "four", "ok"]
    assert [turn.turn_id for turn in stored_turns(home, thread_id)] == ["t1", "t4"]
    assert revert(home, thread_id, "1", at=NOW) == 2
    assert texts(tmp_path, thread_id) == []
    with pytest.raises(TurnNotFound, match="has no turn '1': it has no turns"):
        revert(home, thread_id, "1", at=NOW)


async def test_a_history_goes_back_to_before_its_compaction(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    kept = [message("user", [input_text("say 3")]), message("user", [input_text("summary")])]
    replaced = lines.compacted("summary", kept, Window("w", "w").next("v"), NOW)
    await write(tmp_path, thread_id, [replaced], a_turn(thread_id, "t4", "say 4"))
    made = fork(home, thread_id, stored_turns(home, thread_id)[1].begins, BY, at=NOW)
    assert texts(tmp_path, made) == ["say 1", "1"]
    assert revert(home, thread_id, "t4", at=NOW) == 1
    assert texts(tmp_path, thread_id) == ["say 3", "summary"]
    stored = load(home, thread_id)
    assert stored.window is not None
    assert (stored.window.number, stored.window.window_id) == (1, "v")
    assert revert(home, thread_id, "t2", at=NOW) == 2
    await write(tmp_path, thread_id, a_turn(thread_id, "t5", "other"))
    assert texts(tmp_path, thread_id) == ["say 1", "1", "other", "ok"]
    stored = load(home, thread_id)
    assert stored.window is None
    assert texts(tmp_path, made) == ["say 1", "1"], "a fork of the older lines stays as it was"


async def test_a_compacted_rollout_without_numbers_is_copied_when_it_is_cut_back(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    summary = [message("user", [input_text("summary")])]
    await write(tmp_path, thread_id, [lines.compacted("summary", summary, Window("w", "w").next("v"), NOW)])
    older = Path(find_rollout(home, thread_id).path)
    unnumbered = [json.loads(raw) for raw in older.read_text().splitlines()]
    for line in unnumbered:
        del line["ordinal"]
    older.write_text("".join(json.dumps(line) + "\n" for line in unnumbered))
    assert revert(home, thread_id, "2", at=NOW) == 2
    assert texts(tmp_path, thread_id) == ["say 1", "1"]
    assert [line["ordinal"] for line in Reading(find_rollout(home, thread_id).path)] == [0, 1, 2, 3, 4]


async def test_nobody_reverts_a_thread_that_another_process_writes(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    with open_writer_lock(home, thread_id), pytest.raises(ThreadHasWriter, match="already has an active writer"):
        revert(home, thread_id, "t2", at=NOW)
    assert len(texts(tmp_path, thread_id)) == 6


async def test_a_thread_goes_on_in_its_last_segment(tmp_path: Path) -> None:
    """Codex cuts a history back by a second file that builds on the first."""
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    place = stored_turns(home, thread_id)[0].ends
    older = Path(find_rollout(home, thread_id).path)
    for number in range(3):
        segment = uuid7()
        newer = Path(rollout_path(home, thread_id, datetime.fromtimestamp(NOW), segment_id=segment))
        first = json.loads(older.read_text().splitlines()[0])
        first["payload"]["history_base"] = place.payload()
        first["ordinal"] = place.end_ordinal
        newer.write_text(json.dumps(first) + "\n")
        assert find_rollout(home, thread_id).path == str(newer)
        await write(tmp_path, thread_id, a_turn(thread_id, f"n{number}", "new"))
        assert texts(tmp_path, thread_id) == ["say 1", "1", *["new", "ok"] * (number + 1)]
        place = stored_turns(home, thread_id)[-1].ends
        assert place.segment_id == segment


def packed(path: str) -> str:
    """The rollout packed, as Codex packs old ones."""
    try:
        subprocess.run(["zstd", "-q", "--rm", path], check=True)
    except FileNotFoundError:
        pytest.skip("the program zstd is not installed")
    return f"{path}.zst"


async def test_a_packed_rollout_is_read_forked_and_gone_on_with(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    path = find_rollout(home, thread_id).path
    before = Path(path).read_bytes()
    name = packed(path)
    pytest.importorskip("zstandard", reason="nothing can unpack zstd here")
    assert texts(tmp_path, thread_id) == ["say 1", "1", "say 2", "2", "say 3", "3"]
    made = fork(home, thread_id, stored_turns(home, thread_id)[1].begins, BY, at=NOW)
    assert texts(tmp_path, made) == ["say 1", "1"]
    await write(tmp_path, thread_id, a_turn(thread_id, "t4", "say 4", answer="4"))
    assert not os.path.exists(name)
    assert Path(path).read_bytes().startswith(before)
    assert texts(tmp_path, thread_id)[-2:] == ["say 4", "4"]
    assert os.listdir(os.path.dirname(path)).count(os.path.basename(path)) == 1


async def test_a_damaged_packed_rollout_is_refused_and_left_alone(tmp_path: Path) -> None:
    home, thread_id = str(tmp_path), await three_turns(tmp_path)
    name = Path(packed(find_rollout(home, thread_id).path))
    pytest.importorskip("zstandard", reason="nothing can unpack zstd here")
    name.write_bytes(name.read_bytes()[:-20])
    damaged = name.read_bytes()
    with pytest.raises(RolloutUnreadable):
        await write(tmp_path, thread_id, a_turn(thread_id, "t4", "say 4"))
    assert [name.read_bytes(), *os.listdir(name.parent)] == [damaged, name.name]
