"""Ctrl-C, SIGTERM and SIGKILL for the real `codex exec`, at every stage of its life: nothing is left, in good time."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from codex.protocol.permission import SANDBOX_MODES
from tests.behaviour.typed_codex import DEADLINE, Place, make_place

if sys.platform != "linux":
    pytest.skip("reads /proc", allow_module_level=True)

# What is promised, in seconds, for 95 of 100 rounds on a quiet machine; a busy one gets more.
TREE_WITHIN, GONE_WITHIN, SLACK = 0.1, 0.3, 4
ROUNDS = 20
SIGNALS = [signal.SIGINT, signal.SIGTERM]
STAGES = ["silent", "read-only", "workspace-write", "danger-full-access", "terminal", "background", "agent"]
SLEEPERS = 3
TREE = (
    "sleep {0} & (setsid sh -c 'trap \"\" INT TERM HUP; (setsid sleep {0} &)' &); "
    "sh -c 'trap \"\" INT TERM; sleep {0}; :'"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@attrs.frozen
class End:
    """How a run ended: seconds from the signal until the tree and the program were gone, and what it printed."""

    tree: float
    program: float
    code: int
    events: list[dict[str, Any]]


def script(mark: str) -> dict[str, Any]:
    call = {"type": "function_call", "name": "exec_command"}
    arguments = {"cmd": TREE.format(mark), "login": False, "yield_time_ms": 30_000}
    tree = {**call, "call_id": "c", "arguments": arguments}
    terminal = {**tree, "arguments": {**arguments, "tty": True}}
    background = {**tree, "arguments": {**arguments, "yield_time_ms": 250}}
    spawn = {**call, "name": "spawn_agent", "call_id": "s", "arguments": {"message": "go [[script:tree]]"}}
    wait = {**call, "name": "wait_agent", "call_id": "w", "arguments": {"targets": ['${re:"agent_id":"([^"]+)"}']}}
    silent = {"items": [{"type": "text", "text": "too late"}], "delay_before": 600}
    start = {"type": "text", "text": "I start."}
    scripts = {
        "tree": [[start, tree]],
        "terminal": [[start, terminal]],
        "background": [[start, background], silent],
        "agent": [[spawn], [wait]],
        "silent": [silent],
    }
    return {"scripts": scripts, "default": "tree"}


def start_of(stage: str) -> tuple[list[str], str]:
    """The options and the prompt that lead to a stage."""
    if stage in SANDBOX_MODES:
        return ["-s", stage], "go"
    return ["-s", "workspace-write"], f"[[script:{stage}]]"


def run_to(
    place: Place,
    stage: str,
    numbers: Sequence[signal.Signals],
    send: Callable[[int, signal.Signals], None] = os.kill,
) -> End:
    """Start a run, send it the signals when it has reached the stage, and see its end."""
    mark = f"{random.randrange(10**6, 10**7)}.5"
    place.play(script(mark))
    options, prompt = start_of(stage)
    with place.start("exec", "--json", *options, prompt) as process:
        assert process.stdout is not None
        lines: list[bytes] = []
        while not lines or b"turn.started" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], (place.path / "stderr").read_text()
        tree = [] if stage == "silent" else wait_sleepers(place, mark, process)
        for number in numbers:
            send(process.pid, number)
        gone, program = wait_gone(process, tree)
        lines += process.stdout.readlines()
    assert "Traceback" not in (place.path / "stderr").read_text()
    assert processes_of(place) == []
    return End(gone, program, process.returncode, [json.loads(line) for line in lines])


def wait_sleepers(place: Place, mark: str, process: "subprocess.Popen[bytes]") -> list[int]:
    """The processes of the tree, once all of them run."""
    deadline = time.monotonic() + DEADLINE
    while len(found := processes_with(f"sleep\0{mark}\0".encode())) < SLEEPERS:
        assert process.poll() is None
        assert time.monotonic() < deadline, (len(found), processes_of(place), outputs_of(place))
    return found


def outputs_of(place: Place) -> list[str]:
    """What tools have answered, for whoever reads why a test failed."""
    lines = [line for path in place.codex_home.rglob("*.jsonl") for line in path.read_text().splitlines()]
    return [line for line in lines if "function_call_output" in line]


def wait_gone(process: "subprocess.Popen[bytes]", tree: Sequence[int]) -> tuple[float, float]:
    """Seconds until the last process of the tree was gone, and until the program was."""
    started, tree_gone, program_gone = time.monotonic(), 0.0, 0.0
    descriptors = {os.pidfd_open(process.pid): True}
    for pid in tree:
        try:
            descriptors[os.pidfd_open(pid)] = False
        except ProcessLookupError:
            tree_gone = time.monotonic() - started
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    while descriptors:
        found = poll.poll(DEADLINE * 1000)
        now = time.monotonic() - started
        for descriptor, _ in found:
            if descriptors.pop(descriptor):
                program_gone = now
            else:
                tree_gone = now
            poll.unregister(descriptor)
            os.close(descriptor)
        assert found, f"{len(descriptors)} processes are left"
    process.wait()
    return tree_gone, program_gone


def processes_with(command: bytes) -> list[int]:
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and read_proc(pid, "cmdline") == command]


def processes_of(place: Place) -> list[str]:
    """The command lines of all processes that were started from the place: they have its HOME."""
    home = f"HOME={place.home}\0".encode()
    found = [pid for pid in os.listdir("/proc") if pid.isdigit() and home in read_proc(pid, "environ")]
    return [read_proc(pid, "cmdline").decode(errors="replace") for pid in found]


def read_proc(pid: str, name: str) -> bytes:
    try:
        return Path("/proc", pid, name).read_bytes()
    except OSError:
        return b""


def expected_code(number: signal.Signals) -> int:
    return 1 if number == signal.SIGINT else -number


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_the_turn_and_everything_it_started(place: Place, number: signal.Signals, stage: str) -> None:
    end = run_to(place, stage, [number])
    assert end.code == expected_code(number)
    last = end.events[-1]
    assert (last["type"], last["error"]) == ("turn.failed", {"message": "the turn was interrupted"})
    assert (last["usage"]["output_tokens"] > 0) == (stage != "silent")
    assert end.tree < TREE_WITHIN * SLACK
    assert end.program < GONE_WITHIN * SLACK


def test_nineteen_of_twenty_ends_are_in_time(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    ends = [
        run_to(place, STAGES[1 + number % 3], [SIGNALS[number % 2]]) for number in range(ROUNDS)
    ]  # fmt: skip
    late = ROUNDS * 95 // 100 - 1
    trees, programs = (sorted(getattr(end, name) for end in ends) for name in ("tree", "program"))
    with capsys.disabled():
        told = [f"median {times[ROUNDS // 2] * 1000:.0f}, p95 {times[late] * 1000:.0f}" for times in (trees, programs)]
        print(f"\n{ROUNDS} interrupted commands, ms until gone: process tree {told[0]}; program {told[1]}")
    assert trees[late] < TREE_WITHIN * SLACK
    assert programs[late] < GONE_WITHIN * SLACK


@pytest.mark.parametrize("stage", STAGES)
def test_the_ctrl_c_of_a_terminal_which_reaches_the_helper_too_ends_the_turn(place: Place, stage: str) -> None:
    end = run_to(place, stage, [signal.SIGINT], os.killpg)
    assert end.code == 1
    assert end.events[-1]["error"] == {"message": "the turn was interrupted"}
    assert end.program < GONE_WITHIN * SLACK


def test_a_second_signal_ends_it_at_once(place: Place) -> None:
    end = run_to(place, "workspace-write", [signal.SIGINT, signal.SIGINT])
    assert end.code == 1
    assert end.program < GONE_WITHIN * SLACK
    assert all(isinstance(event["type"], str) for event in end.events)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_program_leaves_nothing_running(place: Place, stage: str, number: signal.Signals) -> None:
    mark = f"{random.randrange(10**6, 10**7)}.5"
    place.play(script(mark))
    options, prompt = start_of(stage)
    with place.start("exec", "--json", *options, prompt) as process:
        assert process.stdout is not None
        while b"turn.started" not in (line := process.stdout.readline()):
            assert line
        tree = [] if stage == "silent" else wait_sleepers(place, mark, process)
        process.send_signal(number)
        tree_gone, _ = wait_gone(process, tree)
    assert tree_gone < 2
    wait_nothing_left(place)


def wait_nothing_left(place: Place) -> None:
    """The helper sees our end a moment after it."""
    deadline = time.monotonic() + 5
    while left := processes_of(place):
        assert time.monotonic() < deadline, left


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_at_any_moment_of_the_start_leaves_nothing_and_no_traceback(
    place: Place, number: signal.Signals
) -> None:
    place.play(script("1"))
    codes: set[int] = set()
    for moment in range(12):
        with place.start("exec", "--json", "[[script:silent]]") as process:
            # Random within its twelfth of the time, so that no moment is left out for ever.
            select.select([], [], [], (moment + random.random()) * 0.035)
            process.send_signal(number)
            codes.add(process.wait(DEADLINE))
            assert process.stdout is not None
            lines = [json.loads(line) for line in process.stdout.readlines()]
        stderr = (place.path / "stderr").read_text()
        assert "codex/" not in stderr, stderr
        wait_nothing_left(place)
        types = [line["type"] for line in lines]
        assert ("turn.started" in types) == (types[-1:] == ["turn.failed"]), types
    # Before our first line runs, Python itself ends by the signal.
    assert codes <= ({1, 130, -signal.SIGINT} if number == signal.SIGINT else {-signal.SIGTERM})
