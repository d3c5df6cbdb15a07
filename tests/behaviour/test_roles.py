"""Roles of sub-agents: from tables, files and folders; what they change; that they never give more rights."""

from pathlib import Path

import pytest
import trio

from codex.base.jsontext import Json, JsonObject, get_list, get_str
from codex.config import load_config
from codex.config.errors import ConfigError
from codex.config.role import Role
from codex.ports.agents import AgentFailure
from codex.protocol.permission import SandboxPolicy, policies_of
from codex.testing import SeenRequest, call, open_test_codex, text
from codex.threads.sub_agents import SpawnOptions

SCRIPT: JsonObject = {"scripts": {"root": [[text("root")]], "child": [[text("42")]]}, "default": "root"}
RESEARCHER = Role(
    "researcher",
    "Reads sources.",
    ("Marie", "Rosalind"),
    {"model_reasoning_effort": "high", "developer_instructions": "Name the line of every claim."},
    sandbox_mode="read-only",
    tools=frozenset({"exec_command"}),
)


def tools(request: SeenRequest) -> list[str]:
    return [get_str(tool, "name") for tool in get_list(request.body, "tools") if isinstance(tool, dict)]


def home(tmp_path: Path, **files: str) -> Path:
    for name, content in files.items():
        path = tmp_path / name.replace("__", "/")
        path = path.with_name(path.name + ".toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def roles(codex_home: Path, cwd: Path | None = None, *overrides: str) -> dict[str, Role]:
    where = str(cwd or codex_home)
    return dict(load_config(codex_home=str(codex_home), cwd=where, environ={}, overrides=overrides).roles)


def test_roles_come_from_tables_and_the_files_they_name_and_the_folder(tmp_path: Path) -> None:
    place = home(
        tmp_path,
        config='[agents.writer]\ndescription = "Writes."\nconfig_file = "writer.toml"\nmodel = "m2"\n',
        writer='model = "m1"\nmodel_verbosity = "low"\nnickname_candidates = ["Iris"]\n',
        agents__reader='description = "Reads."\nsandbox_mode = "read-only"\nrestart = "on_crash"\n',
        agents__any='name = "finder"\ndeadline_seconds = 60\n',
    )
    assert roles(place) == {
        "finder": Role("finder", deadline_seconds=60),
        "reader": Role("reader", "Reads.", sandbox_mode="read-only", restart="on_crash"),
        "writer": Role("writer", "Writes.", ("Iris",), {"model": "m2", "model_verbosity": "low"}),
    }


def test_a_project_s_roles_count_where_it_is_trusted(tmp_path: Path) -> None:
    place = home(tmp_path / "home", agents__a='description = "mine"\nmodel = "m"\n')
    project = tmp_path / "project"
    home(project / ".codex", agents__a='description = "theirs"\n', agents__b='description = "new"\n')
    (project / ".git").mkdir()
    assert roles(place, project) == {"a": Role("a", "mine", settings={"model": "m"})}
    trusted = f'projects."{project}".trust_level="trusted"'
    assert roles(place, project, trusted) == {
        "a": Role("a", "theirs", settings={"model": "m"}),
        "b": Role("b", "new"),
    }


def test_what_is_wrong_in_a_role_is_told_with_file_line_key_and_value(tmp_path: Path) -> None:
    place = home(
        tmp_path,
        agents__a='description = "x"\nmodel_verbosity = "loud"\n',
        agents__b='name = "twice"\n',
        agents__c='name = "twice"\n',
        config='[agents.d]\nconfig_file = "gone.toml"\n',
    )
    with pytest.raises(ConfigError) as caught:
        load_config(codex_home=str(place), cwd=str(place), environ={})
    assert "gone.toml" in str(caught.value)
    (place / "config.toml").unlink()
    with pytest.raises(ConfigError) as caught:
        load_config(codex_home=str(place), cwd=str(place), environ={})
    told = str(caught.value)
    assert f'{place}/agents/a.toml:2: model_verbosity: expected one of "low", "medium", "high"; got' in told
    assert '"loud"' in told
    assert "there is a role 'twice' in" in told


def test_codex_s_other_keys_in_a_role_s_file_are_told_and_not_used(tmp_path: Path) -> None:
    place = home(tmp_path, agents__a='description = "x"\npersonality = "friendly"\ndescripton = "y"\n')
    config = load_config(codex_home=str(place), cwd=str(place), environ={})
    assert config.roles == {"a": Role("a", "x")}
    assert any("personality" in warning for warning in config.warnings)
    assert any("descripton: unknown key, ignored, did you mean" in warning for warning in config.warnings)


async def test_an_agent_works_with_what_its_role_says_and_has_its_names() -> None:
    roles: dict[str, Role] = {"researcher": RESEARCHER}
    async with open_test_codex(SCRIPT, roles=roles, sandbox_policy=SandboxPolicy("danger-full-access")) as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="researcher") as agent:
            assert await agent.result() == "42"
            assert (agent.info.role, agent.nickname) == ("researcher", "Marie")
            config = codex.codex.threads[1].config
        assert config.sandbox_policy.mode == "read-only"
        assert config.model_reasoning_effort == "high"
        assert tools(codex.requests[0]) == ["exec_command"]
        assert any("Name the line of every claim." in said for said in codex.requests[0].texts("developer"))


