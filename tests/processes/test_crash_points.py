"""A sample of the crash points; the command of the same name runs more."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.processes.crash_points", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_nothing_acknowledged_is_lost_at_a_sample_of_crash_points() -> None:
    done = run("--seed", "20261122", "--steps", "36")
    assert (done.returncode, "0 lost completed items, 0 unreadable threads" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize("plant", ["lose", "tear"])
def test_a_disk_that_lies_is_found_out(plant: str) -> None:
    done = run("--seed", "1", "--steps", "12", "--plant", plant)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
