"""`codex demo`, as it is typed: real commands in the real sandbox, a real patch, a real sub-agent, real tests."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "codex/cli/demo_project"


COMMAND = (sys.executable, "-m", "codex.cli.main", "demo")


def surroundings(home: Path) -> dict[str, str]:
    environ = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(home), "TMPDIR": str(home)}
    for name in ("CODEX_HOME", "OPENAI_API_KEY", "CODEX_API_KEY"):
        environ.pop(name, None)
    return environ


def demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=surroundings(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def planted(at: Path, file: str, old: str, new: str) -> str:
    """A copy of the sample with another bug in it."""
    shutil.copytree(SAMPLE, at, ignore=shutil.ignore_patterns("__pycache__"))
    path = at / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return str(at)


def test_the_demo_shows_an_agent_that_repairs_the_project(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for shown in (
        "Its tests: 1 of 6 fail.",
        "  → Read the project and run its tests\n",
        "AssertionError: 11700 != 10700 : rate 'reduced'",
        "agent  starts an agent\n  Scout: find where the rate reduced is set",
        "agent 1 is completed: invoice/rates.py:5 says 17 for reduced, docs/rates.md:8 says 7.",
        '-    "reduced": 17,\n  +    "reduced": 7,\n',
        "  ✓ Run the tests again\n",
        "All 6 tests pass now.",
        "The tests, run once more by the demo itself: 6 tests pass.",
    ):
        assert shown in done.stdout
    assert re.search(r"^tokens used: [\d,]+ \(input", done.stdout, re.MULTILINE)
    assert os.listdir(tmp_path) == []


def test_another_wrong_rate_is_found_by_what_the_tools_say(tmp_path: Path) -> None:
    source = planted(tmp_path / "source", "invoice/rates.py", '"reduced": 17', '"reduced": 7')
    rates = tmp_path / "source/invoice/rates.py"
    rates.write_text("# one line more\n" + rates.read_text().replace('"standard": 19', '"standard": 91'))
    done = demo(tmp_path, "--project", source)
    assert done.returncode == 0
    assert '-    "standard": 91,\n  +    "standard": 19,\n' in done.stdout
    assert "The rate was wrong in `invoice/rates.py:5`: it said 91" in done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("invoice/money.py", "+ 50", "+ 49"),
        ("invoice/total.py", "return sum(", "return 1 + sum("),
        ("invoice/money.py", "{cents // 100:,}", "{cents // 100}"),
    ],
)
def test_a_bug_that_the_script_cannot_repair_fails_the_demo(tmp_path: Path, file: str, old: str, new: str) -> None:
    done = demo(tmp_path, "--project", planted(tmp_path / "source", file, old, new))
    assert done.returncode == 1
    assert "Error: the demo failed: " in done.stderr
    assert "FAILED (failures=" in done.stderr
    assert "The project as the agent left it: " in done.stderr


def test_the_events_alone_are_on_stdout_with_json(tmp_path: Path) -> None:
    done = demo(tmp_path, "--json")
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines[:2]] == ["thread.started", "turn.started"]
    assert lines[-1]["type"] == "turn.completed"
    kinds = {line["item"]["type"] for line in lines if "item" in line}
    assert kinds == {"agent_message", "todo_list", "command_execution", "collab_tool_call", "file_change"}
    assert "6 tests pass" in done.stderr


def test_what_is_kept_is_where_it_says(tmp_path: Path) -> None:
    done = demo(tmp_path, "--dir", "kept")
    assert done.returncode == 0
    assert '"reduced": 7' in (tmp_path / "kept/invoice/invoice/rates.py").read_text()
    [rollout] = re.findall(r"rollout in (\S+)", done.stdout)
    assert json.loads(Path(rollout).read_text().splitlines()[0])["type"] == "session_meta"
    assert not (tmp_path / ".codex").exists()
    again = demo(tmp_path, "--dir", "kept")
    assert (again.returncode, "is not empty; name a new directory" in again.stderr) == (1, True)


@pytest.mark.parametrize("shown", [b"A small project is in", b"Read the project and run its tests"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_of_it_is_left(tmp_path: Path, shown: bytes, number: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, env=surroundings(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while shown not in (line := process.stdout.readline()):
            assert line
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(timeout=60) == (1 if number == signal.SIGINT else -signal.SIGTERM)
    assert os.listdir(tmp_path) == []
