"""Files are found by parts of their names, best first, without what git ignores."""

from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from codex.app_server.fuzzy import Cancelled, rank
from tests.codex.app_server.wires import open_server, open_wire


def found(query: str, *paths: str) -> list[str]:
    return [match.path for match in rank(query, paths, limit=50)]


def test_names_count_more_than_directories_and_beginnings_of_words_more_than_the_rest() -> None:
    assert found("ins", "inside/other.txt", "a/inside.txt", "a/brains.txt") == [
        "a/inside.txt",
        "a/brains.txt",
        "inside/other.txt",
    ]
    assert found("fb", "fooBar.py", "fabric.py", "xfxb.py") == ["fooBar.py", "fabric.py", "xfxb.py"]
    assert found("READ", "README", "readme") == ["README"]
    assert found("", "a") == []


letters = st.text("abAB/._", max_size=12)


@given(st.text("abAB", min_size=1, max_size=4), st.lists(letters, max_size=6))
def test_what_is_found_has_the_letters_in_their_order(query: str, paths: list[str]) -> None:
    matches = rank(query, paths, limit=3)
    assert len(matches) <= 3
    assert [match.score for match in matches] == sorted((match.score for match in matches), reverse=True)
    for match in matches:
        shown = "".join(match.path[index] for index in match.indices)
        assert list(match.indices) == sorted(set(match.indices))
        assert shown == query or (query.islower() and shown.lower() == query)


def test_a_path_of_the_same_letter_takes_no_time() -> None:
    assert found("a" * 60 + "b", "a" * 4_000) == []


def test_a_search_that_nobody_wants_ends() -> None:
    with pytest.raises(Cancelled):
        rank("a", ["a"], limit=1, cancelled=lambda: True)


async def test_a_repository_is_searched_without_what_git_ignores(tmp_path: Path) -> None:
    root = tmp_path / "work"
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        await trio.run_process(["git", "init", "-q", str(root)])
        (root / ".gitignore").write_text("build/\n")
        for name in ("src/inside.txt", "build/inside.o"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text("")
        answer = await client.call("fuzzyFileSearch", {"query": "inside", "roots": [str(root)]})
        (only,) = answer["files"]
        assert (only["path"], only["match_type"], only["file_name"]) == ("src/inside.txt", "file", "inside.txt")
        assert only["indices"] == [4, 5, 6, 7, 8, 9]
        directories = await client.call("fuzzyFileSearch", {"query": "src", "roots": [str(root)]})
        assert [(file["path"], file["match_type"]) for file in directories["files"]] == [
            ("src", "directory"),
            ("src/inside.txt", "file"),
        ]


async def test_a_session_tells_what_is_found_for_each_query(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        (tmp_path / "work" / "inside.txt").write_text("")
        start = {"sessionId": "s", "roots": [str(tmp_path / "work")]}
        assert await client.call("fuzzyFileSearch/sessionStart", start) == {}
        for query, count in (("ins", 1), ("zz", 0)):
            assert await client.call("fuzzyFileSearch/sessionUpdate", {"sessionId": "s", "query": query}) == {}
            told = await client.until("fuzzyFileSearch/sessionUpdated")
            assert (told["query"], len(told["files"])) == (query, count)
            assert await client.until("fuzzyFileSearch/sessionCompleted") == {"sessionId": "s"}
        assert await client.call("fuzzyFileSearch/sessionStop", {"sessionId": "s"}) == {}
        gone = await client.call("fuzzyFileSearch/sessionUpdate", {"sessionId": "s", "query": "x"})
        assert gone["error"]["message"] == "fuzzy file search session not found: s"
