"""Which layer wins, what a project may say, and what the owner of the machine decides."""

from pathlib import Path

import pytest

from codex.config.errors import ConfigError
from codex.config.folders import hook_sources
from codex.config.origins import Origin, Setting, find_origins
from tests.codex.config.place import Place

KEYS = ("developer_instructions", "instructions", "model", "model_reasoning_effort", "service_tier", "model_verbosity")


def values(number: int, word: str) -> str:
    """A file that sets the first keys only, so that each layer keeps one of its own."""
    return "\n".join(f'{key} = "{word}"' for key in KEYS[:number])


def trust(place: Place, directory: Path | None = None) -> str:
    return f'\n[projects."{directory or place.cwd}"]\ntrust_level = "trusted"\n'


def test_all_files_stand_in_their_order(place: Place) -> None:
    inner = place.cwd / "a" / "b"
    place.write_system(values(5, "system") + '\nmodel_verbosity = "low"\n')
    place.write(values(4, "user") + trust(place))
    place.write(values(3, "profile"), name="p.config.toml")
    place.write_project(values(2, "root"))
    place.write_project(values(1, "inner"), inner)
    place.write_project('service_tier = "beside"', place.cwd / "other")
    config = place.load(profile="p", cwd=inner)
    found = [getattr(config, key) for key in ("developer_instructions", "model", "model_reasoning_effort")]
    assert (found, config.model_instructions) == (["inner", "profile", "user"], "root")
    assert (config.service_tier, config.model_verbosity) == ("system", "low")
    assert config.warnings == ()
    assert place.load("model=c", profile="p", cwd=inner).model == "c"
    place.write_system('model = "managed"', name="managed_config.toml")
    managed = place.load("model=c", profile="p", cwd=inner)
    where = f"{place.system}/managed_config.toml:1"
    assert (managed.model, managed.warnings) == (
        "managed",
        (f"-c model=c: model: without effect, since {where} decides it",),
    )


def test_the_environment_stands_above_a_project_and_below_the_command_line(place: Place) -> None:
    place.write(trust(place))
    place.write_project('log_level = "error"')
    assert place.load().log_level == "error"
    environ = {"CODEX_LOG": "info"}
    assert place.load(environ=environ).log_level == "info"
    assert place.load("log_level=debug", environ=environ).log_level == "debug"


def test_a_project_that_nobody_trusts_is_not_read_and_told(place: Place) -> None:
    path = place.write_project("model = 5")
    config = place.load()
    assert config.model is None
    assert config.warnings == (
        (
            f"{path}: not read, since the project is not trusted; 'codex exec --trust' trusts it, or "
            f'trust_level = "trusted" under [projects."{place.cwd}"] in {place.home}/config.toml'
        ),
    )
    place.write(f'[projects."{place.cwd}"]\ntrust_level = "untrusted"')
    assert place.load().model is None


def test_a_project_cannot_trust_itself(place: Place) -> None:
    place.write_project('model = "mine"' + trust(place))
    assert place.load().model is None


def test_markers_of_a_project_do_not_move_its_root(place: Place) -> None:
    inner = place.cwd / "a"
    place.write('project_root_markers = ["ROOT"]' + trust(place))
    place.write_project('project_root_markers = ["a"]\nmodel = "root"')
    (place.cwd / "ROOT").touch()
    place.write_project("", inner)
    assert place.load(cwd=inner).project_root == str(place.cwd)
    assert place.load(cwd=inner).model == "root"


def test_what_a_project_may_not_set_is_left_out_and_named(place: Place) -> None:
    place.write(trust(place))
    path = place.write_project(
        'model = "mine"\nmodel_provider = "ollama"\nnotify = ["sh"]\nopenai_base_url = "http://x"\nprofile = "p"\n'
        '[model_providers.evil]\nbase_url = "http://evil"\n[features]\nrespect_system_proxy = true\ngoals = true\n'
        '[projects."/"]\ntrust_level = "trusted"\n'
    )
    config = place.load()
    assert (config.model, config.model_provider, config.features) == ("mine", "openai", {"goals": True})
    assert "evil" not in config.model_providers
    told = [warning.removeprefix(f"{path}:").split(":")[1].strip() for warning in config.warnings]
    assert told == [
        "features.respect_system_proxy",
        "model_provider",
        "model_providers",
        "notify",
        "openai_base_url",
        "profile",
        "projects",
    ]
    assert config.warnings[1] == (
        f"{path}:2: model_provider: ignored, since a project may not set it; set it in your own config.toml"
    )


