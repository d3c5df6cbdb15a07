"""`codex features` as a user types it."""

from pathlib import Path

import pytest

from tests.codex.cli.typed import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine.at(tmp_path)


def test_a_feature_is_switched_in_the_file_and_shown(machine: Machine) -> None:
    done = machine.codex("features", "enable", "goals")
    assert (done.returncode, done.stdout) == (0, "Enabled feature `goals` in config.toml.\n")
    assert (machine.home / "config.toml").read_text() == "[features]\ngoals = true\n"
    machine.codex("features", "disable", "goals")
    listed = machine.codex("features", "list").stdout.splitlines()
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in listed}
    assert rows["goals"] == "stable false no effect here"
    assert rows["hooks"] == "stable true"
    assert machine.codex("--enable", "goals", "features", "list").stdout.count("goals") == 1
    assert [line.split()[0] for line in listed] == sorted(rows)


def test_a_feature_with_settings_keeps_them(machine: Machine) -> None:
    (machine.home / "config.toml").write_text("[features.multi_agent_v2]\nenabled = true\nx = 1\n")
    machine.codex("features", "disable", "multi_agent_v2")
    assert (machine.home / "config.toml").read_text() == "[features.multi_agent_v2]\nenabled = false\nx = 1\n"


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["enable", "hoks"], 1, "Error: there is no feature 'hoks', did you mean 'hooks'?"),
        (["enable"], 2, "'features enable' is none of: list, enable FEATURE, disable FEATURE"),
        (["lst"], 2, "'features lst' is none of"),
    ],
)
def test_a_mistake_is_answered_with_the_way_out(
    machine: Machine, arguments: list[str], code: int, problem: str
) -> None:
    done = machine.codex("features", *arguments)
    assert (done.returncode, problem in done.stderr) == (code, True)
