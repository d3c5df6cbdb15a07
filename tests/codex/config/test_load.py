"""What `load_config` makes of files, profiles, variables, `-c` and options."""

import os
from pathlib import Path

import pytest

from codex.base.errors import UserError
from codex.config import Config, find_codex_home, load_config
from codex.config.errors import ConfigError
from codex.config.role import Role
from codex.config.trust_answer import needs_trust_answer, save_trust
from codex.protocol.permission import Granular, SandboxPolicy
from tests.codex.config.place import Place


def test_without_any_source_everything_is_the_default(place: Place) -> None:
    config = place.load()
    home, cwd = str(place.home), str(place.cwd)
    expected = Config(codex_home=home, cwd=cwd, project_root=cwd, model_providers=config.model_providers)
    assert config == expected, "a value differs from the schema's default"
    assert list(config.model_providers) == ["openai", "ollama", "lmstudio", "scripted"]
    assert config.model is None


def test_a_home_that_does_not_exist_is_not_made(place: Place) -> None:
    missing = place.home / "not" / "there"
    load_config(codex_home=str(missing), cwd=str(place.cwd), environ={"HOME": "/"})
    assert not missing.exists()


def test_each_layer_stands_above_the_one_before(place: Place) -> None:
    place.write(
        'model = "file"\nmodel_verbosity = "low"\nservice_tier = "file"\nmodel_reasoning_effort = "file"\n'
        'developer_instructions = "file"\n[profiles.p]\nmodel = "table"\nservice_tier = "table"\n'
        'model_reasoning_effort = "table"\ndeveloper_instructions = "table"\n'
    )
    place.write(
        'model = "profile"\nservice_tier = "profile"\nmodel_reasoning_effort = "profile"\n', name="p.config.toml"
    )
    config = place.load(
        "model=c", "model=c2", "model_reasoning_effort=c", profile="p", flags={"model": "flag", "oss": False}
    )
    assert config.profile == "p"
    assert (config.model, config.model_reasoning_effort, config.service_tier) == ("flag", "c", "profile")
    assert (config.developer_instructions, config.model_verbosity) == ("table", "low")


def test_tables_are_joined_while_arrays_and_scalars_replace(place: Place) -> None:
    place.write(
        "[shell_environment_policy]\ninherit = 'core'\nexclude = ['A', 'B']\n"
        "[shell_environment_policy.set]\nX = '1'\nY = '2'\n"
    )
    policy = place.load(
        "shell_environment_policy.exclude=['C']", "shell_environment_policy.set.Y='3'"
    ).shell_environment_policy
    assert (policy.inherit, policy.exclude, policy.set) == ("core", ("C",), {"X": "1", "Y": "3"})


def test_filters_of_the_environment_say_what_is_taken_out_and_what_stays(place: Place) -> None:
    place.write("[shell_environment_policy.filters]\n'*' = 'include'\n'*_TOKEN' = 'exclude'\nAWS = 'exclude'\n")
    policy = place.load().shell_environment_policy
    assert (policy.exclude, policy.include_only) == (("*_TOKEN", "AWS"), ("*",))


def test_the_user_config_can_be_left_out(place: Place) -> None:
    place.write('model = "file"')
    assert place.load(ignore_user_config=True).model is None


def test_a_profile_is_chosen_by_a_key_of_the_file_too(place: Place) -> None:
    place.write('profile = "b"\n[profiles.a]\nmodel = "a"\n[profiles.b]\nmodel = "b"\n')
    assert place.load().model == "b"
    assert place.load(profile="a").model == "a"
    assert place.load("profile=a").model == "a"


def test_nothing_is_said_of_a_profile_that_is_not_in_force(place: Place) -> None:
    place.write('[profiles.a]\notel = 1\nmodl = "x"\n[profiles.b]\n')
    assert place.load(profile="b").warnings == ()
    assert len(place.load(profile="a").warnings) == 2


def test_what_the_typescript_sdk_passes_is_understood(place: Place) -> None:
    config = place.load(
        'openai_base_url="http://127.0.0.1:9/v1"',
        'model_reasoning_effort="high"',
        "sandbox_workspace_write.network_access=true",
        'web_search="disabled"',
        'approval_policy="on-failure"',
        'model_providers.mock.name="Mock"',
        'model_providers.mock.base_url="http://127.0.0.1:8/v1"',
        'model_providers.mock.wire_api="responses"',
        "model_providers.mock.request_max_retries=0",
        'model_providers.mock.http_headers={"x-a" = "b"}',
        'model_provider="mock"',
        "suppress_unstable_features_warning=true",
        'tools.web_search={context_size = "low"}',
        flags={"model": "m", "sandbox_mode": "workspace-write", "exec_defaults": True, "add_dirs": ["more"]},
    )
    mock = config.model_providers["mock"]
    assert (mock.name, mock.base_url, mock.request_max_retries) == ("Mock", "http://127.0.0.1:8/v1", 0)
    assert mock.http_headers == {"x-a": "b"}
    assert config.model_providers["openai"].base_url == "http://127.0.0.1:9/v1"
    assert (config.model_provider, config.model, config.approval_policy) == ("mock", "m", "on-failure")
    assert config.sandbox_policy == SandboxPolicy(
        mode="workspace-write", writable_roots=(str(place.cwd / "more"),), network_access=True
    )
    assert config.warnings == (
        "ignored, since nothing here uses them yet: suppress_unstable_features_warning, tools.web_search",
    )
    assert config.extra == {"suppress_unstable_features_warning": True, "tools.web_search": {"context_size": "low"}}