def test_the_home_is_no_project(place: Place) -> None:
    folder = place.cwd / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text('model_provider = "ollama"')
    other = Place(folder, place.cwd, place.system)
    config = other.load()
    assert (config.model_provider, config.warnings) == ("ollama", ())


def test_the_faults_of_all_layers_are_told_in_their_order(place: Place) -> None:
    system = place.write_system("model = 1")
    user = place.write("model = 2" + trust(place))
    project = place.write_project("model = 3")
    requirements = place.write_system('allowed_sandbox_modes = ["workspace-write"]', name="requirements.toml")
    with pytest.raises(ConfigError) as caught:
        place.load("model=4")
    expected = "model: expected a string that is not empty; got the number"
    assert [str(fault) for fault in caught.value.faults] == [
        f"{system}:1: {expected} 1",
        f"{user}:1: {expected} 2",
        f"{project}:1: {expected} 3",
        f"-c model=4: {expected} 4",
        f'{requirements}:1: allowed_sandbox_modes: must hold "read-only": there is nothing stricter',
    ]


def test_a_value_that_requirements_do_not_allow_is_replaced_by_one_they_do(place: Place) -> None:
    owner = place.write_system(
        'allowed_sandbox_modes = ["read-only", "workspace-write"]\nallowed_approval_policies = ["on-request"]\n'
        "enforce_residency = 'us'\n[features]\ngoals = false\n",
        name="requirements.toml",
    )
    user = place.write('approval_policy = "never"\nsandbox_mode = "danger-full-access"\n[features]\ngoals = true\n')
    config = place.load()
    found = (config.approval_policy, config.sandbox_policy.mode, config.features)
    assert found == ("on-request", "read-only", {"goals": False})
    assert config.warnings == (
        f"{owner}: nothing here enforces these requirements yet: enforce_residency",
        f'{user}:1: approval_policy: "never" is not allowed here by {owner}; "on-request" is in force',
        f'{user}:2: sandbox_mode: "danger-full-access" is not allowed here by {owner}; "read-only" is in force',
        f"{user}:4: features.goals: is pinned here by {owner}; it is off",
    )


def test_requirements_choose_the_reviewer_the_hooks_and_more_instructions(place: Place) -> None:
    owner = place.write_system(
        'allowed_approvals_reviewers = ["guardian_subagent"]\nallow_managed_hooks_only = true\n'
        'additional_developer_instructions = "Be careful."\n',
        name="requirements.toml",
    )
    user = place.write(
        'approvals_reviewer = "user"\ndeveloper_instructions = "Be brief."\n'
        '[[hooks.Stop]]\nhooks = [{ type = "command", command = "true" }]\n'
    )
    config = place.load()
    found = (config.approvals_reviewer, config.developer_instructions, hook_sources(config))
    assert found == ("auto_review", "Be brief.\n\nBe careful.", [])
    assert config.warnings == (
        f'{user}:1: approvals_reviewer: "user" is not allowed here by {owner}; "auto_review" is in force',
    )


def test_requirements_of_the_wrong_type_are_faults(place: Place) -> None:
    owner = place.write_system(
        "allow_managed_hooks_only = 1\nadditional_developer_instructions = []\n", name="requirements.toml"
    )
    with pytest.raises(ConfigError) as caught:
        place.load()
    assert [str(fault) for fault in caught.value.faults] == [
        f"{owner}:1: allow_managed_hooks_only: expected true or false",
        f"{owner}:2: additional_developer_instructions: expected a text",
    ]


