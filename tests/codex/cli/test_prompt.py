"""Where a prompt comes from."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from codex.base.errors import UserError
from codex.cli.prompt import NoPrompt, read_prompt


@contextmanager
def stdin_of(data: bytes, *, open_end: bool = False) -> Iterator[int]:
    reading, writing = os.pipe()

    def write() -> None:
        os.write(writing, data[: 1 << 16])
        for start in range(1 << 16, len(data), 1 << 16):
            try:
                os.write(writing, data[start : start + (1 << 16)])
            except BrokenPipeError:
                break
        if not open_end:
            os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield reading
    finally:
        os.close(reading)
        writer.join()
        if open_end:
            os.close(writing)


def test_an_argument_alone_is_the_prompt_when_stdin_is_empty() -> None:
    with stdin_of(b" \n") as stdin:
        assert read_prompt("hi", stdin) == "hi"


def test_stdin_beside_an_argument_becomes_a_block() -> None:
    with stdin_of(b"line") as stdin:
        assert read_prompt("explain", stdin) == "explain\n\n<stdin>\nline\n</stdin>"
    with stdin_of(b"line\n") as stdin:
        assert read_prompt("explain", stdin) == "explain\n\n<stdin>\nline\n</stdin>"


@pytest.mark.parametrize("argument", [None, "-"])
def test_without_an_argument_stdin_is_the_prompt(argument: str | None) -> None:
    with stdin_of("\ufefftü\n".encode()) as stdin:
        assert read_prompt(argument, stdin) == "tü\n"


@pytest.mark.parametrize("argument", [None, "-"])
def test_an_empty_stdin_is_no_prompt(argument: str | None) -> None:
    with stdin_of(b"\n") as stdin, pytest.raises(NoPrompt, match="No prompt provided via stdin"):
        read_prompt(argument, stdin)


def test_utf16_with_its_mark_is_understood() -> None:
    with stdin_of("hé".encode("utf-16")) as stdin:
        assert read_prompt(None, stdin) == "hé"


def test_what_is_no_text_is_refused_with_the_place() -> None:
    with stdin_of(b"abc\xff") as stdin, pytest.raises(UserError, match="not UTF-8 text: byte 0xff at offset 3"):
        read_prompt(None, stdin)


@pytest.mark.parametrize("size", [(1 << 20) + 1, 2 << 20, 6 << 20])
def test_more_than_a_mebicharacter_is_refused(size: int) -> None:
    with stdin_of(b"x" * size) as stdin, pytest.raises(UserError, match=r"the limit is 1,048,576 \(1 MiB\)"):
        read_prompt(None, stdin)


def test_a_mebicharacter_of_long_characters_is_taken() -> None:
    with stdin_of(("ü" * (1 << 20)).encode()) as stdin:
        assert len(read_prompt(None, stdin)) == 1 << 20


def test_a_silent_open_stdin_is_given_up_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    with stdin_of(b"", open_end=True) as stdin:
        assert read_prompt("hi", stdin, patience=0.05) == "hi"
    assert "stayed open and silent; codex goes on without it" in capsys.readouterr().err


def test_what_came_before_the_silence_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with stdin_of(b"part", open_end=True) as stdin:
        assert read_prompt("hi", stdin, patience=0.05) == "hi\n\n<stdin>\npart\n</stdin>"
    assert "goes on with the 4 bytes that came" in capsys.readouterr().err


def test_dev_null_is_no_wait() -> None:
    with open(os.devnull, "rb") as null:
        assert read_prompt("hi", null.fileno(), patience=60) == "hi"