def test_a_c_flag_value_is_toml_or_else_plain_text(place: Place) -> None:
    config = place.load(
        "model=gpt-5.5", "service_tier = fast ", "developer_instructions=tell 'em", "model_context_window=1_000"
    )
    assert (config.model, config.service_tier, config.developer_instructions) == ("gpt-5.5", "fast", "tell 'em")
    assert config.model_context_window == 1000


def test_quoted_parts_of_a_c_flag_key_may_hold_dots(place: Place) -> None:
    directory = place.cwd / "a.b=c"
    directory.mkdir()
    config = load_config(
        codex_home=str(place.home),
        cwd=str(directory),
        environ={},
        overrides=[f'projects."{directory}".trust_level="trusted"'],
    )
    assert config.trusted


def test_exec_defaults_count_only_where_nothing_is_said(place: Place) -> None:
    config = place.load(flags={"exec_defaults": True})
    assert (config.approval_policy, config.sandbox_policy.mode) == ("never", "read-only")
    place.write('approval_policy = "on-request"\nsandbox_mode = "workspace-write"\n')
    config = place.load(flags={"exec_defaults": True})
    assert (config.approval_policy, config.sandbox_policy.mode) == ("on-request", "workspace-write")


def test_bypassing_beats_every_other_word_on_permissions(place: Place) -> None:
    place.write('approval_policy = "on-request"')
    config = place.load('sandbox_mode="read-only"', flags={"bypass": True, "sandbox_mode": "read-only"})
    assert (config.approval_policy, config.sandbox_policy.mode) == ("never", "danger-full-access")


@pytest.mark.parametrize(
    ("level", "approval", "mode"),
    [("trusted", "on-request", "workspace-write"), ("untrusted", "untrusted", "read-only")],
)
def test_trust_is_found_for_the_project_root(place: Place, level: str, approval: str, mode: str) -> None:
    place.write(f'[projects."{place.cwd}"]\ntrust_level = "{level}"\n')
    inner = place.cwd / "src" / "deep"
    inner.mkdir(parents=True)
    config = load_config(codex_home=str(place.home), cwd=str(inner), environ={})
    assert (config.trusted, config.approval_policy, config.sandbox_policy.mode) == (level == "trusted", approval, mode)


def test_a_worktree_is_trusted_with_its_repository(place: Place) -> None:
    main = place.home / "main"
    (main / ".git" / "worktrees" / "w").mkdir(parents=True)
    (place.cwd / ".git").rmdir()
    (place.cwd / ".git").write_text(f"gitdir: {main}/.git/worktrees/w\n")
    place.write(f'[projects."{main}"]\ntrust_level = "trusted"\n')
    assert place.load().trusted


def test_relative_paths_start_at_the_file_or_at_the_working_directory(place: Place) -> None:
    place.write('log_dir = "logs"\n[sandbox_workspace_write]\nwritable_roots = ["~/a", "../b", "/c"]\n')
    config = place.load(flags={"add_dirs": ["d", "/c"], "sandbox_mode": "workspace-write"})
    home, cwd = str(place.home), str(place.cwd)
    assert config.log_dir == f"{home}/logs"
    roots = (f"{home}/a", f"{os.path.dirname(home)}/b", "/c", f"{cwd}/d")
    assert config.sandbox_policy.writable_roots == roots
    assert place.load("log_dir=logs").log_dir == f"{cwd}/logs"


def test_add_dir_in_a_read_only_sandbox_is_told_to_do_nothing(place: Place) -> None:
    warnings = place.load(flags={"add_dirs": ["d"], "exec_defaults": True}).warnings
    assert warnings == ("--add-dir: ignored, since the sandbox is read-only; add --sandbox workspace-write",)


def test_the_instructions_come_from_a_file(place: Place) -> None:
    (place.home / "own.md").write_text("Be brief.")
    place.write('experimental_instructions_file = "own.md"\ninstructions = "not these"')
    assert place.load().model_instructions == "Be brief."


def test_features_are_switched_by_table_flag_and_option(place: Place) -> None:
    place.write("[features]\napps = true\ngoals = true\nhooks = { enabled = false, x = 1 }\nplugins = { x = 1 }\n")
    features = place.load("features.goals=false", flags={"enable": ["memories", "hooks"], "disable": ["apps"]}).features
    assert features == {"apps": False, "goals": False, "hooks": True, "plugins": True, "memories": True}


