"""What a command sees of our environment."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.config.schema import ShellEnvironmentPolicy
from codex.processes import build_environment
from codex.processes.env import NORMALIZED, apply_policy

OURS = {"PATH": "/bin", "HOME": "/home/me", "API_KEY": "k", "my_token": "t", "AWS_REGION": "r", "EDITOR": "vi"}


@pytest.mark.parametrize(
    ("policy", "names"),
    [
        (ShellEnvironmentPolicy(), "PATH HOME API_KEY my_token AWS_REGION EDITOR"),
        (ShellEnvironmentPolicy(inherit="core"), "PATH HOME"),
        (ShellEnvironmentPolicy(inherit="none"), ""),
        (ShellEnvironmentPolicy(inherit="none", set={"A": "1"}), "A"),
        (ShellEnvironmentPolicy(ignore_default_excludes=False), "PATH HOME AWS_REGION EDITOR"),
        (ShellEnvironmentPolicy(exclude=("aws_*", "EDITOR")), "PATH HOME API_KEY my_token"),
        (ShellEnvironmentPolicy(inherit="none", exclude=("X*",), set={"X_1": "set after the excludes"}), "X_1"),
        (ShellEnvironmentPolicy(include_only=("P*", "*_TOKEN"), set={"OTHER": "1"}), "PATH my_token"),
    ],
)  # fmt: skip
def test_the_policy_decides_which_variables_are_seen(policy: ShellEnvironmentPolicy, names: str) -> None:
    assert list(apply_policy(policy, OURS)) == names.split()


def build(policy: ShellEnvironmentPolicy, environ: dict[str, str], *, network_disabled: bool) -> dict[str, str]:
    return build_environment(
        policy,
        environ,
        thread_id="t1",
        session_id="s1",
        call_id="c1",
        network_disabled=network_disabled,
        programs="/ours",
    )


def test_every_command_gets_what_keeps_programs_quiet() -> None:
    policy = ShellEnvironmentPolicy(inherit="none", set={"PAGER": "less", "A": "1"})
    env = build(policy, OURS, network_disabled=False)
    assert env.pop("CODEX_PYTHON") == sys.executable
    assert env == {
        **NORMALIZED,
        "A": "1",
        "CODEX_THREAD_ID": "t1",
        "CODEX_SESSION_ID": "s1",
        "CODEX_TOOL_CALL_ID": "c1",
    }
    assert env["PAGER"] == "cat"


def test_a_command_without_network_is_told_so() -> None:
    env = build(ShellEnvironmentPolicy(), {}, network_disabled=True)
    assert env["CODEX_SANDBOX_NETWORK_DISABLED"] == "1"


def test_commands_find_our_programs_first_and_only_where_they_have_a_path() -> None:
    policy = ShellEnvironmentPolicy()
    assert build(policy, OURS, network_disabled=False)["PATH"] == "/ours:/bin"
    assert "PATH" not in build(policy, {}, network_disabled=False)


@given(st.dictionaries(st.text(), st.text()), st.lists(st.text(), max_size=3))
def test_what_is_excluded_is_never_seen(environ: dict[str, str], names: list[str]) -> None:
    patterns = tuple(name.replace("[", "").replace("*", "").replace("?", "") for name in names)
    seen = apply_policy(ShellEnvironmentPolicy(exclude=patterns), environ)
    assert not {name.upper() for name in seen} & {pattern.upper() for pattern in patterns}
    assert seen.items() <= environ.items()
