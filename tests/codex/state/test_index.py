"""The index of threads says what the files say, whatever became of it."""

import os
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import open_runtime
from codex.ports.store import Family, Stamp, StoredFile, StoredThread, ThreadPage, ThreadQuery
from codex.state import BadCursor, Index, ReadFamily, ReadPage, index_path, run_index


def file(thread: str, segment: str | None = None, **facts: object) -> StoredFile:
    path = f"/s/rollout-{thread}-{segment or thread}"
    made = StoredFile(path, thread, segment or thread, created_at=1.0, cwd="/repo", preview=f"say {thread}")
    return attrs.evolve(made, **facts)  # type: ignore[arg-type]


class Files:
    """Rollouts in memory."""

    def __init__(self, *files: StoredFile) -> None:
        self.stamps: dict[str, Stamp] = {}
        self.files: dict[str, StoredFile | None] = {}
        self.named: dict[str, str] = {}
        self.described: list[str] = []
        for number, each in enumerate(files):
            self.put(each, at=number + 1)

    def put(self, each: StoredFile, *, at: int, size: int = 10) -> None:
        self.files[each.path] = each
        self.stamps[each.path] = (size, at * 1_000_000_000)

    def scan(self) -> Mapping[str, Stamp]:
        return dict(self.stamps)

    def describe(self, path: str) -> StoredFile | None:
        self.described.append(path)
        return self.files[path]

    def names_stamp(self) -> Stamp | None:
        return (len(self.named), hash(tuple(self.named.items())) & 0xFFFF) if self.named else None

    def names(self) -> Mapping[str, str]:
        return self.named


def ids(page: ThreadPage) -> list[str]:
    return [thread.thread_id for thread in page.threads]


def index_of(tmp_path: Path, files: Files) -> Index:
    return Index(index_path(str(tmp_path)), files)


def test_threads_come_the_last_used_first_with_all_that_is_known(tmp_path: Path) -> None:
    files = Files(file("a"), file("b", branch="main", source="exec"))
    files.named["b"] = "My thread"
    page = index_of(tmp_path, files).page(ThreadQuery())
    assert page == ThreadPage(
        (
            StoredThread(
                "b", "/s/rollout-b-b", 1.0, 2.0, "/repo", "say b", name="My thread", branch="main", source="exec"
            ),
            StoredThread("a", "/s/rollout-a-a", 1.0, 1.0, "/repo", "say a"),
        )
    )


def test_only_files_that_changed_are_read_again(tmp_path: Path) -> None:
    files = Files(file("a"), file("b", preview=""), file("c"))
    index = index_of(tmp_path, files)
    index.page(ThreadQuery())
    files.described.clear()
    files.put(file("a"), at=9, size=20)  # longer: its beginning is what it was
    files.put(file("b"), at=8, size=20)  # the user has said something since
    del files.stamps["/s/rollout-c-c"]
    assert ids(index.page(ThreadQuery())) == ["a", "b"]
    assert files.described == ["/s/rollout-b-b"]
    assert index.page(ThreadQuery()).threads[1].preview == "say b"


def test_the_last_segment_of_a_thread_counts(tmp_path: Path) -> None:
    files = Files(file("a"), file("a", "a2", cwd="/new"), file("a", "a1"))
    threads = index_of(tmp_path, files).page(ThreadQuery()).threads
    assert [(thread.path, thread.cwd) for thread in threads] == [("/s/rollout-a-a2", "/new")]


