"""The program: the same files and exit codes as Codex's own.

Besides the shared cases these are findings of `tests.benchmarks.patch_oracle`, checked against Codex 0.169.0.
"""

import os
import shutil
import stat
import subprocess
from io import BytesIO
from pathlib import Path

import attrs
import pytest

from codex.patch.standalone import run_standalone

SHARED = Path(os.environ.get("CODEX_ACTORS_SHARED") or Path(__file__).resolve().parents[4] / "shared")
CASES = SHARED / "conformance" / "apply_patch"
NAMES = sorted(path.name for path in CASES.iterdir() if path.is_dir()) if CASES.is_dir() else []


@attrs.frozen
class Ran:
    code: int
    stdout: str
    stderr: str


def run(cwd: Path, *arguments: str, stdin: bytes = b"") -> Ran:
    out, err = BytesIO(), BytesIO()
    code = run_standalone(arguments, BytesIO(stdin), str(cwd), stdout=out, stderr=err)
    return Ran(code, out.getvalue().decode(), err.getvalue().decode())


def patch(cwd: Path, *lines: str) -> Ran:
    return run(cwd, "\n".join(("*** Begin Patch", *lines, "*** End Patch")))


def updated(*names: str) -> Ran:
    return Ran(0, "Success. Updated the following files:\n" + "".join(f"{name}\n" for name in names), "")


def failed(reason: str) -> Ran:
    return Ran(1, "", f"{reason}\n")


