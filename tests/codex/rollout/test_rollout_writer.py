"""The writer: numbers lines, mends torn files, tells of a full disk, and is the only one."""

import fcntl
import json
import os
import resource
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors import Ref, open_runtime
from codex.base.ids import uuid7
from codex.rollout import (
    Append,
    Line,
    Message,
    Open,
    RolloutUnreadable,
    RolloutWriteError,
    Sync,
    ThreadHasWriter,
    TurnIds,
    lines,
    load,
    rollout_path,
    run_null_writer,
    run_writer,
)
from codex.rollout._actor import _Writer
from codex.rollout._file import Appender
from codex.rollout._machine import MAX_WAITING_LINES, Journal
from codex.rollout.names import lock_path

THREAD = uuid7()
META = lines.session_meta(
    thread_id=THREAD,
    session_id=THREAD,
    cwd="/repo",
    originator="codex_exec",
    cli_version="0.1.0",
    model_provider="mock",
    base_instructions="x",
    at=1.0,
)
IDS = TurnIds(THREAD, THREAD, "turn", "turn")


def said(text: str) -> Line:
    return lines.response_item({"type": "message", "role": "user", "content": [{"text": text}]}, "turn", 2.0)


def path_in(home: Path) -> str:
    return rollout_path(str(home), THREAD, datetime(2026, 11, 22, 14, 9, 45))


@asynccontextmanager
async def open_writer(home: Path) -> AsyncIterator[Ref[Message]]:
    async with open_runtime(name="test") as runtime:
        yield runtime.spawn(partial(run_writer, path=path_in(home), codex_home=str(home)), name="rollout")


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes; writing there fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def descriptors_end_soon() -> Generator[None]:
    """This process has used up more than half of the descriptors it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    used = [os.open(os.devnull, os.O_RDONLY) for _ in range(max(highest, 64))]  # no low one is left free
    resource.setrlimit(resource.RLIMIT_NOFILE, (used[-1] * 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in used:
            os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a writer lock as another process would."""
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def written(home: Path) -> list[Any]:
    return [json.loads(line) for line in Path(path_in(home)).read_bytes().split(b"\n")[:-1]]


def texts(home: Path) -> list[str]:
    return [entry["payload"]["content"][0]["text"] for entry in written(home) if entry["type"] == "response_item"]


