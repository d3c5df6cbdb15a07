"""`codex hooks` as a user types it."""

from pathlib import Path

import pytest

from tests.codex.cli.typed import Machine

TABLE = '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "true"\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine.at(tmp_path)
    (machine.home / "config.toml").write_text(TABLE)
    return machine


def test_hooks_are_shown_and_trusted_as_they_are_now(machine: Machine) -> None:
    key = f"{machine.home}/config.toml:stop:0:0"
    listed = machine.codex("hooks", "list")
    assert listed.stdout == f"{key}\n    Stop: true\n    not trusted, 600 s\n"
    assert f"have not trusted them ('codex hooks trust'): {key}" in listed.stderr
    assert machine.codex("hooks", "trust").stdout == "Trusted Stop: true\n"
    assert machine.codex("hooks", "list").stdout == f"{key}\n    Stop: true\n    trusted, 600 s\n"
    path = machine.home / "config.toml"
    path.write_text(path.read_text().replace('"true"', '"false"'))
    assert "not trusted" in machine.codex("hooks", "list").stdout


def test_a_hook_that_is_not_there_is_told(machine: Machine) -> None:
    done = machine.codex("hooks", "trust", "no")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "Error: there is no hook 'no'; 'codex hooks list' names them",
    )
    assert machine.codex("hooks", "lst").returncode == 2
