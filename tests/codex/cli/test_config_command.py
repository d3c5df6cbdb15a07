"""`codex config` as a user types it."""

import json
from pathlib import Path

import pytest

from tests.codex.cli.typed import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine.at(tmp_path)
    (machine.home / "config.toml").write_text(f'# mine\n[projects."{machine.project}"]\ntrust_level = "trusted"\n')
    return machine


def test_a_value_that_was_set_is_got_and_taken_out_again(machine: Machine) -> None:
    before = (machine.home / "config.toml").read_text()
    done = machine.codex("config", "set", "model", "gpt-5.5")
    assert (done.returncode, done.stderr) == (0, f"Changed {machine.home}/config.toml\n")
    assert machine.codex("config", "get", "model").stdout == "gpt-5.5\n"
    assert machine.codex("config", "get", "model", "--json").stdout == '"gpt-5.5"\n'
    assert machine.codex("config", "unset", "model").returncode == 0
    assert (machine.home / "config.toml").read_text().replace("\n\n", "\n") == before
    missing = machine.codex("config", "get", "model")
    assert (missing.returncode, missing.stderr) == (1, "model: has no value\n")


def test_a_table_is_got_as_json(machine: Machine) -> None:
    assert json.loads(machine.codex("config", "get", "agents").stdout) == {
        "enabled": True,
        "interrupt_message": True,
        "max_concurrent_threads_per_session": 4,
        "max_depth": 1,
        "max_restarts": 3,
        "max_threads": 6,
        "placement": "here",
        "restart_period_seconds": 60,
        "stall_seconds": 1800,
        "worker_silence_seconds": 30,
    }


def test_the_file_of_a_profile_and_of_a_project_can_be_changed(machine: Machine) -> None:
    (machine.home / "p.config.toml").touch()
    assert machine.codex("config", "set", "-p", "p", "model", "a").returncode == 0
    assert (machine.home / "p.config.toml").read_text() == 'model = "a"\n'
    assert machine.codex("config", "set", "--project", "model", "b").returncode == 0
    assert (machine.project / ".codex" / "config.toml").read_text() == 'model = "b"\n'
    assert machine.codex("config", "get", "model").stdout == "b\n"
    refused = machine.codex("config", "set", "--project", "model_provider", "evil")
    assert (refused.returncode, refused.stderr) == (
        1,
        "Error: model_provider: a project may not set it; leave --project out\n",
    )


def test_a_value_that_a_higher_layer_decides_is_told(machine: Machine) -> None:
    machine.codex("config", "set", "--project", "model", "b")
    done = machine.codex("config", "set", "model", "mine")
    where = machine.project / ".codex" / "config.toml"
    assert done.stderr.splitlines()[1] == f'note: model = "b" is in force, from {where}:1 (project)'


def test_origins_are_shown_for_people_and_for_programs(machine: Machine) -> None:
    machine.codex("config", "set", "model", "mine")
    people = machine.codex("config", "show", "--origins", "-c", "model=typed").stdout
    mine = f"{machine.home}/config.toml:2"
    expected = f'model = "typed"\n    -c model=typed (override)\n    instead of "mine" from {mine} (user)\n'
    assert expected in people
    programs = json.loads(machine.codex("-c", "model=typed", "config", "show", "--origins", "--json").stdout)
    assert programs["model"] == {
        "value": "typed",
        "layer": "override",
        "where": "-c model=typed",
        "overridden": [{"layer": "user", "where": mine, "value": "mine"}],
        "ignored": False,
    }
    assert json.loads(machine.codex("config", "show", "--json").stdout)["model"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["shov"], 2, "unrecognized command 'config shov', did you mean 'show'?; there are: show, get, set, unset"),
        (["set", "model"], 2, "expected 'codex config set KEY VALUE'; got 1 arguments"),
        (["set", "modl", "x"], 1, "modl: unknown key, did you mean 'model'?; nothing was changed"),
        (["get", "a..b"], 1, "'a..b' is no key; write it as a.b.c"),
    ],
)
def test_a_mistake_is_answered_with_the_way_out(
    machine: Machine, arguments: list[str], code: int, problem: str
) -> None:
    done = machine.codex("config", *arguments)
    assert done.returncode == code
    assert problem in done.stderr


def test_trust_is_kept_for_the_root_of_the_project(machine: Machine) -> None:
    (machine.home / "config.toml").write_text("# mine\n")
    inner = machine.project / "a"
    inner.mkdir()
    done = machine.codex("exec", "--trust", "-C", str(inner), "-c", "model_provider=nobody", "hi")
    assert "unknown provider 'nobody'" in done.stderr
    machine.codex("exec", "--trust", "-C", str(inner), "-c", "model_provider=scripted", "hi")
    text = (machine.home / "config.toml").read_text()
    assert text == f'# mine\n\n[projects."{machine.project}"]\ntrust_level = "trusted"\n'
    machine.codex("config", "set", f'projects."{machine.project}".trust_level', "untrusted")
    refused = machine.codex("exec", "--trust", "-c", "model_provider=scripted", "hi")
    assert refused.stderr == (
        f"Error: --trust: {machine.project} is marked as untrusted; change that in {machine.home}/config.toml first\n"
    )
