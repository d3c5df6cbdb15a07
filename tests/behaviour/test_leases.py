"""Agents with leases on paths of one directory: real patches, a real sandbox."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import Json, JsonObject
from codex.config.role import Role
from codex.ports.agents import AgentFailure
from codex.protocol.permission import SandboxPolicy
from codex.testing import TestCodex, call, open_test_codex, patch, text

WRITE = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
ROLES = {"careful": Role("careful", isolation="lease")}


def scripts(**agents: Sequence[Any]) -> JsonObject:
    return {
        "scripts": {"root": [[text("root")]], **{name: [*turns] for name, turns in agents.items()}},
        "default": "root",
    }


def adds(path: str, line: str) -> Json:
    return patch(f"*** Add File: {path}\n+{line}", "p1")


def busy(seconds: float, says: str) -> list[Json]:
    return [{"type": "sleep", "seconds": seconds}, text(says)]


def answered(codex: TestCodex, script: str, call_id: str) -> str:
    (output,) = {
        str(item["output"])
        for request in codex.requests
        if any(f"[[script:{script}]]" in said for said in request.texts("user"))
        for item in request.input
        if item.get("call_id") == call_id and str(item.get("type")).endswith("_output")
    }
    return output


async def test_a_patch_waits_for_the_lease_of_another_agent_and_gets_it_when_that_ones_work_ends(
    autojump_clock: trio.abc.Clock,
) -> None:
    script = scripts(
        first=[[adds("a/x.txt", "first")], busy(5, "1")], second=[[adds("a/y.txt", "second")], [text("2")]]
    )
    async with open_test_codex(script, sandbox_policy=WRITE, roles=ROLES) as codex:
        began = trio.current_time()
        async with codex.thread.agents.spawn("[[script:first]]", role="careful", paths=["a"]) as first:
            async with codex.thread.agents.spawn("[[script:second]]", isolation="lease") as second:
                assert await second.result() == "2"
                assert trio.current_time() - began >= 5
                assert first.state.status == "completed"
        assert [(codex.cwd / "a" / name).read_text() for name in ("x.txt", "y.txt")] == ["first\n", "second\n"]


async def test_a_lease_that_is_not_given_back_in_time_is_refused_with_its_holder(
    autojump_clock: trio.abc.Clock,
) -> None:
    script = scripts(first=[busy(100_000, "1")], second=[[adds("a/y.txt", "second")], [text("2")]])
    async with open_test_codex(script, sandbox_policy=WRITE, roles=ROLES) as codex:
        async with codex.thread.agents.spawn("[[script:first]]", isolation="lease", paths=["a"]) as first:
            async with codex.thread.agents.spawn("[[script:second]]", role="careful") as second:
                assert await second.result() == "2"
            assert f"is leased to {first.info.path}" in answered(codex, "second", "p1")
            with pytest.raises(AgentFailure, match=f"is leased to {first.info.path}"):
                async with codex.thread.agents.spawn("never", isolation="lease", paths=["a/b"], queue=False):
                    raise AssertionError
            # The spawn that found no lease in time has left nothing.
            assert [info.path for info in codex.thread.agents] == [first.info.path, second.info.path]
            assert codex.codex.agents_at_work == (first.info.path,)
            assert len(codex.codex.threads) == 2
        assert not (codex.cwd / "a").exists()
        assert codex.codex.agents_at_work == ()


async def test_commands_write_what_is_leased_to_their_agent_and_nothing_else(tmp_path: Path) -> None:
    for place in ("mine", "theirs"):
        (tmp_path / place).mkdir()
    write = [call("exec_command", "c1", cmd="touch mine/a theirs/a b; ls mine")]
    script = scripts(first=[write, [text("1")]])
    async with open_test_codex(script, cwd=tmp_path, sandbox_policy=WRITE) as codex:
        async with codex.thread.agents.spawn("[[script:first]]", isolation="lease", paths=["mine"]) as first:
            assert await first.result() == "1"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "mine", "theirs"]
    assert (tmp_path / "mine" / "a").exists()