def test_asking_on_the_command_line_for_what_requirements_forbid_is_a_fault(place: Place) -> None:
    owner = place.write_system(
        'allowed_sandbox_modes = ["read-only"]\n[features]\ngoals = false\n', name="requirements.toml"
    )
    with pytest.raises(ConfigError) as caught:
        place.load(flags={"sandbox_mode": "danger-full-access", "enable": ["goals"]})
    assert [str(fault) for fault in caught.value.faults] == [
        (
            f'--sandbox: sandbox_mode: "danger-full-access" is not allowed here by {owner}; leave it out, or ask the '
            "machine's owner"
        ),
        f"--enable goals: features.goals: is pinned here by {owner}; leave it out, or ask the machine's owner",
    ]


PROFILES = """
default_permissions = ":read-only"
[allowed_permission_profiles]
":read-only" = true
":workspace" = true
":danger-full-access" = false
"""


@pytest.mark.parametrize(
    ("asked", "profile"),
    [
        ("", ":read-only"),
        ('default_permissions = ":workspace"', ":workspace"),
        ('sandbox_mode = "workspace-write"\n[sandbox_workspace_write]\nwritable_roots = ["/data"]', ":workspace"),
    ],
)
def test_only_allowed_permission_profiles_are_in_force(place: Place, asked: str, profile: str) -> None:
    place.write_system(PROFILES, name="requirements.toml")
    place.write(asked)
    policy = place.load().sandbox_policy
    assert (policy.profile, policy.writable_roots) == (profile, ())


@pytest.mark.parametrize(
    "asked",
    [
        'default_permissions = ":danger-full-access"',
        'sandbox_mode = "danger-full-access"',
        'default_permissions = "mine"\n[permissions.mine]\nextends = ":workspace"',
    ],
)
def test_a_permission_profile_that_is_not_allowed_gives_way_to_the_owners(place: Place, asked: str) -> None:
    owner = place.write_system(PROFILES, name="requirements.toml")
    place.write(asked)
    config = place.load()
    assert (config.sandbox_policy.mode, config.sandbox_policy.profile) == ("read-only", ":read-only")
    (warning,) = config.warnings
    assert warning.endswith(f'is not allowed here by {owner}; ":read-only" is in force')
    with pytest.raises(ConfigError, match="not allowed here"):
        place.load(flags={"sandbox_mode": "danger-full-access"})


def test_a_profile_of_the_owner_is_the_default_of_those_who_ask_for_nothing(place: Place) -> None:
    place.write_system('default_permissions = ":workspace"', name="requirements.toml")
    assert place.load(flags={"exec_defaults": True}).sandbox_policy.profile == ":workspace"
    place.write('sandbox_mode = "read-only"')
    assert (place.load().sandbox_policy.mode, place.load().sandbox_policy.profile) == ("read-only", None)


def test_other_requirements_are_kept_or_named(place: Place) -> None:
    owner = place.write_system(
        'allowed_web_search_modes = ["cached"]\nguardian_policy_config = "be strict"\nenforce_residency = "us"\n'
        "[feature_requirements]\ngoals = false\n",
        name="requirements.toml",
    )
    place.write('web_search = "cached"\n[auto_review]\npolicy = "be kind"')
    config = place.load()
    assert (config.auto_review_policy, config.features["goals"]) == ("be strict", False)
    assert f"{owner}: nothing here enforces these requirements yet: enforce_residency" in config.warnings
    with pytest.raises(ConfigError, match='web_search: "live" is not allowed here'):
        place.load('web_search="live"')
    assert not [text for text in place.load('web_search="disabled"').warnings if "not allowed" in text]


def test_requirements_of_profiles_that_contradict_themselves_are_faults(place: Place) -> None:
    text = 'default_permissions = ":workspace"\nallowed_permission_profiles = { ":read-only" = true }\n'
    owner = place.write_system(text, name="requirements.toml")
    with pytest.raises(ConfigError) as caught:
        place.load()
    (fault,) = caught.value.faults
    assert str(fault).startswith(
        f"{owner}:1: default_permissions: ':workspace' is not among allowed_permission_profiles;"
    )
    place.write_system("allowed_permission_profiles = {}", name="requirements.toml")
    with pytest.raises(ConfigError, match="with at least one true"):
        place.load()


