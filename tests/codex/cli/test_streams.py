"""Standard streams, and the file of the last message."""

import io
import os
import stat
import threading
from pathlib import Path

import pytest

from codex.cli.streams import Out, Screen, write_file_whole


def test_a_write_is_whole_even_into_a_pipe_that_does_not_block() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = os.urandom(1 << 20)
    got = bytearray()

    def read() -> None:
        while piece := os.read(reading, 1 << 12):
            got.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    Out(writing).write(data)
    os.close(writing)
    reader.join()
    os.close(reading)
    assert bytes(got) == data


def test_a_reader_that_has_gone_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        Out(writing).write(b"x")
    os.close(writing)


def test_a_screen_without_a_reader_drops_its_text() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    Screen(Out(writing)).add("text")
    os.close(writing)


def test_the_status_line_gives_way_to_text() -> None:
    ours, theirs = os.openpty()
    screen = Screen(Out(theirs))
    screen.status("waiting (1 s)")
    screen.status("waiting (1 s)")
    screen.add("done\n")
    screen.status("")
    shown = b"\x1b[2mwaiting (1 s)\x1b[0m\r\x1b[2Kdone\r\n"
    with open(ours, "rb", buffering=0, closefd=False) as terminal:
        # A terminal hands over what has arrived, which may be a part.
        assert io.BufferedReader(terminal).read(len(shown)) == shown
    os.close(ours)
    os.close(theirs)


def test_there_is_no_status_line_in_a_file(tmp_path: Path) -> None:
    with open(tmp_path / "log", "wb") as file:
        screen = Screen(Out(file.fileno()))
        screen.status("waiting")
        screen.add("done\n")
    assert (tmp_path / "log").read_bytes() == b"done\n"


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "last.txt"
    path.write_text("old")
    path.chmod(0o640)
    write_file_whole(str(path), "new\ud800")
    assert path.read_bytes() == b"new?"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["last.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_file_whole(str(tmp_path / "link"), "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "text"


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_file_whole(str(tmp_path / "missing" / "last.txt"), "x")
    assert os.listdir(tmp_path) == []


def test_a_device_is_written_as_it_is() -> None:
    write_file_whole(os.devnull, "x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
