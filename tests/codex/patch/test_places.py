"""A patch writes where it was decided that it may, whatever is put in its way meanwhile."""

import os
import sys
import threading
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from codex.patch import Applied, apply_verified, place_of, verify
from codex.patch.places import UnsteadyPath

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can hold a directory")

ADD = "*** Add File: d/new\n+hello\n"
UPDATE = "*** Update File: d/old\n@@\n-one\n+two\n"
DELETE = "*** Delete File: d/old\n"
MOVE = "*** Update File: d/old\n*** Move to: e/old\n@@\n-one\n+two\n"


@pytest.fixture(name="work")
def _work(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    for directory in (work / "d", work / "e", tmp_path / "outside"):
        directory.mkdir(parents=True)
    for file in (work / "d/old", tmp_path / "outside/old"):
        file.write_text("one\n")
    return work


def apply_after(section: str, work: Path, swap: "list[tuple[str, str]]") -> Applied:
    """Decide; then links take the place of what is there; then write."""
    verified = verify(f"*** Begin Patch\n{section}*** End Patch", str(work))
    places = {path: place_of(path) for path in verified.paths}
    for name, target in swap:
        (work / name).rename(work / f"{name}-away")
        (work / name).symlink_to(work / target)
    return apply_verified(verified, places)


def outside_of(work: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (work.parent / "outside").iterdir()}


@pytest.mark.parametrize("section", [ADD, UPDATE, DELETE, MOVE])
def test_a_directory_that_became_a_link_is_not_entered(work: Path, section: str) -> None:
    applied = apply_after(section, work, [("d", "../outside")])
    assert (applied.exit_code, applied.touched, outside_of(work)) == (1, (), {"old": "one\n"})


def test_a_file_that_became_a_link_is_neither_read_nor_written(work: Path) -> None:
    applied = apply_after(UPDATE, work, [("d/old", "../outside/old")])
    assert (applied.exit_code, applied.touched, outside_of(work)) == (1, (), {"old": "one\n"})


def test_a_link_in_the_place_of_a_new_file_is_not_written_through(work: Path) -> None:
    (work / "d/new").write_text("")
    applied = apply_after(ADD, work, [("d/new", "../outside/other")])
    assert (applied.exit_code, outside_of(work)) == (1, {"old": "one\n"})


def test_links_that_were_there_before_are_followed_as_ever(work: Path) -> None:
    (work / "link").symlink_to("d/old")
    (work / "way").symlink_to("d")
    for section in ("*** Update File: link\n@@\n-one\n+two\n", "*** Add File: way/deep/er/new\n+x\n"):
        assert apply_after(section, work, []).exit_code == 0
    assert (work / "d/old").read_text() == "two\n"
    assert (work / "d/deep/er/new").read_text() == "x\n"
    assert apply_after("*** Delete File: link\n", work, []).exit_code == 0
    assert not (work / "link").is_symlink()
    assert (work / "d/old").exists()


def test_no_swap_in_a_race_ever_reaches_outside(work: Path) -> None:
    """Somebody puts a link in the directory's place and takes it away as fast as it goes, while patches are written."""
    done = threading.Event()

    def swap() -> None:
        for number in count():
            if done.is_set():
                return
            steps = (
                partial(os.rename, work / "d", work / f"away{number}"),
                partial(os.symlink, work.parent / "outside", work / "d"),
                partial(os.unlink, work / "d"),
                partial(os.rename, work / f"away{number}", work / "d"),
            )
            for step in steps:
                with suppress(OSError):  # a patch may have made the directory anew
                    step()

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for number in range(300):
            verified = verify(f"*** Begin Patch\n*** Add File: d/new{number}\n+x\n*** End Patch", str(work))
            try:
                places = {path: place_of(path) for path in verified.paths}
            except UnsteadyPath:
                continue
            if all(place.real.startswith(f"{work}/") for place in places.values()):
                apply_verified(verified, places)
    finally:
        done.set()
        swapper.join()
    assert outside_of(work) == {"old": "one\n"}