def test_a_feature_that_nobody_knows_is_refused_as_an_option_and_told_as_a_key(place: Place) -> None:
    config = place.load("features.hoks=true")
    assert config.warnings == ("-c features.hoks=true: features.hoks: unknown key, ignored, did you mean 'hooks'?",)
    assert config.features == {}
    with pytest.raises(ConfigError, match=r"--enable hoks: features\.hoks: there is no feature of that name"):
        place.load(flags={"enable": ["hoks"]})


def test_limits_of_agents_and_the_plan_tool_are_read(place: Place) -> None:
    place.write(
        "tool_output_token_limit = 5\n[agents]\nmax_threads = 3\nmax_depth = 2\n[agents.helper]\ndescription = 'x'\n"
        "[tools.update_plan]\nenabled = false\n[history]\npersistence = 'none'\n[sandbox_linux]\n"
        "allow_unprotected_git = true\n"
    )
    config = place.load(flags={"ephemeral": True})
    assert (config.max_agents, config.max_depth, config.update_plan_enabled) == (3, 2, False)
    assert (config.allow_unprotected_git, config.ephemeral) == (True, True)
    assert config.tool_output_token_limit == 5
    assert config.roles == {"helper": Role("helper", "x")}


def test_an_unknown_key_is_named_with_its_line_and_a_close_match(place: Place) -> None:
    path = place.write('# mine\nmodl = "x"\n[sandbox_workspace_write]\nnetwork = true\nnetwork_acess = true\n')
    config = place.load("modell=x")
    assert config.warnings[0] == f"{path}:2: modl: unknown key, ignored, did you mean 'model'?"
    assert config.warnings[2].startswith(f"{path}:5: sandbox_workspace_write.network_acess: unknown key, ignored, did")
    assert config.warnings[3].startswith("-c modell=x: modell: unknown key, ignored, did you mean 'model'?")
    with pytest.raises(ConfigError) as caught:
        place.load("modell=x", strict=True)
    assert [fault.key for fault in caught.value.faults] == [
        "modl",
        "sandbox_workspace_write.network",
        "sandbox_workspace_write.network_acess",
        "modell",
    ]


def test_granular_approvals_say_which_questions_are_asked(place: Place) -> None:
    place.write("[approval_policy.granular]\nsandbox_approval = true\nrules = false\nmcp_elicitations = true\n")
    assert place.load().approval_policy == Granular(sandbox_approval=True, rules=False, mcp_elicitations=True)


def test_another_layer_replaces_granular_approvals(place: Place) -> None:
    place.write("approval_policy = { granular = { sandbox_approval = true, rules = true, mcp_elicitations = true } }")
    assert place.load("approval_policy=untrusted").approval_policy == "untrusted"


def test_granular_approvals_leave_nothing_open_that_matters(place: Place) -> None:
    path = place.write("approval_policy = { granular = { rules = true } }")
    with pytest.raises(ConfigError) as caught:
        place.load()
    assert str(caught.value).startswith(
        f"{path}:1: approval_policy.granular: expected a table with sandbox_approval, mcp_elicitations, for example"
    )


def test_the_old_name_of_the_automatic_reviewer_is_read(place: Place) -> None:
    place.write('approvals_reviewer = "guardian_subagent"\napproval_timeout_seconds = 5\nauto_review.policy = "mild"\n')
    config = place.load()
    assert (config.approvals_reviewer, config.approval_timeout_seconds) == ("auto_review", 5)
    assert config.auto_review_policy == "mild"


def test_the_home_is_the_variable_or_a_directory_in_the_users_home(tmp_path: Path) -> None:
    assert find_codex_home({"HOME": "/u"}) == "/u/.codex"
    assert find_codex_home({"HOME": "/u", "CODEX_HOME": str(tmp_path)}) == str(tmp_path)
    with pytest.raises(UserError, match="CODEX_HOME: '/no/such' does not exist; make it"):
        find_codex_home({"HOME": "/u", "CODEX_HOME": "/no/such"})
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is not a directory"):
        find_codex_home({"CODEX_HOME": str(tmp_path / "file")})


def test_the_log_level_comes_from_the_variable_before_the_file(place: Place) -> None:
    place.write('log_level = "info"')
    assert place.load().log_level == "info"
    assert place.load(environ={"CODEX_LOG": "debug,model=error"}).log_level == "debug,model=error"


def test_the_user_is_asked_once_about_a_project_and_for_all_its_worktrees(place: Place) -> None:
    main, inner = place.home / "main", place.cwd / "a"
    (main / ".git" / "worktrees" / "w").mkdir(parents=True)
    inner.mkdir()
    assert needs_trust_answer(place.load(cwd=inner)) == str(place.cwd)
    (place.cwd / ".git").rmdir()
    (place.cwd / ".git").write_text(f"gitdir: {main}/.git/worktrees/w\n")
    config = place.load(cwd=inner)
    assert needs_trust_answer(config) == str(main)
    assert save_trust(config, "untrusted", home="/") == str(main)
    answered = place.load(cwd=inner)
    assert (needs_trust_answer(answered), answered.trust_level) == (None, "untrusted")
