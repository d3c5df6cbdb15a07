"""How errors end the program."""

import os
from pathlib import Path

import pytest

from codex.base.errors import CodexError, UserError
from codex.cli._arguments import UsageError
from codex.cli.failure import report


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("what?", "codex exec"), 2, "error: what?\n\nFor more information, try 'codex exec --help'.\n"),
        (UserError("config.toml:3: wrong"), 1, "Error: config.toml:3: wrong\n"),
        (CodexError("the disk is full"), 1, "Error: the disk is full\n"),
        (ExceptionGroup("", [ValueError("x"), ExceptionGroup("", [UserError("yours")])]), 1, "Error: yours\n"),
        (BaseExceptionGroup("", [KeyboardInterrupt()]), 130, ""),
        (ExceptionGroup("", [BrokenPipeError()]), 1, ""),
    ],
)  # fmt: skip
def test_what_the_user_can_mend_is_told_in_its_own_words(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error, environ={}) == code
    assert capsys.readouterr().err == said


def test_a_fault_of_ours_is_one_line_and_a_file_with_the_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError) as fault:
        raise ZeroDivisionError("by zero\nand more")
    assert report(fault.value, environ={"CODEX_HOME": str(tmp_path)}) == 1
    said = capsys.readouterr().err
    [name] = os.listdir(tmp_path / "log")
    path = tmp_path / "log" / name
    assert said == (
        f"Error: codex stopped by a fault of its own: ZeroDivisionError: by zero; the traceback is in {path}\n"
    )
    assert "Traceback (most recent call last)" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
