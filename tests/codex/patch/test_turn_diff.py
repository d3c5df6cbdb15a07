"""What the patches of a turn changed, summed up."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.patch.apply import Touched
from codex.patch.turn_diff import TurnDiff


def diff_of(*touched: Touched, root: str = "/w") -> str:
    diff = TurnDiff(root)
    diff.add(touched)
    return diff.unified_diff()


def moved(origin: str, to: str, before: bytes, after: bytes, *, over: bytes | None = None) -> tuple[Touched, Touched]:
    return Touched(to, over, after, origin), Touched(origin, before, None)


def test_a_new_file_is_shown_against_nothing() -> None:
    assert diff_of(Touched("/w/inside.txt", None, b"x\n")) == (
        "diff --git a/inside.txt b/inside.txt\n"
        "new file mode 100644\n"
        "index 0000000000000000000000000000000000000000..587be6b4c3f93f93c489c0111bba5596147a26cb\n"
        "--- /dev/null\n+++ b/inside.txt\n@@ -0,0 +1 @@\n+x\n"
    )


def test_a_deleted_file_is_shown_against_nothing() -> None:
    assert diff_of(Touched("/w/e", b"x\n", None)) == (
        "diff --git a/e b/e\n"
        "deleted file mode 100644\n"
        "index 587be6b4c3f93f93c489c0111bba5596147a26cb..0000000000000000000000000000000000000000\n"
        "--- a/e\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )


def test_a_file_is_shown_from_its_first_content_to_its_last() -> None:
    assert diff_of(Touched("/w/e", b"x\n", b"z\n"), Touched("/w/e", b"z\n", b"y\n")) == (
        "diff --git a/e b/e\n"
        "index 587be6b4c3f93f93c489c0111bba5596147a26cb..975fbec8256d3e8a3797e7a3611380f27c49f4ac\n"
        "--- a/e\n+++ b/e\n@@ -1 +1 @@\n-x\n+y\n"
    )


def test_what_came_back_to_its_first_content_is_not_shown() -> None:
    assert diff_of(Touched("/w/e", b"x\n", None), Touched("/w/e", None, b"x\n")) == ""
    assert diff_of(Touched("/w/e", None, b"x\n"), Touched("/w/e", b"x\n", None)) == ""


def test_a_moved_file_is_shown_under_both_names() -> None:
    text = diff_of(*moved("/w/f", "/w/sub/g", b"a\nb\n", b"a\nc\n"))
    assert text.startswith("diff --git a/f b/sub/g\nindex ")
    assert text.endswith("--- a/f\n+++ b/sub/g\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")


def test_a_move_without_a_change_is_not_shown() -> None:
    assert diff_of(*moved("/w/f", "/w/g", b"a\n", b"a\n")) == ""


def test_a_file_that_moved_on_and_back_is_shown_once() -> None:
    there = moved("/w/f", "/w/g", b"a\n", b"b\n")
    assert "a/f b/h" in diff_of(*there, *moved("/w/g", "/w/h", b"b\n", b"c\n"))
    assert diff_of(*there, *moved("/w/g", "/w/f", b"b\n", b"a\n")) == ""
    assert "a/f b/f" in diff_of(*there, *moved("/w/g", "/w/f", b"b\n", b"c\n"))


def test_a_move_over_another_file_is_a_deletion_and_a_change() -> None:
    text = diff_of(*moved("/w/m", "/w/n", b"1\n", b"2\n", over=b"9\n"))
    assert [line for line in text.split("\n") if line.startswith(("diff", "deleted"))] == [
        *("diff --git a/m b/m", "deleted file mode 100644", "diff --git a/n b/n")
    ]


def test_a_file_that_takes_the_place_of_a_moved_one_is_its_change() -> None:
    text = diff_of(*moved("/w/b", "/w/x", b"1\n", b"1\n"), Touched("/w/b", None, b"new\n"))
    assert [line for line in text.split("\n") if line.startswith(("diff", "new"))] == [
        *("diff --git a/b b/b", "diff --git a/x b/x", "new file mode 100644")
    ]


def test_a_file_written_anew_over_a_moved_one_is_no_move() -> None:
    there = moved("/w/f", "/w/g", b"a\n", b"b\n")
    for after_that in (
        [Touched("/w/g", b"b\n", b"c\n", anew=True)],
        [Touched("/w/g", b"b\n", None), Touched("/w/g", None, b"c\n", anew=True)],
    ):
        text = diff_of(*there, *after_that)
        assert [line for line in text.split("\n") if line.startswith(("diff", "new", "deleted"))] == [
            *("diff --git a/f b/f", "deleted file mode 100644", "diff --git a/g b/g", "new file mode 100644")
        ]


def test_a_file_moved_onto_itself_is_deleted() -> None:
    text = diff_of(Touched("/w/z", b"1\n", b"2\n", "/w/z"), Touched("/w/z", b"2\n", None))
    assert "deleted file mode" in text


def test_files_are_sorted_and_those_outside_keep_their_whole_path() -> None:
    text = diff_of(Touched("/w/b", None, b""), Touched("/w/a", None, b""), Touched("/out", None, b""))
    assert [line for line in text.split("\n") if line.startswith("diff")] == [
        *("diff --git a//out b//out", "diff --git a/a b/a", "diff --git a/b b/b")
    ]


def test_an_empty_new_file_has_a_head_only() -> None:
    assert diff_of(Touched("/w/a", None, b"")).endswith("..e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\n")


@pytest.mark.parametrize("content", [b"a\0b", b"\xff", b"x" * (4 * 1024 * 1024 + 1)])
def test_what_is_not_text_or_too_large_is_only_said_to_differ(content: bytes) -> None:
    assert diff_of(Touched("/w/a", b"a\n", content)).endswith("\nBinary files a/a and b/a differ\n")


CONTENTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\r\n", "e"]), max_size=9).map("".join)


@given(st.dictionaries(st.sampled_from(["a", "b", "d/c"]), st.tuples(CONTENTS, CONTENTS), min_size=1))
def test_git_turns_the_old_files_into_the_new_ones(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("w")
    for name, (before, _) in contents.items():
        write(root / name, before)
    text = diff_of(*(Touched(f"/w/{name}", old.encode(), new.encode()) for name, (old, new) in contents.items()))
    if text:
        subprocess.run(["git", "apply", "-"], cwd=root, input=text.encode(), check=True)
    assert {name: (root / name).read_bytes().decode() for name in contents} == {
        name: new for name, (_, new) in contents.items()
    }


def write(path: Path, content: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode())
