"""`codex agents` over a home in which a tree of agents was left at work."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import Json, JsonObject
from codex.rollout import open_writer_lock
from codex.testing import call, open_test_codex, text

NOBODY = "01a20397-7746-7700-b5c0-cc72e59862fd"


def codex_agents(home: Path, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home)}
    command = [sys.executable, "-m", "codex.cli.main", "agents", *arguments]
    return subprocess.run(command, cwd=cwd or home, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
async def left(tmp_path: Path) -> tuple[Path, list[str]]:
    """A home, with the ids of a root, an agent that has answered and one that was stopped at work."""
    home, repo = tmp_path / "home", tmp_path / "repo"
    spawn = call("spawn_agent", "c1", task_name="scout", message="go [[script:scout]]", model="gpt-5.4")
    root: list[Json] = [
        [spawn, call("wait_agent", "c2", timeout_ms=600_000)],
        [call("spawn_agent", "c3", task_name="worker", message="go [[script:slow]]")],
        [call("send_message", "c4", target="scout", message="well done")],
        [text("I have begun")],
    ]
    slow: list[Json] = [[{"type": "sleep", "seconds": 100_000}, text("never")]]
    scout: list[Json] = [[call("exec_command", "e1", cmd="true")], [text("42")]]
    script: JsonObject = {"scripts": {"root": root, "scout": scout, "slow": slow}, "default": "root"}
    async with open_test_codex(
        script, home=home, cwd=repo, features={"multi_agent_v2": True, "background_wake": False}
    ) as codex:
        with trio.fail_after(60):
            await codex.thread.ask("delegate")
            worker = [*codex.thread.agents][1].agent_id
            async with codex.codex.threads[-1].open_events():  # it has begun its turn
                while not any("slow" in json.dumps(request.body["input"]) for request in codex.requests):
                    await trio.lowlevel.checkpoint()
        ids = [codex.thread.thread_id, *(info.agent_id for info in codex.thread.agents)]
        assert ids[2] == worker
    drop(home, ids[1], b"well done")  # as if the program had been killed before the agent's rollout had it
    return home, ids


def drop(home: Path, thread_id: str, marked: bytes) -> None:
    """Take the lines with this text out of a thread's rollout."""
    path = next(path for path in (home / "sessions").rglob("*.jsonl") if thread_id in path.name)
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if marked not in line]
    assert len(kept) < len(lines)
    path.write_bytes(b"".join(kept))


async def test_a_tree_is_shown_with_states_models_tokens_letters_and_what_was_done_last(
    left: tuple[Path, list[str]],
) -> None:
    home, ids = left
    done = codex_agents(home, ids[0])
    assert (done.returncode, done.stderr) == (0, "")
    head, root, scout, worker = (" ".join(line.split()) for line in done.stdout.splitlines())
    assert head.startswith(f"session {ids[0]}: 2 agents, ")
    assert root.startswith("/root completed gpt-5.5 ")
    assert root.endswith(" I have begun")
    assert scout.startswith("scout completed gpt-5.4 ")
    assert " 1 turn " in scout
    assert scout.endswith(" 1 unread 42")
    assert worker.startswith("worker interrupted gpt-5.5 0 tokens 1 turn ")


async def test_json_has_the_same_facts_and_an_agent_s_id_shows_its_tree(left: tuple[Path, list[str]]) -> None:
    home, ids = left
    by_root = json.loads(codex_agents(home, ids[0], "--json").stdout)
    by_agent = json.loads(codex_agents(home, ids[2], "--json").stdout)
    by_directory = json.loads(codex_agents(home, "--json", "-C", str(home.parent / "repo")).stdout)
    assert by_root == by_agent == by_directory == json.loads(codex_agents(home, "--all", "--json").stdout)
    (tree,) = by_root["trees"]
    agents: dict[str, Any] = {agent["path"]: agent for agent in tree["agents"]}
    assert tree["tokens"] == sum(agent["tokens"] for agent in tree["agents"]) > 0
    scout = agents["/root/scout"]
    assert {key: scout[key] for key in ("agent_id", "parent_id", "status", "message", "closed", "model")} == {
        "agent_id": ids[1],
        "parent_id": ids[0],
        "status": "completed",
        "message": "42",
        "closed": False,
        "model": "gpt-5.4",
    }
    counts = ("model_calls", "tool_calls", "turns", "restarts", "unread")
    assert [scout[key] for key in counts] == [2, 1, 1, 0, 1]