def files(root: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


@pytest.mark.skipif(not NAMES, reason=f"no shared cases in {CASES}")
@pytest.mark.parametrize("name", NAMES)
def test_the_shared_cases_leave_the_expected_files(name: str, tmp_path: Path) -> None:
    root = tmp_path / "w"
    if (CASES / name / "input").is_dir():
        shutil.copytree(CASES / name / "input", root, copy_function=shutil.copyfile)
        for path in (root, *root.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
    else:
        root.mkdir()
    run(root, (CASES / name / "patch.txt").read_bytes().decode())
    assert files(root) == files(CASES / name / "expected")


def test_the_patch_may_come_on_the_standard_input(tmp_path: Path) -> None:
    text = b"*** Begin Patch\n*** Add File: a\n+\0x\n*** End Patch\n"
    assert run(tmp_path, stdin=text) == updated("A a")
    assert files(tmp_path) == {"a": b"\0x\n"}


def test_wrong_use_ends_with_two(tmp_path: Path) -> None:
    usage = "Usage: apply_patch 'PATCH'\n       echo 'PATCH' | apply_patch\n"
    assert run(tmp_path) == Ran(2, "", usage)
    assert run(tmp_path, "a", "b") == Ran(2, "", "Error: apply_patch accepts exactly one argument.\n")


def test_an_argument_wins_over_the_standard_input(tmp_path: Path) -> None:
    empty = "Invalid patch: The last line of the patch must be '*** End Patch'"
    assert run(tmp_path, "", stdin=b"*** Begin Patch\n*** Add File: a\n*** End Patch") == failed(empty)
    assert run(tmp_path, stdin=b"\n") == failed(empty)
    assert files(tmp_path) == {}


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    not_text = os.fsdecode(b"\xff")
    refused = failed("Error: apply_patch requires a UTF-8 PATCH argument.")
    assert run(tmp_path, not_text) == refused
    assert run(tmp_path, not_text, "b") == refused
    assert run(tmp_path, stdin=b"\xff") == failed(
        "Error: Failed to read PATCH from stdin.\nstream did not contain valid UTF-8"
    )


def test_a_patch_without_sections_modifies_nothing(tmp_path: Path) -> None:
    assert patch(tmp_path) == failed("No files were modified.")


def test_the_summary_lists_added_then_changed_then_deleted_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "b").write_text("1\n")
    ran = patch(
        tmp_path,
        *("*** Delete File: a", "*** Update File: b", "*** Move to: ./c", "-1", "+2", "*** Add File: a", "+x"),
        *("*** Update File: c", "-2", "+3"),
    )
    assert ran == updated("A a", "M ./c", "M c", "D a")
    assert files(tmp_path) == {"a": b"x\n", "c": b"3\n"}


def test_sections_before_a_failing_one_stay_done(tmp_path: Path) -> None:
    ran = patch(tmp_path, "*** Add File: a", "+1", "*** Delete File: b", "*** Add File: c")
    assert ran == failed(f"Failed to delete file {tmp_path}/b")
    assert files(tmp_path) == {"a": b"1\n"}


def test_an_added_file_overwrites_whatever_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    assert patch(tmp_path, "*** Add File: a", "+text") == updated("A a")
    assert files(tmp_path) == {"a": b"text\n"}


def test_a_file_without_lines_may_be_added(tmp_path: Path) -> None:
    assert patch(tmp_path, "*** Add File: d/e/a") == updated("A d/e/a")
    assert files(tmp_path) == {"d": None, "d/e": None, "d/e/a": b""}


def test_a_file_moved_onto_itself_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    assert patch(tmp_path, "*** Update File: a", "*** Move to: d/../a", "-1", "+2") == updated("M d/../a")
    assert files(tmp_path) == {}


def test_a_moved_file_does_not_take_its_mode_along(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "a").chmod(0o755)
    patch(tmp_path, "*** Update File: a", "*** Move to: b", "-1", "+2")
    (tmp_path / "plain").touch()
    assert (tmp_path / "b").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_that_is_not_text_cannot_be_updated_but_deleted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\n\xe2\x28\n")
    (tmp_path / "b").write_bytes(b"ab\xe2\x80")
    where = f"Failed to read file to update {tmp_path}"
    assert patch(tmp_path, "*** Update File: a", "-a") == failed(
        f"{where}/a: invalid utf-8 sequence of 1 bytes from index 2"
    )
    assert patch(tmp_path, "*** Update File: b", "-a") == failed(
        f"{where}/b: incomplete utf-8 byte sequence from index 2"
    )
    assert patch(tmp_path, "*** Delete File: a") == updated("D a")


def test_a_file_of_more_than_half_a_gibibyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as sparse:
        sparse.truncate(512 * 1024 * 1024 + 1)
    reason = "file is too large to read: limit is 536870912 bytes"
    assert patch(tmp_path, "*** Update File: a", "-a") == failed(
        f"Failed to read file to update {tmp_path}/a: {reason}"
    )
    assert patch(tmp_path, "*** Delete File: a") == updated("D a")


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    where = f"{tmp_path}/d"
    assert patch(tmp_path, "*** Delete File: d") == failed(f"Failed to delete file {where}")
    assert patch(tmp_path, "*** Add File: d/", "+x") == failed(f"Failed to write file {where}")
    assert patch(tmp_path, "*** Update File: d", "-x") == failed(
        f"Failed to read file to update {where}: path `{where}` is not a file"
    )
    assert patch(tmp_path, "*** Update File: /", "-x") == failed(
        "Failed to read file to update /: path `/` is not a file"
    )


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert patch(tmp_path, "*** Add File: a/b") == failed(f"Failed to write file {tmp_path}/a/b")
    assert patch(tmp_path, "*** Update File: a/b", "-x") == failed(
        f"Failed to read file to update {tmp_path}/a/b: Not a directory (os error 20)"
    )


def test_parents_made_for_a_file_that_fails_stay(tmp_path: Path) -> None:
    long = "x" * 256
    where = f"{tmp_path}/d/{long}/a"
    assert patch(tmp_path, f"*** Add File: d/{long}/a") == failed(f"Failed to create parent directories for {where}")
    assert files(tmp_path) == {"d": None}


def test_directories_may_be_nested_as_deep_as_paths_go(tmp_path: Path) -> None:
    name = "d/" * 1500 + "a"
    assert patch(tmp_path, f"*** Add File: {name}", "+x") == updated(f"A {name}")
    assert (tmp_path / name).read_text() == "x\n"
    # What removes the temporary directory is not made for such depth.
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)
    assert patch(tmp_path, f"*** Add File: {name * 2}") == failed(f"Failed to write file {tmp_path}/{name * 2}")
    assert files(tmp_path) == {}


def test_symbolic_links_are_written_through_and_deleted_themselves(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "dangling").symlink_to("b")
    assert patch(tmp_path, "*** Update File: link", "-1", "+2") == updated("M link")
    assert patch(tmp_path, "*** Add File: dangling", "+3") == updated("A dangling")
    assert patch(tmp_path, "*** Delete File: link") == updated("D link")
    assert (tmp_path / "dangling").is_symlink()
    assert files(tmp_path) == {"a": b"2\n", "b": b"3\n", "dangling": b"3\n"}