def test_rules_of_the_owner_are_handed_on_with_their_file(place: Place) -> None:
    text = "[[rules.prefix_rules]]\npattern = [{ token = 'rm' }]\ndecision = 'forbidden'\n"
    owner = place.write_system(text, name="requirements.toml")
    config = place.load()
    assert config.owner_rules == {"prefix_rules": [{"pattern": [{"token": "rm"}], "decision": "forbidden"}]}
    assert (config.owner_rules_file, config.warnings) == (str(owner), ())


def test_rules_of_the_owner_that_are_no_table_are_a_fault(place: Place) -> None:
    owner = place.write_system("rules = []\n", name="requirements.toml")
    with pytest.raises(ConfigError, match="rules: expected a table with prefix_rules") as caught:
        place.load()
    assert str(caught.value).startswith(f"{owner}:1: ")


def test_a_default_that_requirements_forbid_adapts_without_a_word(place: Place) -> None:
    place.write_system('allowed_approval_policies = ["on-request"]', name="requirements.toml")
    config = place.load(flags={"exec_defaults": True, "never_asks": True})
    assert (config.approval_policy, config.warnings) == ("on-request", ())


def test_in_a_trusted_project_commands_may_write_also_where_nobody_is_asked(place: Place) -> None:
    place.write(trust(place))
    config = place.load(flags={"exec_defaults": True, "never_asks": True})
    assert (config.approval_policy, config.sandbox_policy.mode) == ("never", "workspace-write")


def test_the_origin_of_a_value_is_the_highest_layer_that_sets_it(place: Place) -> None:
    user = place.write('model = "user"\nfile_opener = "x"\n[shell_environment_policy.set]\nA = "1"\nMY_TOKEN = "s"\n')
    system = place.write_system('model = "system"\n[shell_environment_policy.set]\nB = "2"\n')
    resolution = place.resolve("model=c", flags={"exec_defaults": True}, environ={"CODEX_LOG": "info"})
    found = {origin.key: origin for origin in find_origins(resolution)}
    below = (Setting("user", f"{user}:1", "user"), Setting("system", f"{system}:1", "system"))
    assert found["shell_environment_policy.set"].value == {"A": "1", "B": "2", "MY_TOKEN": "(not shown)"}
    assert found["model"] == Origin(("model",), "c", "override", "-c model=c", below)
    assert found["log_level"] == Origin(("log_level",), "info", "environment", "CODEX_LOG")
    assert found["file_opener"] == Origin(("file_opener",), "x", "user", f"{user}:2", ignored=True)
    assert found["approval_policy"] == Origin(("approval_policy",), "never", "derived", "")
    assert found["agents.max_depth"] == Origin(("agents", "max_depth"), 1, "default", "")
    assert found["sandbox_mode"] == Origin(("sandbox_mode",), "read-only", "default", "")


def test_secrets_are_not_shown_among_the_origins(place: Place) -> None:
    place.write('[model_providers.x]\nbase_url = "http://x"\nexperimental_bearer_token = "very secret"\n')
    found = {origin.key: origin.value for origin in find_origins(place.resolve())}
    assert found["model_providers.x.experimental_bearer_token"] == "(not shown)"
    assert found["model_providers.x.base_url"] == "http://x"


def test_one_table_of_strings_that_two_layers_fill_is_one_value(place: Place) -> None:
    user = place.write('[shell_environment_policy.set]\nA = "1"\n')
    place.write_system('[shell_environment_policy.set]\nB = "2"\n')
    found = {origin.key: origin for origin in find_origins(place.resolve())}["shell_environment_policy.set"]
    assert (found.value, found.layer, found.where) == ({"B": "2", "A": "1"}, "user", f"{user}:1")
