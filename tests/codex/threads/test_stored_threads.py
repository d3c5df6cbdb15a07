"""Stored threads through the engine's door: found, listed, forked, reverted, archived, deleted."""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex.base.errors import CodexError, UserError
from codex.ports.store import ThreadQuery
from codex.protocol.event import TaskComplete, TurnFailed
from codex.rollout import RolloutNotFound, ThreadArchived, ThreadHasWriter, load, open_writer_lock, write_title
from codex.testing import TestCodex, call, open_test_codex, text
from codex.threads import Thread
from codex.threads.store import ThreadInUse, ThreadNotNamed

LOOP = {"scripts": {"s": {"turns": [[text("ok")]], "loop": True}}}


def said(test: TestCodex, thread_id: str) -> list[object]:
    """What user and model said in the stored thread."""
    items = load(str(test.home), thread_id).items
    spoken = [item["content"] for item in items if item.get("role") in ("user", "assistant")]
    texts = [parts[0]["text"] for parts in spoken if isinstance(parts, list)]  # type: ignore[index,call-overload]
    return [each for each in texts if not str(each).startswith("<")]


async def talk(thread: Thread, *prompts: str) -> Thread:
    for prompt in prompts:
        await thread.ask(prompt)
    return thread


async def test_a_thread_is_found_by_its_name(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        thread = await talk(test.thread, "one")
        other = await talk(await test.codex.start_thread(), "two")
        await test.codex.name_thread(other.thread_id, "  taken ")
        await test.codex.name_thread(thread.thread_id, "taken")
        assert await test.codex.resume_thread("taken") is thread
        await test.codex.name_thread("taken", "")
        assert await test.codex.resume_thread("taken") is other
        page = await test.codex.list_threads(ThreadQuery(search="taken"))
        assert [(each.thread_id, each.name) for each in page.threads] == [(other.thread_id, "taken")]
        with pytest.raises(ThreadNotNamed, match="no session is named 'nobody'"):
            await test.codex.resume_thread("nobody")
        for bad in ("a\nb", "x" * 201, other.thread_id):
            with pytest.raises(UserError, match="is no name"):
                await test.codex.name_thread(thread.thread_id, bad)
    lines = [json.loads(line) for line in (tmp_path / "session_index.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [["id", "thread_name", "updated_at"]] * 3


async def test_a_name_that_was_torn_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "session_index.jsonl").write_text('{"id":"x","thre')
    write_title(str(tmp_path), "a", "name")
    assert json.loads((tmp_path / "session_index.jsonl").read_text().splitlines()[1])["thread_name"] == "name"


async def test_stored_threads_are_listed_with_what_was_said(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        assert (await test.codex.list_threads()).threads == ()  # nothing was said yet
        await talk(test.thread, "first\n  words", "more")
        (thread,) = (await test.codex.list_threads()).threads
        assert (thread.thread_id, thread.preview, thread.cwd) == (test.thread.thread_id, "first words", str(test.cwd))
        assert thread.updated_at >= thread.created_at > 1_600_000_000
        assert [turn.said for turn in await test.codex.read_turns(thread.thread_id)] == ["first\n  words", "more"]


async def test_a_fork_goes_on_from_any_turn_and_leaves_the_other_alone(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        thread = await talk(test.thread, "one", "two", "three")
        first = await talk(await test.codex.fork_thread(thread.thread_id, turn="1"), "fork")
        whole = await talk(await test.codex.fork_thread(thread.thread_id), "fork")
        before = await test.codex.fork_thread(thread.thread_id, before="2")
        await talk(thread, "four")
        assert said(test, first.thread_id) == ["one", "ok", "fork", "ok"]
        assert said(test, whole.thread_id) == ["one", "ok", "two", "ok", "three", "ok", "fork", "ok"]
        assert said(test, before.thread_id) == ["one", "ok"]
        assert said(test, thread.thread_id)[-2:] == ["four", "ok"]
        request = next(each for each in test.requests if each.texts("user")[-1] == "fork")
        assert [each for each in request.texts("user") if not each.startswith("<")] == ["one", "fork"]


async def test_a_reverted_thread_goes_on_without_its_last_turns(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        thread = await talk(test.thread, "one", "two", "three")
        again = await talk(await test.codex.revert_thread(thread.thread_id, "2"), "other")
        assert again.thread_id == thread.thread_id
        assert not thread.alive
        assert said(test, thread.thread_id) == ["one", "ok", "other", "ok"]


async def test_an_archived_thread_is_out_of_the_list_until_it_is_brought_back(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        thread = await talk(test.thread, "one")
        path = thread.rollout_path
        assert path is not None
        await test.codex.archive_thread(thread.thread_id)
        assert not thread.alive
        assert not os.path.exists(path)
        assert (await test.codex.list_threads()).threads == ()
        assert len((await test.codex.list_threads(ThreadQuery(archived=True))).threads) == 1
        with pytest.raises(UserError, match="archived already"):
            await test.codex.archive_thread(thread.thread_id)
        with pytest.raises(ThreadArchived, match="codex unarchive"):
            await test.codex.resume_thread(thread.thread_id)
        with pytest.raises(ThreadArchived):
            await test.codex.revert_thread(thread.thread_id, "1")
        await test.codex.unarchive_thread(thread.thread_id)
        assert os.path.exists(path)
        with pytest.raises(UserError, match="not archived"):
            await test.codex.unarchive_thread(thread.thread_id)
        await talk(await test.codex.resume_thread(thread.thread_id), "two")
        assert said(test, thread.thread_id) == ["one", "ok", "two", "ok"]


async def test_a_thread_that_forks_begin_with_is_deleted_after_them(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        thread = await talk(test.thread, "one")
        fork = await talk(await test.codex.fork_thread(thread.thread_id), "two")
        with pytest.raises(ThreadInUse, match=fork.thread_id):
            await test.codex.delete_thread(thread.thread_id)
        await test.codex.delete_thread(fork.thread_id)
        await test.codex.delete_thread(thread.thread_id)
        assert list(tmp_path.rglob("rollout-*")) == []
        with pytest.raises(RolloutNotFound):
            await test.codex.delete_thread(thread.thread_id)


async def test_sub_agents_go_with_their_thread(tmp_path: Path) -> None:
    spawn = call("spawn_agent", message="[[script:child]]")
    scripts = {"root": [[spawn], [text("ok")]], "child": [[text("done")]]}
    async with open_test_codex({"scripts": scripts, "default": "root"}, home=tmp_path) as test:
        await talk(test.thread, "go")
        everyone = ThreadQuery(agents=True)
        assert len((await test.codex.list_threads()).threads) == 1
        await test.codex.archive_thread(test.thread.thread_id)
        assert (await test.codex.list_threads(everyone)).threads == ()
        await test.codex.delete_thread(test.thread.thread_id)
        assert list(tmp_path.rglob("rollout-*")) == []


async def test_what_another_process_writes_is_not_moved(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        thread = await talk(test.thread, "one")
        await thread.stop()
        with open_writer_lock(str(tmp_path), thread.thread_id):
            for do in (test.codex.archive_thread, test.codex.delete_thread):
                with pytest.raises(ThreadHasWriter):
                    await do(thread.thread_id)
        assert said(test, thread.thread_id) == ["one", "ok"]


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_what_a_full_disk_refused_is_stored_in_order_by_the_next_turn(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        await talk(test.thread, "one")
        path = test.thread.rollout_path
        assert path is not None
        with files_end_at(os.path.getsize(path) + 2_500):
            failed = [msg for msg in await test.run_turn("two") if isinstance(msg, TurnFailed)]
            assert "cannot write the session's record" in failed[0].message
        assert isinstance((await test.run_turn("three"))[-1], TaskComplete)
        kept = said(test, test.thread.thread_id)
        sent = [each for each in test.requests[-1].texts("user") if not each.startswith("<")]
        assert [each for each in kept if each != "ok"] == sent
        assert sent[-1] == "three"
        assert [line["ordinal"] for line in test.rollout()] == list(range(len(test.rollout())))
        turns = await test.codex.read_turns(test.thread.thread_id)
        assert [turn.state for turn in turns] == ["completed", "failed", "completed"]


async def test_a_thread_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    async with open_test_codex(LOOP, home=tmp_path) as test:
        nobody = "01a20397-7746-7700-b5c0-cc72e59862fd"
        for do in (test.codex.resume_thread, test.codex.fork_thread, test.codex.archive_thread, test.codex.read_turns):
            with pytest.raises(CodexError, match=f"no rollout found for thread id {nobody}"):
                await do(nobody)
