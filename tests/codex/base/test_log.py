"""The log file: what is in it, what is not, and what happens when it cannot be written."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codex.base.errors import UserError
from codex.base.log import FILE_NAME, Log, is_level_spec, open_log


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_nothing_is_opened_before_the_first_record_of_a_level_that_is_on(tmp_path: Path) -> None:
    with open_log(str(tmp_path / "home"), environ={}) as log:
        log.info("model", "not told")
        assert list(tmp_path.iterdir()) == []
        log.warning("model", "told")
    path = tmp_path / "home" / "log" / FILE_NAME
    (line,) = lines(path)
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z WARNING {os.getpid()} model: told", line)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_room_may_have_a_level_of_its_own(tmp_path: Path) -> None:
    with open_log("/none", log_dir=str(tmp_path), level="error,model=debug,turn=off", environ={}) as log:
        log.debug("model", "a")
        log.warning("session", "b")
        log.error("session", "c")
        log.error("turn", "d")
    assert [line.rsplit(" ", 1)[1] for line in lines(tmp_path / FILE_NAME)] == ["a", "c"]


@pytest.mark.parametrize("level", ["loud", "info,=debug", "model=loud", "", "info,"])
def test_a_level_that_is_none_is_refused(level: str) -> None:
    assert not is_level_spec(level)
    with pytest.raises(UserError, match="expected one of off, error, warning, info, debug"):
        open_log("/none", level=level, environ={})


def test_secrets_are_not_written(tmp_path: Path) -> None:
    with open_log("/none", log_dir=str(tmp_path), environ={"MY_API_KEY": "wonderful secret"}) as log:
        try:
            raise ValueError("with wonderful secret and sk-abcdefghijklmnop")
        except ValueError as err:
            log.error("model", "it has a wonderful secret", error=err)
    text = (tmp_path / FILE_NAME).read_text()
    assert "wonderful" not in text
    assert "sk-abc" not in text
    assert "ValueError" in text


def test_a_message_cannot_forge_a_record(tmp_path: Path) -> None:
    with open_log("/none", log_dir=str(tmp_path), environ={}) as log:
        log.error("model", "one\r\n2026-01-01T00:00:00.000Z ERROR 1 model: two \ud800")
    first, second = lines(tmp_path / FILE_NAME)
    assert first.endswith("model: one\\r")
    assert second.startswith("    2026")
    assert second.endswith("\\ud800")


def test_a_long_message_loses_its_middle(tmp_path: Path) -> None:
    with open_log("/none", log_dir=str(tmp_path), environ={}) as log:
        log.error("model", "a" * 10_000 + "b" * 10_000)
    (line,) = lines(tmp_path / FILE_NAME)
    assert "aaa … 3616 characters left out … bbb" in line


def test_the_files_are_bounded_and_the_newest_records_are_kept(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with Log(str(path), "info", environ={}, max_file_bytes=2000) as log:
        for number in range(200):
            log.info("model", f"record {number}")
    kept = [*lines(tmp_path / f"{FILE_NAME}.1"), *lines(path)]
    assert sorted(os.listdir(tmp_path)) == [FILE_NAME, f"{FILE_NAME}.1"]
    assert all(size < 2200 for size in (path.stat().st_size, (tmp_path / f"{FILE_NAME}.1").stat().st_size))
    assert [int(line.rsplit(" ", 1)[1]) for line in kept] == list(range(200 - len(kept), 200))


def test_two_writers_rotate_one_file_once(tmp_path: Path) -> None:
    path, older = tmp_path / FILE_NAME, tmp_path / f"{FILE_NAME}.1"
    with (
        Log(str(path), "info", environ={}, max_file_bytes=2000) as one,
        Log(str(path), "info", environ={}, max_file_bytes=2000) as two,
    ):
        two.info("b", "first")
        while not older.exists():
            one.info("a", "x" * 30)
        two.info("b", "last")
    assert " b: first\n" in older.read_text()
    assert [line.split(" ", 3)[3] for line in lines(path)] == ["a: " + "x" * 30, "b: last"]


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.touch(mode=0o644)
    with open_log("/none", log_dir=str(tmp_path), environ={}) as log:
        log.error("model", "x")
    assert path.stat().st_mode & 0o777 == 0o600


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    with open_log("/none", log_dir=str(tmp_path), environ={}) as log:
        threads = [
            threading.Thread(target=lambda n=n: [log.error("t", f"{n}" * 100) for _ in range(50)]) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [line.rsplit(" ", 1)[1] for line in lines(tmp_path / FILE_NAME)]
    assert sorted(found) == sorted(f"{n}" * 100 for n in range(4) for _ in range(50))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_loses_records_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log("/dev/full", "info", environ={})
    # /dev/full refuses the change of its mode to nobody but the root user; either way nothing is raised.
    log.info("model", "lost")
    log.info("model", "lost too")
    assert log.lost == 2
    log.path = str(path)
    log.info("model", "found")
    log.close()
    assert lines(path)[0].endswith("model: (2 records lost before) found")
    assert log.lost == 0


def test_what_stands_in_the_files_place_is_not_written_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch()
    path = tmp_path / FILE_NAME
    log = Log(str(path), "info", environ={})
    path.symlink_to(target)
    log.info("model", "x")
    path.unlink()
    os.mkfifo(path)
    log.info("model", "x")
    path.unlink()
    path.mkdir()
    log.info("model", "x")
    assert (log.lost, target.read_text()) == (3, "")


def test_libraries_that_use_logging_are_written_and_not_printed(tmp_path: Path) -> None:
    program = f"""
import logging, sys
from codex.base.log import open_log, take_logging
assert "logging.handlers" not in sys.modules
log = open_log("/none", log_dir={str(tmp_path)!r}, environ={{}})
take_logging(log)
logging.getLogger("openai._base").warning("a %s", "b")
logging.getLogger("openai").info("not on")
logging.getLogger("x").error("broken %d", "c")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    first, second = lines(tmp_path / FILE_NAME)
    assert first.endswith("openai: a b")
    assert second.endswith("x: 'broken %d' (its arguments do not fit)")


def test_opening_a_log_imports_nothing_heavy() -> None:
    program = (
        "import sys; from codex.base.log import open_log; open_log('/none', environ={}).info('a', 'b');"
        "print([n for n in ('logging', 'traceback', 'tomllib', 'codex.base.redact') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