async def test_a_thread_without_a_turn_leaves_no_file(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        assert await writer.ask(Open) == 0
        await writer.ask(Sync)
        await writer.ask(partial(Append, ()))
    assert not (tmp_path / "sessions").exists()


async def test_lines_are_numbered_from_the_first_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        assert await writer.ask(partial(Append, (META, said("a")))) == 2
        assert await writer.ask(partial(Append, (said("b"),))) == 3
        assert [entry["ordinal"] for entry in written(tmp_path)] == [0, 1, 2]
    file = Path(path_in(tmp_path))
    assert file.stat().st_mode & 0o777 == 0o600
    assert all(parent.stat().st_mode & 0o777 == 0o700 for parent in list(file.parents)[:4])
    assert written(tmp_path)[1] == {
        "timestamp": "1970-01-01T00:00:02.000Z",
        "ordinal": 1,
        "type": "response_item",
        "payload": said("a").payload,
    }
    assert load(str(tmp_path), THREAD).items[-1]["content"] == [{"text": "b"}]


async def test_a_resumed_thread_is_numbered_on(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        await writer.ask(partial(Append, (META, said("a"))))
    async with open_writer(tmp_path) as writer:
        assert await writer.ask(Open) == 2
        assert await writer.ask(partial(Append, (said("b"),))) == 3
    assert [entry["ordinal"] for entry in written(tmp_path)] == [0, 1, 2]


async def test_where_descriptors_are_few_none_is_held_between_writes(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        with descriptors_end_soon():
            before = os.listdir("/proc/self/fd")
            assert await writer.ask(partial(Append, (META, said("a")))) == 2
            assert os.listdir("/proc/self/fd") == before
            async with open_writer(tmp_path) as another:
                assert await another.ask(partial(Append, (said("b"),))) == 3
            assert await writer.ask(partial(Append, (said("c"),))) == 4
            await writer.ask(Sync)
            assert os.listdir("/proc/self/fd") == before
        assert await writer.ask(partial(Append, (said("d"),))) == 5
    assert texts(tmp_path) == ["a", "b", "c", "d"]
    assert [entry["ordinal"] for entry in written(tmp_path)] == [0, 1, 2, 3, 4]


async def test_where_descriptors_are_few_a_sync_waits_for_nobody_elses_lock(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        with descriptors_end_soon():
            await writer.ask(partial(Append, (META, said("a"))))
            with locked(tmp_path / "thread-writer-locks" / f"{THREAD}.lock"), pytest.raises(ThreadHasWriter):
                await writer.ask(Sync)
    assert texts(tmp_path) == ["a"]


async def test_an_empty_answer_is_not_taken_for_a_beginning(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        with pytest.raises(RolloutUnreadable, match="no such file to go on with"):
            await writer.ask(partial(Append, (said("a"),)))
        assert not Path(path_in(tmp_path)).exists()
        assert await writer.ask(partial(Append, (META,))) == 1


async def test_a_torn_tail_of_every_length_is_mended(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        await writer.ask(partial(Append, (META, said("whole"), said("the last"))))
    file = Path(path_in(tmp_path))
    data = file.read_bytes()
    start = data.rindex(b"\n", 0, -1) + 1
    for size in range(start, len(data)):
        file.write_bytes(data[:size])
        async with open_writer(tmp_path) as writer:
            await writer.ask(partial(Append, (said("next"),)))
        # The last line is kept when nothing but its newline is missing.
        kept = ["whole", "the last"] if size == len(data) - 1 else ["whole"]
        assert texts(tmp_path) == [*kept, "next"]
        assert [entry["ordinal"] for entry in written(tmp_path)] == list(range(len(kept) + 2))


async def test_lines_of_others_without_an_ordinal_are_counted(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        await writer.ask(partial(Append, (META, said("a"))))
    file = Path(path_in(tmp_path))
    file.write_bytes(file.read_bytes() + b'{"type":"other","payload":{}}\n{"type":"other","payload":{}}\n')
    async with open_writer(tmp_path) as writer:
        assert await writer.ask(Open) == 4


async def test_a_rollout_without_any_ordinals_is_counted(tmp_path: Path) -> None:
    file = Path(path_in(tmp_path))
    file.parent.mkdir(parents=True)
    file.write_bytes(b'{"type":"session_meta","payload":{}}\n' * 3)
    async with open_writer(tmp_path) as writer:
        assert await writer.ask(Open) == 3


async def test_a_full_disk_is_an_answer_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        await writer.ask(partial(Append, (META, said("before"))))
        before = Path(path_in(tmp_path)).read_bytes()
        with files_end_at(len(before) + 100):
            for text in ("one", "two", "three"):
                with pytest.raises(RolloutWriteError, match="File too large") as caught:
                    await writer.ask(partial(Append, (said(text), said("x" * 500))))
            with pytest.raises(RolloutWriteError):
                await writer.ask(Sync)
        assert caught.value.path == path_in(tmp_path)
        assert path_in(tmp_path) in str(caught.value)
        assert Path(path_in(tmp_path)).read_bytes() == before
        # What was refused has waited, and is written before what comes later.
        assert await writer.ask(partial(Append, (said("after"),))) == 9
        assert writer.alive
    big = "x" * 500
    assert texts(tmp_path) == ["before", "one", big, "two", big, "three", big, "after"]
    assert [entry["ordinal"] for entry in written(tmp_path)] == list(range(9))


async def test_what_the_disk_refused_is_written_when_it_is_asked_for_or_at_the_end(tmp_path: Path) -> None:
    for ask in (True, False):
        async with open_writer(tmp_path) as writer:
            if ask:
                await writer.ask(partial(Append, (META,)))
            with files_end_at(100), pytest.raises(RolloutWriteError):
                await writer.ask(partial(Append, (said("kept"),)))
            if ask:
                await writer.ask(Sync)
                assert texts(tmp_path) == ["kept"]
    assert texts(tmp_path) == ["kept", "kept"]


async def test_what_waits_for_the_disk_has_a_bound(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        await writer.ask(partial(Append, (META,)))
        with files_end_at(100):
            with pytest.raises(RolloutWriteError, match="File too large"):
                await writer.ask(partial(Append, (said("a"),) * MAX_WAITING_LINES))
            with pytest.raises(RolloutWriteError, match="10,000 lines wait for it already"):
                await writer.ask(partial(Append, (said("b"),)))
        await writer.ask(Sync)
    assert texts(tmp_path) == ["a"] * MAX_WAITING_LINES


async def test_a_disk_that_is_full_at_the_first_line_has_no_file_and_can_be_tried_again(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        with files_end_at(10), pytest.raises(RolloutWriteError):
            await writer.ask(partial(Append, (META, said("a"))))
        assert not Path(path_in(tmp_path)).exists()
        assert await writer.ask(partial(Append, (said("b"),))) == 3
    assert texts(tmp_path) == ["a", "b"]


async def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("in the way")
    async with open_writer(tmp_path) as writer:
        with pytest.raises(RolloutWriteError, match="CODEX_HOME"):
            await writer.ask(partial(Append, (META,)))
        (tmp_path / "sessions").unlink()
        assert await writer.ask(partial(Append, (said("a"),))) == 2


async def test_a_thread_has_one_writer(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        await writer.ask(partial(Append, (META,)))
        async with open_writer(tmp_path) as second:
            with pytest.raises(ThreadHasWriter, match=f"thread {THREAD} already has an active writer"):
                await second.ask(Open)
            with pytest.raises(ThreadHasWriter):
                await second.ask(partial(Append, (said("no"),)))
        await writer.ask(partial(Append, (said("yes"),)))
    async with open_writer(tmp_path) as writer:
        assert await writer.ask(Open) == 2
    assert texts(tmp_path) == ["yes"]


async def test_the_lock_is_the_one_that_codex_takes_and_is_cleaned_up(tmp_path: Path) -> None:
    lock = tmp_path / "thread-writer-locks" / f"{THREAD}.lock"
    async with open_writer(tmp_path) as writer:
        await writer.ask(Open)
        with pytest.raises(BlockingIOError), locked(lock):
            pass
    assert not lock.exists()
    with locked(lock):
        async with open_writer(tmp_path) as writer:
            with pytest.raises(ThreadHasWriter):
                await writer.ask(Open)
    # A file left behind by a killed process locks nobody out.
    async with open_writer(tmp_path) as writer:
        assert await writer.ask(Open) == 0


def test_the_lock_has_one_holder_at_a_time_also_while_its_file_comes_and_goes(tmp_path: Path) -> None:
    holders: list[int] = []
    crowds: list[int] = []

    def come_and_go(number: int) -> None:
        for _ in range(500):
            file = Appender(path_in(tmp_path), THREAD, str(tmp_path / "locks" / "t.lock"))
            try:
                file.lock()
            except ThreadHasWriter:
                continue
            holders.append(number)
            crowds.append(len(holders))
            os.stat(tmp_path)
            holders.remove(number)
            file.close()

    threads = [Thread(target=come_and_go, args=(number,)) for number in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert set(crowds) == {1}


async def test_the_end_of_a_turn_reaches_the_disk_unasked_and_a_sync_is_answered(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        end = lines.task_complete(IDS, 3.0, started_at=2.0, last_agent_message="bye")
        assert await writer.ask(partial(Append, (META, end))) == 2
        assert await writer.ask(Sync) is None
    assert written(tmp_path)[-1]["payload"]["last_agent_message"] == "bye"


async def test_an_ephemeral_thread_is_answered_alike_and_keeps_nothing(tmp_path: Path) -> None:
    async with open_runtime(name="test") as runtime:
        writer = runtime.spawn(run_null_writer, name="rollout")
        assert await writer.ask(partial(Append, (META, said("a")))) == 2
        assert await writer.ask(Open) == 2
        await writer.ask(Sync)
    assert list(tmp_path.iterdir()) == []


async def test_odd_text_is_written_as_utf_8(tmp_path: Path) -> None:
    async with open_writer(tmp_path) as writer:
        await writer.ask(partial(Append, (META, said('line\nquote"é€😀\ud800\0'))))
    stored = texts(tmp_path)[0]
    assert stored.startswith('line\nquote"é€😀\ufffd')
    assert "\ud800" not in stored


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=20))
def test_lines_reach_the_file_in_order_and_once_whatever_was_refused(steps: list[tuple[int, int]]) -> None:
    """Each step takes some lines, then the disk has room for some batches of those that wait."""
    journal, file, taken = Journal(), b"", 0
    for size, room in steps:
        assert journal.take(tuple(said(str(taken + index)) for index in range(size)))
        taken += size
        while journal.waits and room:
            batch, room = journal.oldest(), room - 1
            assert batch.data == journal.oldest().data
            file += batch.data
            journal.written(batch)
    entries: list[Any] = [json.loads(line) for line in file.splitlines()]
    assert [entry["ordinal"] for entry in entries] == list(range(len(entries)))
    assert [entry["payload"]["content"][0]["text"] for entry in entries] == [str(n) for n in range(len(entries))]
    assert journal.next_ordinal == len(entries)
    assert journal.waits == (len(entries) < taken)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.integers(0, 400)), max_size=8))
def test_what_was_whole_at_a_crash_is_kept_and_goes_on(steps: list[tuple[str, int]]) -> None:
    """Append, then tear off some bytes as a crash may, open again: the file is always a prefix of what was appended."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "r.jsonl")
        expected: list[str] = []
        for text, torn in steps:
            journal, file = Journal(), Appender(path, THREAD, None)
            journal.opened(file.open(create=True))
            assert journal.next_ordinal == len(expected)
            batch = journal.encode([said(text)])
            file.append(batch.data)
            file.close()
            left = max(len(batch.data) - torn, 0)
            os.truncate(path, os.path.getsize(path) - len(batch.data) + left)
            if left >= len(batch.data) - 1:
                expected.append(text)
        file = Appender(path, THREAD, None)
        file.open(create=True)
        file.close()
        with open(path, "rb") as stored:
            entries: list[Any] = [json.loads(line) for line in stored]
        assert [entry["payload"]["content"][0]["text"] for entry in entries] == expected
        assert [entry["ordinal"] for entry in entries] == list(range(len(expected)))


async def test_a_disk_that_does_not_answer_is_told_and_what_was_written_stays(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    answers = Event()

    class Silent(Appender):
        def sync(self) -> None:
            answers.wait(10)

    writer = _Writer(Silent(path_in(tmp_path), THREAD, lock_path(str(tmp_path), THREAD)))
    writer.append((META, said("a")))
    try:
        with pytest.raises(RolloutWriteError, match="the disk has not confirmed it within 30 s"):
            await writer.sync()
    finally:
        answers.set()
        writer.close()
    assert len(load(str(tmp_path), THREAD).items) == 1
