"""Agents in git worktrees of their own: real git, real sandbox, real commands."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import JsonObject
from codex.config.role import Role
from codex.ports.agents import AgentFailure
from codex.protocol.event import Warning
from codex.protocol.permission import SandboxPolicy
from codex.testing import call, open_test_codex, text
from codex.testing.kit import TestCodex

WRITE = SandboxPolicy("workspace-write")


def git(where: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    return subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Any]:
    cwd = tmp_path / "project"
    cwd.mkdir()
    git(cwd, "init", "-q")
    (cwd / "a.txt").write_text("one\n")
    git(cwd, "add", ".")
    git(cwd, "commit", "-qm", "first")
    (cwd / "b.txt").write_text("not committed\n")
    return {"cwd": cwd, "home": tmp_path / "home", "sandbox_policy": WRITE}


def scripts(**agents: Sequence[Any]) -> JsonObject:
    return {
        "scripts": {"root": [[text("root")]], **{name: [*turns] for name, turns in agents.items()}},
        "default": "root",
    }


def run(cmd: str, call_id: str = "c1") -> list[JsonObject]:
    return [call("exec_command", call_id, cmd=cmd)]


def worktrees(codex: TestCodex) -> list[str]:
    return sorted(os.listdir(Path(codex.codex.config.codex_home) / "worktrees"))


async def test_agents_that_write_the_same_file_do_not_meet_and_come_back_when_their_turns_end(
    places: dict[str, Any],
) -> None:
    first = [run("cat b.txt; echo mine > scratch; echo first > x.txt"), [text("x")]]
    second = [run("ls; echo other > scratch2; echo second > y.txt; test ! -e scratch"), [text("y")]]
    async with open_test_codex(scripts(first=first, second=second), **places) as codex:
        prompts = ["go [[script:first]]", "go [[script:second]]"]
        assert await codex.thread.agents.map(prompts, isolation="worktree") == ["x", "y"]
        assert sorted(path.name for path in codex.cwd.iterdir()) == [
            ".git", "a.txt", "b.txt", "scratch", "scratch2", "x.txt", "y.txt",
        ]  # fmt: skip
        assert any("not committed" in str(request.body["input"]) for request in codex.requests)
        assert worktrees(codex) == []
    assert git(places["cwd"], "worktree", "list", "--porcelain").count("worktree ") == 1
    assert git(places["cwd"], "log", "--format=%s").split() == ["first"]


async def test_its_sandbox_lets_an_agent_write_its_worktree_and_not_its_parents_directory(
    places: dict[str, Any],
) -> None:
    target = places["cwd"] / "reached"
    child = [run(f"pwd; echo in > inside.txt; echo out > {target}"), [text("done")]]
    async with open_test_codex(scripts(child=child), **places) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", isolation="worktree") as agent:
            assert await agent.result() == "done"
            assert (codex.cwd / "inside.txt").read_text() == "in\n"
        said = codex.requests[-1].output_of("c1")
        assert f"/worktrees/{agent.agent_id}/tree" in said
        assert "Read-only file system" in said or "Permission denied" in said
        assert not target.exists()


async def test_a_patch_of_the_agent_lands_in_its_worktree_and_comes_back(places: dict[str, Any]) -> None:
    patch = "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+two\n*** End Patch\n"
    child = [run(f"apply_patch <<'EOF'\n{patch}EOF"), [text("done")]]
    async with open_test_codex(scripts(child=child), **places) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", isolation="worktree") as agent:
            await agent.result()
            assert (codex.cwd / "a.txt").read_text() == "two\n"


async def test_a_conflict_is_told_in_words_and_kept_as_a_patch(places: dict[str, Any]) -> None:
    child = [run("echo agent > a.txt; echo fine > fine.txt; touch done"), [text("done")]]
    script = scripts(child=[[call("exec_command", "c0", cmd="sleep 0.2")], *child], root=[[text("I see")]])
    async with open_test_codex(script, **places) as codex:
        async with codex.thread.open_events() as events:
            async with codex.thread.agents.spawn("go [[script:child]]", isolation="worktree") as agent:
                (codex.cwd / "a.txt").write_text("parent\n")
                await agent.result()
            told = ""
            async for event in events:
                if isinstance(event.msg, Warning):
                    told = event.msg.message
                    break
        await codex.run_turn("what happened?")
        assert "worked in a git worktree of its own; merged into your directory: done, fine.txt; not merged" in told
        assert told in str(codex.requests[-1].texts("developer"))
        (patch,) = worktrees(codex)
        assert patch in told
        assert (codex.cwd / "a.txt").read_text() == "parent\n"


async def test_a_role_may_say_it_and_a_spawn_may_say_otherwise(places: dict[str, Any]) -> None:
    roles = {"writer": Role("writer", isolation="worktree")}
    child = [run("pwd"), [text("done")]]
    async with open_test_codex(scripts(child=child), roles=roles, **places) as codex:
        for isolation, apart in ((None, True), ("share", False)):
            options: dict[str, Any] = {} if isolation is None else {"isolation": isolation}
            async with codex.thread.agents.spawn("go [[script:child]]", role="writer", **options) as agent:
                await agent.result()
            assert ("/worktrees/" in codex.requests[-1].output_of("c1")) == apart


async def test_an_agent_that_is_ended_in_the_middle_leaves_no_worktree_and_its_files_come_back(
    places: dict[str, Any],
) -> None:
    child = [run("echo half > half.txt; echo ready; exec sleep 1000"), [text("never")]]
    async with open_test_codex(scripts(child=child), **places) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", isolation="worktree") as agent:
            half = Path(codex.codex.config.codex_home, "worktrees", agent.agent_id, "tree", "half.txt")
            while not half.exists():
                await trio.lowlevel.checkpoint()
        assert worktrees(codex) == []
        assert (codex.cwd / "half.txt").read_text() == "half\n"


async def test_a_thread_that_ends_takes_the_worktrees_of_its_agents_along(places: dict[str, Any]) -> None:
    child = [[{"type": "sleep", "seconds": 100_000}]]
    async with open_test_codex(scripts(child=child), **places) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", isolation="worktree"):
            assert len(worktrees(codex)) == 1
            await codex.thread.stop()
            assert worktrees(codex) == []


async def test_where_there_is_no_repository_nothing_is_started_and_the_place_is_free(tmp_path: Path) -> None:
    async with open_test_codex(scripts(child=[[text("done")]]), cwd=tmp_path / "plain", max_agents=1) as codex:
        with pytest.raises(AgentFailure, match="needs a git repository with a commit"):
            await codex.thread.agents.map(["go [[script:child]]"], isolation="worktree")
        assert await codex.thread.agents.map(["go [[script:child]]"], queue=False) == ["done"]


async def test_a_start_after_a_kill_removes_what_is_left_and_says_where_the_changes_are(places: dict[str, Any]) -> None:
    program = (
        "import os, signal, sys; from codex.agents.worktrees import Worktree\n"
        "tree = Worktree.open(sys.argv[1], 'ada', sys.argv[2])\n"
        "open(os.path.join(tree.cwd, 'half.txt'), 'w').write('half')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, str(places["home"]), str(places["cwd"])]
    assert (await trio.run_process(command, check=False)).returncode == -9
    async with open_test_codex([[text("done")]], **places) as codex:
        (said,) = codex.codex.recovered
        (patch,) = worktrees(codex)
        assert said.endswith(f"/worktrees/{patch}")
    assert git(places["cwd"], "worktree", "list", "--porcelain").count("worktree ") == 1