async def test_an_open_turn_runs_as_long_as_somebody_writes_the_thread(left: tuple[Path, list[str]]) -> None:
    home, ids = left
    drop(home, ids[2], b'"type":"turn_aborted"')

    def state() -> str:
        return str(json.loads(codex_agents(home, ids[0], "--json").stdout)["trees"][0]["agents"][2]["status"])

    assert state() == "interrupted"
    with open_writer_lock(str(home), ids[2]):
        assert state() == ("running" if os.path.exists("/proc/locks") else "interrupted")


async def test_what_is_not_there_is_told(left: tuple[Path, list[str]]) -> None:
    home, ids = left
    done = codex_agents(home, cwd=home)
    assert done.stdout == f"No session has agents in {home}; '--all' shows those of other directories.\n"
    assert json.loads(codex_agents(home, "--json", cwd=home).stdout) == {"trees": []}
    done = codex_agents(home, NOBODY)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"no rollout found for thread id {NOBODY}" in done.stderr
    done = codex_agents(home, "nobody")
    assert done.returncode == 1
    assert "no session is named 'nobody'" in done.stderr
    done = codex_agents(home, *ids)
    assert done.returncode == 2
    assert "expected one session, its id or its name; found 3 arguments" in done.stderr


def test_exec_says_which_agents_it_stops_with_its_turn(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    begun = call("exec_command", "c2", cmd="until [ -e begun ]; do sleep 0.01; done", yield_time_ms=30_000)
    spawn = call("spawn_agent", "c1", task_name="worker", message="go [[script:slow]]", fork_turns="none")
    slow: list[Json] = [[call("exec_command", "d1", cmd="touch begun; sleep 1000", yield_time_ms=30_000)]]
    script: JsonObject = {"scripts": {"root": [[spawn], [begun], [text("bye")]], "slow": slow}, "default": "root"}
    (tmp_path / "script.json").write_text(json.dumps(script))
    (home / "config.toml").write_text(
        'model = "any-name"\nmodel_provider = "s"\n[model_providers.s]\nname = "s"\nwire_api = "scripted"\n'
        f"script = {json.dumps(str(tmp_path / 'script.json'))}\n"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CODEX_HOME": str(home)}
    command = [sys.executable, "-m", "codex.cli.main", "exec", "--json", "--skip-git-repo-check"]
    command += ["--enable", "multi_agent_v2", "--dangerously-bypass-approvals-and-sandbox", "delegate"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "stopped with the turn, still at work: /root/worker; a resume has them again" in done.stderr
    root_id = json.loads(done.stdout.splitlines()[0])["thread_id"]
    (tree,) = json.loads(codex_agents(home, root_id, "--json").stdout)["trees"]
    assert [(agent["path"], agent["status"]) for agent in tree["agents"]] == [
        ("/root", "completed"),
        ("/root/worker", "interrupted"),
    ]


async def test_agents_have_a_cost_where_the_configuration_names_a_price(left: tuple[Path, list[str]]) -> None:
    home, ids = left
    (home / "config.toml").write_text('[model_prices."gpt-5.4"]\ninput = 1000.0\noutput = 1000.0\n')
    tree = json.loads(codex_agents(home, ids[0], "--json").stdout)["trees"][0]
    root, scout, _ = tree["agents"]
    assert (root["usd"], tree["usd"]) == (None, None)
    assert scout["usd"] == pytest.approx(scout["tokens"] / 1000)
    assert f"{scout['usd']:.4f} USD" in codex_agents(home, ids[0]).stdout