def test_lists_are_narrowed(tmp_path: Path) -> None:
    files = Files(
        file("a", cwd="/else"), file("b", archived=True), file("c", parent_id="a"), file("d", preview="100% _ÄPFEL")
    )
    files.named["a"] = "Straße"
    index = index_of(tmp_path, files)
    asked = {
        "all": ThreadQuery(),
        "cwd": ThreadQuery(cwd="/else"),
        "archived": ThreadQuery(archived=True),
        "agents": ThreadQuery(agents=True),
        "name": ThreadQuery(search="STRASSE"),
        "preview": ThreadQuery(search="% _äpf"),
        "nothing": ThreadQuery(search="a_pf"),
        "id": ThreadQuery(search="d", sort="created_at"),
    }
    assert {key: ids(index.page(query)) for key, query in asked.items()} == {
        "all": ["d", "a"],
        "cwd": ["a"],
        "archived": ["b"],
        "agents": ["d", "c", "a"],
        "name": ["a"],
        "preview": ["d"],
        "nothing": [],
        "id": ["d"],
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_pages_hold_every_thread_once_and_in_order(moments: list[int], limit: int) -> None:
    files = Files()
    for number, moment in enumerate(moments):
        files.put(file(f"t{number:02}"), at=moment)
    index = Index("/nowhere/at/all/index.sqlite", files)
    seen: list[str] = []
    cursor = None
    while True:
        page = index.page(ThreadQuery(limit=limit, cursor=cursor))
        assert len(page.threads) <= limit
        seen += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [name for _, name in sorted(((m, f"t{n:02}") for n, m in enumerate(moments)), reverse=True)]


def test_a_cursor_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCursor, match="'x' is no cursor"):
        index_of(tmp_path, Files()).page(ThreadQuery(cursor="x"))


def test_who_depends_on_a_thread(tmp_path: Path) -> None:
    files = Files(
        file("a"), file("a", "a1", base="a"), file("b", parent_id="a"), file("c", parent_id="b"), file("f", base="a1")
    )
    index = index_of(tmp_path, files)
    assert index.family("a") == Family(agents=("b", "c"), builders=("f",))
    assert index.family("f") == Family()


@pytest.mark.parametrize("damage", ["not a database", "truncated", "tables gone", "another version", "a directory"])
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    files, path = Files(file("a"), file("b")), Path(index_path(str(tmp_path)))
    index = index_of(tmp_path, files)
    before = index.page(ThreadQuery())
    index.close()
    match damage:
        case "not a database":
            path.write_bytes(b"rubbish" * 1000)
        case "truncated":
            path.write_bytes(path.read_bytes()[:5000])
        case "a directory":
            for each in path.parent.iterdir():
                each.unlink()
            path.mkdir()
        case _:
            with sqlite3.connect(path) as connection:
                connection.execute("DROP TABLE files" if damage == "tables gone" else "PRAGMA user_version = 99")
            connection.close()
    assert index.page(ThreadQuery()) == before
    assert index_of(tmp_path, files).page(ThreadQuery()) == before


def test_an_index_that_cannot_be_kept_is_done_without(tmp_path: Path) -> None:
    files = Files(file("a"))
    blocker = tmp_path / "file"
    blocker.write_text("")
    assert ids(Index(str(blocker / "index.sqlite"), files).page(ThreadQuery())) == ["a"]


def test_many_at_once_see_the_same(tmp_path: Path) -> None:
    files = Files(*(file(f"t{number:03}") for number in range(200)))

    def read(_: int) -> list[str]:
        index = index_of(tmp_path, files)
        try:
            return ids(index.page(ThreadQuery(limit=200)))
        finally:
            index.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(read, range(40)))
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]) == 200


def test_the_index_is_for_its_owner_only(tmp_path: Path) -> None:
    index_of(tmp_path, Files()).page(ThreadQuery())
    assert os.stat(index_path(str(tmp_path))).st_mode & 0o777 == 0o600


async def test_the_actor_answers_one_after_the_other(tmp_path: Path) -> None:
    files = Files(file("a"), file("b", parent_id="a"))
    async with open_runtime(name="test") as runtime:
        path = index_path(str(tmp_path))
        index = runtime.spawn(partial(run_index, path=path, source=files), name="index")
        assert ids(await index.ask(partial(ReadPage, ThreadQuery()))) == ["a"]
        with pytest.raises(BadCursor):
            await index.ask(partial(ReadPage, ThreadQuery(cursor="x")))
        assert await index.ask(partial(ReadFamily, "a")) == Family(agents=("b",))
