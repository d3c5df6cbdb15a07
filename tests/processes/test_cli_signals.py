"""Ctrl-C and SIGTERM on a real process that follows a turn; the thread is a fake one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHILD = """
import sys, time
from functools import partial
from codex.cli.signals import StopSignals
patient = 20.0 if "patient" in sys.argv else 0.25
stop = StopSignals(hard_limit=patient + 0.03)
if "starting" in sys.argv:
    print("ready", flush=True)
    time.sleep(20)
import trio
from codex.cli.follow import follow_turn
from codex.cli.streams import Out
from codex.cli.views import JsonView
from tests.codex.cli.test_follow import ABORTED, STARTED, TURN, FakeThread
from codex.protocol.event import ItemCompleted
from codex.protocol.item import AgentMessage

class MayHang(JsonView):
    def show(self, msg):
        super().show(msg)
        if msg is STARTED and "stuck" in sys.argv:
            time.sleep(20)

many = [ItemCompleted("t", AgentMessage("m", "x" * 1000))] * 900 if "much" in sys.argv else []
thread = FakeThread([STARTED, *many], [] if "deaf" in sys.argv else [ABORTED])
follow = partial(follow_turn, abort_wait=patient)
outcome = trio.run(follow, thread, TURN, MayHang(Out(1)), stop)
stop.finish()
sys.exit(0 if outcome.ok else 1)
"""


@contextmanager
def child(*modes: str) -> Iterator[subprocess.Popen[bytes]]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, *modes]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[bytes], text: bytes) -> None:
    assert process.stdout is not None
    while text not in (line := process.stdout.readline()):
        assert line, process.communicate()[1].decode()


def ended(process: subprocess.Popen[bytes], *, within: float) -> tuple[int, list[str]]:
    """The exit code, and the types of the lines that still came."""
    started = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - started < within, err.decode()
    assert err == b""
    return process.returncode, [json.loads(line)["type"] for line in out.splitlines()]


def test_ctrl_c_ends_with_turn_failed_and_exit_code_1() -> None:
    with child() as process:
        until(process, b"turn.started")
        process.send_signal(signal.SIGINT)
        assert ended(process, within=9) == (1, ["turn.failed"])


def test_sigterm_ends_with_turn_failed_and_by_the_signal() -> None:
    with child() as process:
        until(process, b"turn.started")
        process.send_signal(signal.SIGTERM)
        assert ended(process, within=9) == (-signal.SIGTERM, ["turn.failed"])


@pytest.mark.parametrize("mode", ["deaf", "stuck"])
def test_whatever_hangs_the_end_comes_in_time_and_is_told(mode: str) -> None:
    with child(mode) as process:
        until(process, b"turn.started")
        process.send_signal(signal.SIGINT)
        assert ended(process, within=9) == (1, ["turn.failed"])


def test_a_second_signal_ends_at_once() -> None:
    with child("deaf", "patient") as process:
        until(process, b"turn.started")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        code, lines = ended(process, within=9)
        assert code == 1
        assert lines in ([], ["turn.failed"])  # nothing is written into a line that may be half out


def test_ctrl_c_before_the_turn_ends_quietly() -> None:
    with child("starting") as process:
        until(process, b"ready")
        process.send_signal(signal.SIGINT)
        assert ended(process, within=9) == (1, [])


def test_a_reader_that_does_not_read_does_not_hold_up_the_end() -> None:
    with child("much") as process:
        until(process, b"turn.started")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1
