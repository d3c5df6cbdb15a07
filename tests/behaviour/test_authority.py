"""What agents may really do: with a real sandbox, below a parent that may less than they ask for."""

from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import JsonObject
from codex.config.role import Role
from codex.protocol.op import OverrideTurnContext
from codex.protocol.permission import SandboxPolicy
from codex.testing import call, open_test_codex, text

ROLES = {"free": Role("free", sandbox_mode="danger-full-access", approval_policy="permissive")}


def writing(name: str, *places: Path) -> list[JsonObject]:
    return [call("exec_command", name, cmd="; ".join(f"echo {name} > {place}/{name}" for place in places))]


def made(*places: Path) -> list[list[str]]:
    return [sorted(path.name for path in place.iterdir()) for place in places]


@pytest.mark.parametrize("fork", [False, True])
async def test_a_child_may_do_only_what_it_and_its_parent_may_also_after_a_fork_a_follow_up_and_a_resume(
    tmp_path: Path, *, fork: bool
) -> None:
    own, shared, outside = (tmp_path / name for name in ("own", "shared", "outside"))
    for place in (own, shared, outside):
        place.mkdir()
    wide = SandboxPolicy("workspace-write", (str(shared),), exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    narrow = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    names = ("first", "followed", "resumed")
    turns = {name: [writing(name, own, shared, outside), [text(name)]] for name in names}
    scripts: dict[str, Any] = {
        "root": [[text("root")]],
        "child": [*turns["first"], *turns["followed"]],
        "again": turns["resumed"],
    }
    script: JsonObject = {"scripts": scripts, "default": "root"}
    settings: dict[str, Any] = {"cwd": own, "home": tmp_path / "home", "roles": ROLES}
    async with open_test_codex(script, sandbox_policy=wide, **settings) as codex:
        await codex.run_turn("begin")
        async with codex.thread.agents.spawn("go [[script:child]]", fork=fork, role="free") as agent:
            assert await agent.result() == "first"
            await agent.send("and on")
            assert await agent.result() == "followed"
            root_id, agent_id = codex.thread.thread_id, agent.agent_id
            await codex.thread.stop()  # the agent is not closed: it is there when the tree is resumed
    assert made(own, shared, outside) == [["first", "followed"], ["first", "followed"], []]
    async with open_test_codex(script, sandbox_policy=narrow, **settings) as codex:
        await codex.codex.resume_thread(root_id)
        thread = await codex.codex.resume_thread(agent_id)
        await thread.ask("go on [[script:again]]")
        assert thread.config.approval_policy == ("never", "permissive")
    assert made(own, shared, outside) == [["first", "followed", "resumed"], ["first", "followed"], []]


async def test_what_a_parent_is_denied_later_is_denied_to_all_below_it_from_their_next_call_on(tmp_path: Path) -> None:
    own, shared = (tmp_path / name for name in ("own", "shared"))
    for place in (own, shared):
        place.mkdir()
    wide = SandboxPolicy("workspace-write", (str(shared),), exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    narrow = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    held = [call("exec_command", "h", cmd="while ! test -e go; do sleep 0.01; done", yield_time_ms=30_000)]
    script: JsonObject = {
        "scripts": {
            "root": [[text("root")]],
            "lead": [
                [call("spawn_agent", "s", message="go [[script:child]]")],
                [call("wait_agent", "w", targets=['${re:"agent_id":"([^"]+)"}'], timeout_ms=600_000)],
                writing("lead", own, shared),
                [text("lead")],
            ],
            "child": [writing("before", own, shared), held, writing("after", own, shared), [text("child")]],
        },
        "default": "root",
    }
    settings: dict[str, Any] = {"cwd": own, "home": tmp_path / "home", "max_depth": 2}
    async with open_test_codex(script, sandbox_policy=wide, **settings) as codex:
        async with codex.thread.agents.spawn("go [[script:lead]]") as agent:
            with trio.fail_after(60):
                while not (shared / "before").exists():
                    await trio.lowlevel.checkpoint()
            await codex.thread.submit(OverrideTurnContext(sandbox_policy=narrow))
            (own / "go").touch()
            assert await agent.result() == "lead"
            assert made(own, shared) == [["after", "before", "go", "lead"], ["before"]]
            assert [thread.config.sandbox_policy.writable_roots for thread in codex.codex.threads] == [()] * 3
            child = next(thread for thread in codex.codex.threads if thread.identity.depth == 2)
            await child.submit(OverrideTurnContext(sandbox_policy=wide))
            await child.ask("go on [[script:lead]]")
    assert made(shared) == [["before"]]