def test_a_link_that_leads_nowhere_or_to_a_directory_cannot_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name, target in (("dangling", "nowhere"), ("loop", "loop"), ("to_d", "d"), ("deep", "no/where")):
        (tmp_path / name).symlink_to(target)
    for name in ("dangling", "loop", "to_d"):
        assert patch(tmp_path, f"*** Delete File: {name}") == failed(f"Failed to delete file {tmp_path}/{name}")
    assert patch(tmp_path, "*** Add File: deep") == failed(f"Failed to write file {tmp_path}/deep")
    assert patch(tmp_path, "*** Update File: loop", "-x") == failed(
        f"Failed to read file to update {tmp_path}/loop: Symbolic link loop (os error 40)"
    )
    assert patch(tmp_path, "*** Add File: dangling/x") == failed(
        f"Failed to create parent directories for {tmp_path}/dangling/x"
    )


def test_moving_a_file_onto_a_link_to_it_removes_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "link").symlink_to("a")
    assert patch(tmp_path, "*** Update File: a", "*** Move to: link", "-1", "+2") == updated("M link")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_hard_links_stay_one_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert patch(tmp_path, "*** Update File: a", "-1", "+2") == updated("M a")
    assert files(tmp_path) == {"a": b"2\n", "b": b"2\n"}


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o4755])
def test_a_changed_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "a").chmod(mode)
    assert patch(tmp_path, "*** Update File: a", "-1", "+2") == updated("M a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    assert files(tmp_path) == {"a": b"2\n"}


def test_a_pipe_is_no_file_and_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    where = f"{tmp_path}/pipe"
    assert patch(tmp_path, "*** Update File: pipe", "-x") == failed(
        f"Failed to read file to update {where}: path `{where}` is not a file"
    )
    assert patch(tmp_path, "*** Add File: pipe") == failed(f"Failed to write file {where}")
    assert patch(tmp_path, "*** Delete File: pipe") == updated("D pipe")


@pytest.mark.parametrize(
    ("name", "lands"),
    [
        ("no/../a", "a"),
        ("d//./a", "d/a"),
        ("a/", "a"),
        ("~/a", "~/a"),
        ("a\\b", "a\\b"),
        ("a%2fb", "a%2fb"),
        ("  a", "  a"),
        ("a\tb", "ab"),
        ("a\rb", "ab"),
        ("d\t/a", "d/a"),
        ("d/.\t./a", "a"),
        ("\ta", "a"),
    ],
)
def test_paths_are_taken_by_their_letters_without_tabs(tmp_path: Path, name: str, lands: str) -> None:
    assert patch(tmp_path, f"*** Add File: {name}", "+1") == updated(f"A {name}")
    assert (tmp_path / lands).read_text() == "1\n"


def test_absolute_paths_and_paths_upwards_are_followed(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    assert patch(tmp_path / "w", "*** Add File: ../a", f"*** Add File: {tmp_path}/b") == updated(
        "A ../a", f"A {tmp_path}/b"
    )
    assert files(tmp_path) == {"w": None, "a": b"", "b": b""}


def test_a_path_with_a_nul_fails_when_its_turn_comes(tmp_path: Path) -> None:
    text = b"*** Begin Patch\n*** Add File: a\n*** Add File: b\0\n*** End Patch"
    assert run(tmp_path, stdin=text) == failed("'b\0' is invalid on 'linux'")
    assert files(tmp_path) == {"a": b""}


def test_no_temporary_file_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    patch(tmp_path, "*** Add File: a", "+1", "*** Add File: d", "+1")
    patch(tmp_path, f"*** Add File: {'x' * 256}", "+1")
    assert files(tmp_path) == {"a": b"1\n", "d": None}


def test_a_summary_that_nobody_can_read_is_a_failure(tmp_path: Path) -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        code = run_standalone(["*** Begin Patch\n*** Add File: a\n*** End Patch"], None, str(tmp_path), stdout=full)
        assert run_standalone(["x"], None, str(tmp_path), stderr=full) == 1
        assert run_standalone([], None, str(tmp_path), stderr=full) == 2
    assert code == 1
    assert files(tmp_path) == {"a": b""}


def test_a_standard_input_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    err = BytesIO()
    with open(os.open("/proc/self/mem", os.O_RDONLY), "rb") as unreadable:
        assert run_standalone([], unreadable, str(tmp_path), stderr=err) == 1
    assert err.getvalue() == b"Error: Failed to read PATCH from stdin.\nI/O error (os error 5)\n"