async def test_a_role_never_gives_more_rights_than_the_parent_has() -> None:
    roles = {"root": Role("root", sandbox_mode="danger-full-access", approval_policy="permissive")}
    policy = SandboxPolicy("read-only")
    async with open_test_codex(SCRIPT, roles=roles, sandbox_policy=policy, approval_policy="never") as codex:
        async with codex.thread.agents.spawn("go [[script:child]]", role="root") as agent:
            await agent.result()
            config = codex.codex.threads[1].config
    assert config.sandbox_policy.mode == "read-only"
    assert "never" in policies_of(config.approval_policy)


async def test_a_model_names_a_role_with_either_generation_of_tools() -> None:
    for v2 in (False, True):
        more: JsonObject = {"task_name": "scout", "fork_turns": "none"} if v2 else {}
        spawn = call("spawn_agent", "c1", message="go [[script:child]]", agent_type="researcher", **more)
        root: Json = [[spawn], [text("ok")]]
        script: JsonObject = {"scripts": {"root": root, "child": [[text("42")]]}, "default": "root"}
        roles: dict[str, Role] = {"researcher": RESEARCHER}
        async with open_test_codex(script, roles=roles, features={"multi_agent_v2": v2}) as codex:
            await codex.run_turn("delegate")
            (info,) = codex.thread.agents
            assert (info.role, info.nickname) == ("researcher", "Marie")
            assert "`researcher`: Reads sources." in str(codex.requests[0].body["tools"])


async def test_an_unknown_role_is_refused_with_the_ones_there_are_and_takes_no_place() -> None:
    async with open_test_codex(SCRIPT, roles={"researcher": RESEARCHER}, max_agents=1) as codex:
        with pytest.raises(AgentFailure) as caught:
            async with codex.thread.agents.spawn("go", role="reseacher"):
                pass
        told = "unknown agent_type 'reseacher', did you mean 'researcher'?"
        assert str(caught.value).startswith(told)
        assert str(caught.value).endswith("known: default, explorer, worker, researcher")
        with trio.fail_after(60):
            async with codex.thread.agents.spawn("go [[script:child]]", queue=False) as agent:
                assert await agent.result() == "42"


async def test_agents_that_nobody_names_a_model_for_have_the_one_for_agents() -> None:
    roles = {"fast": Role("fast", settings={"model": "gpt-5.6-luna"})}
    models: list[str] = []
    async with open_test_codex(SCRIPT, roles=roles, agent_model="gpt-5.6-terra", agent_reasoning_effort="low") as codex:
        asked: list[SpawnOptions] = [{}, {"model": "gpt-5.5"}, {"model": "gpt-5.5", "role": "fast"}]
        for options in asked:
            async with codex.thread.agents.spawn("go [[script:child]]", **options) as agent:
                await agent.result()
                models.append(agent.info.model)
                assert codex.codex.threads[1].config.model_reasoning_effort == "low"
    assert models == ["gpt-5.6-terra", "gpt-5.5", "gpt-5.6-luna"]


async def test_agents_can_be_switched_off() -> None:
    async with open_test_codex(SCRIPT, agents_enabled=False) as codex:
        await codex.run_turn("go")
    assert "multi_agent_v1" not in tools(codex.requests[0])
