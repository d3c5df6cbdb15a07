"""The commands for stored sessions, as processes over one home."""

import json
import os
import pty
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

NOBODY = "01a20397-7746-7700-b5c0-cc72e59862fd"


@attrs.define
class Lab:
    """A home, two directories and a model that says what it was asked."""

    root: Path

    def run(self, *arguments: str, cwd: str = "repo", stdin: str = "") -> "subprocess.CompletedProcess[str]":
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.root), "CODEX_HOME": str(self.root / "home")}
        command = [sys.executable, "-m", "codex.cli.main", *arguments]
        where = self.root / cwd
        return subprocess.run(command, cwd=where, env=environ, input=stdin, capture_output=True, text=True, check=False)

    def exec(self, *arguments: str, cwd: str = "repo") -> str:
        """Run a turn (or none); the id of the thread."""
        done = self.run("exec", "--json", "--skip-git-repo-check", *arguments, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout.splitlines()[0])["thread_id"])

    def listed(self, *arguments: str) -> Any:
        done = self.run("sessions", "list", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def turns(self, thread_id: str) -> list[str]:
        done = self.run("sessions", "show", thread_id, "--json")
        assert done.returncode == 0, done.stderr
        return [turn["said"] for turn in json.loads(done.stdout)["turns"]]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    for name in ("home", "repo", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "script.json").write_text(json.dumps({"turns": [[{"type": "text", "text": "ok"}]], "loop": True}))
    (tmp_path / "home" / "config.toml").write_text(
        'model = "any-name"\nmodel_provider = "s"\n[model_providers.s]\nname = "s"\nwire_api = "scripted"\n'
        f"script = {json.dumps(str(tmp_path / 'script.json'))}\n"
    )
    return Lab(tmp_path)


def test_a_session_is_listed_named_gone_on_with_forked_reverted_and_shown(lab: Lab) -> None:
    first, other = lab.exec("one"), lab.exec("elsewhere", cwd="other")
    assert lab.run("sessions", "name", first, "mine").stdout == f"Session {first} is named 'mine'.\n"
    assert lab.exec("resume", "mine", "two") == first
    assert lab.exec("resume", "--last", "three") == first
    assert lab.exec("resume", "--last", "--all", "four") == first
    assert [(each["id"], each["name"], each["preview"]) for each in lab.listed()["threads"]] == [(first, "mine", "one")]
    assert [each["id"] for each in lab.listed("--all")["threads"]] == [first, other]
    assert [each["id"] for each in lab.listed("--all", "--search", "ELSE")["threads"]] == [other]
    page = lab.listed("--all", "--limit", "1")
    assert [each["id"] for each in lab.listed("--all", "--cursor", page["next_cursor"])["threads"]] == [other]

    fork = lab.exec("fork", "mine", "--turn", "2", "in the fork")
    bare = lab.exec("fork", first)
    assert lab.turns(fork) == ["one", "two", "in the fork"]
    assert lab.turns(bare) == lab.turns(first) == ["one", "two", "three", "four"]
    reverted = lab.run("sessions", "revert", "mine", "--before", "3")
    assert reverted.stdout == f"Took 2 turns out of the history of session {first}.\n"
    assert lab.turns(first) == ["one", "two"]
    assert lab.run("resume", "mine", "five", "--skip-git-repo-check").stdout == "ok\n"
    assert lab.run("sessions", "show", "mine").stdout.endswith("3. five\n   -> ok\n")


def test_a_session_is_archived_brought_back_and_deleted(lab: Lab) -> None:
    thread_id = lab.exec("one")
    assert lab.run("archive", thread_id).stdout == f"Archived session {thread_id}.\n"
    assert lab.listed()["threads"] == []
    assert [each["id"] for each in lab.listed("--archived")["threads"]] == [thread_id]
    assert lab.run("unarchive", thread_id).stdout == f"Unarchived session {thread_id}.\n"
    fork = lab.exec("fork", thread_id)
    refused = lab.run("delete", thread_id, "--force")
    assert (refused.returncode, fork in refused.stderr) == (1, True)
    for each in (fork, thread_id):
        assert lab.run("delete", "--force", each).stdout == f"Deleted session {each}.\n"
    assert list((lab.root / "home").rglob("rollout-*")) == []


def test_a_deletion_is_asked_for_at_a_terminal_only(lab: Lab) -> None:
    thread_id = lab.exec("one")
    refused = lab.run("delete", thread_id)
    assert (refused.returncode, refused.stderr.count("rerun with --force and a session UUID")) == (1, 1)
    lab.run("sessions", "name", thread_id, "mine")
    assert "--force requires a session UUID" in lab.run("delete", "--force", "mine").stderr
    for answer, code in (("n\n", 1), ("y\n", 0)):
        parent, child = pty.openpty()
        environ = {"PATH": os.environ["PATH"], "HOME": str(lab.root), "CODEX_HOME": str(lab.root / "home")}
        command = [sys.executable, "-m", "codex.cli.main", "delete", "mine"]
        os.write(parent, answer.encode())
        with subprocess.Popen(command, stdin=child, stdout=subprocess.DEVNULL, stderr=child, env=environ) as process:
            assert process.wait() == code
        os.close(child)
        os.close(parent)
    assert list((lab.root / "home").rglob("rollout-*")) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["exec", "--skip-git-repo-check", "resume", "nobody", "x"], 1, "no session is named 'nobody'"),
        (["exec", "--skip-git-repo-check", "resume", NOBODY, "x"], 1, f"no rollout found for thread id {NOBODY}"),
        (["exec", "--skip-git-repo-check", "fork", NOBODY], 1, f"no rollout found for thread id {NOBODY}"),
        (["exec", "--skip-git-repo-check", "fork", "--last", "x"], 1, "there is no session to fork"),
        (["archive", NOBODY], 1, f"no rollout found for thread id {NOBODY}"),
        (["delete", "--force", NOBODY], 1, f"no rollout found for thread id {NOBODY}"),
        (["archive"], 2, "expected one session, its id or its name; found none"),
        (["resume", "--last"], 2, "give a prompt: codex resume --last 'PROMPT'"),
        (["fork", NOBODY], 2, f"give a prompt: codex fork {NOBODY} 'PROMPT'"),
        (["sessions", "lsit"], 2, "did you mean 'list'"),
        (["sessions", "list", "--limit", "0"], 2, "expected a number from 1 to 1000"),
        (["sessions", "list", "--cursor", "x"], 1, "'x' is no cursor"),
        (["sessions", "revert", NOBODY], 2, "says which turn is the first to go"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_way_out(lab: Lab, arguments: list[str], code: int, said: str) -> None:
    done = lab.run(*arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_many_at_once_see_no_locked_database(lab: Lab) -> None:
    """Sessions and lists over one home."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(lab.root), "CODEX_HOME": str(lab.root / "home")}
    base = [sys.executable, "-m", "codex.cli.main"]
    runs = [[*base, "exec", "--json", "--skip-git-repo-check", str(uuid.uuid4())] for _ in range(6)]
    lists = [[*base, "sessions", "list", "--all", "--json"] for _ in range(6)]
    started = [
        subprocess.Popen(
            command, cwd=lab.root / "repo", env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for pair in zip(runs, lists, strict=True)
        for command in pair
    ]  # fmt: skip
    for process in started:
        _, told = process.communicate()
        assert (process.returncode, "locked" in told) == (0, False), told
    assert len(lab.listed("--limit", "100")["threads"]) == 6
