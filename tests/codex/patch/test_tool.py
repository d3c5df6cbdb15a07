"""Patches as a tool: everything is checked first, and what was done is reported."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex.base.errors import ToolFailure
from codex.patch import Applied, PatchRejected, Touched, TurnDiff, apply_verified, verify
from codex.protocol.item import FileUpdate


def patch_of(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch\n"))


def rejection(cwd: Path, text: str) -> str:
    with pytest.raises(PatchRejected) as caught:
        verify(text, str(cwd))
    assert isinstance(caught.value, ToolFailure)
    return str(caught.value)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "a").write_text("1\n2\n3\n4\n")
    (tmp_path / "b").write_text("gone\n")
    (tmp_path / "bin").write_bytes(b"a\xff\n")
    return tmp_path


TEXT = patch_of(
    *("*** Update File: a", "*** Move to: m", " 2", "-3", "+three", "*** Delete File: b", "*** Add File: d/n", "+new"),
)


def test_a_verified_patch_lists_its_changes_by_path_and_all_paths_it_writes(work: Path) -> None:
    verified = verify(TEXT, str(work))
    assert verified.changes == (
        FileUpdate(f"{work}/a", "update", unified_diff="@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n", move_path=f"{work}/m"),
        FileUpdate(f"{work}/b", "delete", content="gone\n"),
        FileUpdate(f"{work}/d/n", "add", content="new\n"),
    )
    assert verified.paths == (f"{work}/a", f"{work}/m", f"{work}/b", f"{work}/d/n")
    assert sorted(path.name for path in work.iterdir()) == ["a", "b", "bin"]


def test_applying_writes_what_was_verified(work: Path) -> None:
    verified = verify(TEXT, str(work))
    applied = apply_verified(verified)
    summary = "Success. Updated the following files:\nA d/n\nM m\nD b\n"
    assert applied == Applied(summary, "", 0, verified.changes, applied.touched)
    assert (work / "m").read_text() == "1\n2\nthree\n4\n"
    assert sorted(path.name for path in work.iterdir()) == ["bin", "d", "m"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["*** Update File: no", "-x"], "Failed to read file to update {}/no: No such file or directory (os error 2)"),
        (["*** Update File: a", "-x"], "Failed to find expected lines in {}/a:\nx"),
        (["*** Update File: a", "@@ x", "-1"], "Failed to find context 'x' in {}/a"),
        (
            ["*** Update File: bin", "-a"],
            "Failed to read file to update {}/bin: invalid utf-8 sequence of 1 bytes from index 1",
        ),
        (["*** Delete File: no"], "Failed to read {}/no: No such file or directory (os error 2)"),
        (["*** Delete File: bin"], "Failed to read {}/bin: invalid utf-8 sequence of 1 bytes from index 1"),
        (["*** Delete File: ."], "Failed to read {}: path `{}` is not a file"),
        (["*** Add File: n", "*** Delete File: ./n"], "invalid patch: multiple operations target {}/n"),
        (["*** Add File: \0"], "'\0' is invalid on 'linux'"),
        (["*** Update File: a"], "invalid hunk at line 2, Update file hunk for path 'a' is empty"),
        (["*** End Patch", "x"], "invalid patch: The last line of the patch must be '*** End Patch'"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(work: Path, lines: list[str], reason: str) -> None:
    told = rejection(work, patch_of("*** Add File: first", *lines))
    reason = reason.replace("at line 2", "at line 3")
    assert told == "apply_patch verification failed: " + reason.replace("{}", str(work))
    assert sorted(path.name for path in work.iterdir()) == ["a", "b", "bin"]


def test_an_empty_patch_is_rejected(work: Path) -> None:
    assert rejection(work, patch_of()) == "patch rejected: empty patch"


def test_another_environment_cannot_be_chosen(work: Path) -> None:
    told = rejection(work, patch_of("*** Environment ID: e", "*** Delete File: b"))
    assert told == "apply_patch environment selection is unavailable for this turn"


def test_a_destination_may_also_be_a_section_of_its_own(work: Path) -> None:
    verified = verify(patch_of("*** Update File: a", "*** Move to: b", "-1", "*** Add File: b", "+x"), str(work))
    assert verified.paths == (f"{work}/a", f"{work}/b")
    assert apply_verified(verified).stdout == "Success. Updated the following files:\nA b\nM b\n"
    assert (work / "b").read_text() == "x\n"


def test_sections_done_before_a_failure_are_reported(work: Path) -> None:
    verified = verify(patch_of("*** Add File: n", "+x", "*** Add File: a/n", "+x"), str(work))
    applied = apply_verified(verified)
    changes = (FileUpdate(f"{work}/n", "add", content="x\n"),)
    assert applied == Applied("", f"Failed to write file {work}/a/n\n", 1, changes, applied.touched)
    diff = TurnDiff(str(work))
    diff.add(applied.touched)
    assert diff.unified_diff().startswith("diff --git a/n b/n\nnew file mode 100644\n")


@contextmanager
def no_room_after_four_bytes() -> Iterator[None]:
    """No file of this process may grow beyond four bytes: not even pytest's output, so keep it short."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    verified = verify(patch_of("*** Add File: a", "+12345", "*** Add File: b"), str(tmp_path))
    with no_room_after_four_bytes():
        applied = apply_verified(verified)
    assert applied == Applied("", f"Failed to write file {tmp_path}/a\n", 1, (), ())
    assert (tmp_path / "a").read_text() == "1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_was_half_written_in_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "same").hardlink_to(tmp_path / "a")
    verified = verify(patch_of("*** Add File: a", "+12345"), str(tmp_path))
    with no_room_after_four_bytes():
        applied = apply_verified(verified)
    assert applied.exit_code == 1
    assert applied.touched == (Touched(f"{tmp_path}/a", b"1\n", b"1234"),)


def test_a_file_that_changed_after_the_check_is_fitted_anew(work: Path) -> None:
    verified = verify(patch_of("*** Update File: a", "-3", "+three"), str(work))
    (work / "a").write_text("0\n1\n2\n3\n")
    applied = apply_verified(verified)
    assert (work / "a").read_text() == "0\n1\n2\nthree\n"
    assert applied.changes == (FileUpdate(f"{work}/a", "update", unified_diff="@@ -3,2 +3,2 @@\n 2\n-3\n+three\n"),)
    (work / "a").write_text("other\n")
    assert apply_verified(verified).stderr == f"Failed to find expected lines in {work}/a:\n3\n"
    assert (work / "a").read_text() == "other\n"
