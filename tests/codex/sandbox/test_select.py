"""Which level a machine gives, and what is said where it gives less than the policy needs."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.errors import ToolFailure
from codex.ports.process import SandboxUnavailable
from codex.protocol.permission import SANDBOX_MODES, SandboxMode
from codex.sandbox import Capabilities, describe, select_level
from codex.sandbox.linux import UNCONFINED, confinement_of
from codex.sandbox.policy import Plan, Protected

FULL = Capabilities("linux", "x86_64", namespaces_refused="", fresh_proc=True, landlock_abi=7, seccomp=True)
DOCKER = attrs.evolve(FULL, namespaces_refused="clone: Operation not permitted", fresh_proc=False)
OLD = attrs.evolve(DOCKER, landlock_abi=1)
MAC = Capabilities("darwin", "arm64")


def level(mode: SandboxMode, capabilities: Capabilities, *, allow: bool = False) -> str:
    return select_level(mode, capabilities, allow_unprotected_git=allow)


def test_a_refusal_is_told_to_the_model() -> None:
    assert issubclass(SandboxUnavailable, ToolFailure)


def test_namespaces_are_the_first_choice() -> None:
    assert [level(mode, FULL) for mode in SANDBOX_MODES] == ["namespaces", "namespaces", "none"]


def test_without_namespaces_landlock_confines_and_writing_needs_the_users_word() -> None:
    assert level("read-only", DOCKER) == "landlock"
    with pytest.raises(SandboxUnavailable, match=r"clone: Operation not permitted.*allow_unprotected_git"):
        level("workspace-write", DOCKER)
    assert level("workspace-write", DOCKER, allow=True) == "landlock"


@pytest.mark.parametrize(
    "capabilities", [OLD, MAC, attrs.evolve(FULL, seccomp=False), attrs.evolve(FULL, machine="riscv64")]
)
def test_where_neither_works_only_full_access_runs(capabilities: Capabilities) -> None:
    assert level("danger-full-access", capabilities) == "none"
    for mode in ("read-only", "workspace-write"):
        with pytest.raises(SandboxUnavailable, match=f"{mode} sandbox.*danger-full-access"):
            level(mode, capabilities, allow=True)


machines = st.builds(
    Capabilities,
    st.sampled_from(["linux", "darwin", "win32"]),
    st.sampled_from(["x86_64", "aarch64", "riscv64", ""]),
    st.sampled_from(["", "refused"]),
    st.booleans(),
    st.integers(0, 9),
    st.booleans(),
)


@given(machines, st.sampled_from(SANDBOX_MODES), st.booleans())
def test_a_confining_mode_never_runs_without_a_sandbox(machine: Capabilities, mode: SandboxMode, allow: bool) -> None:
    try:
        chosen = select_level(mode, machine, allow_unprotected_git=allow)
    except SandboxUnavailable:
        chosen = "refused"
    if chosen == "refused":
        assert mode != "danger-full-access"
        return
    assert (chosen == "none") == (mode == "danger-full-access")
    if chosen != "none":
        assert chosen == machine.best_level


@given(machines)
def test_a_description_names_the_level_what_is_open_and_the_way_out(machine: Capabilities) -> None:
    told = describe(machine)
    assert told.level == machine.best_level
    assert told.unprotected
    assert bool(told.remedy) == (told.level != "namespaces")


def test_the_helper_is_told_all_that_the_plan_says() -> None:
    plan = Plan(
        "workspace-write",
        network=False,
        roots=("/a", "/a/b/c"),
        anchors=("/a/b",),
        protected=(Protected("/a/.git", "link", "/x"), Protected("/a/.codex", "missing"), Protected("/a/d", "file")),
    )
    told = confinement_of(plan, "namespaces", "x86_64", {})
    assert (told.level, told.network, told.scans, told.reachable) == ("namespaces", False, (), None)
    assert told.layers == (
        ("/a", "write", ""),
        ("/a/.codex", "hold", ""),
        ("/a/.git", "link", "/x"),
        ("/a/b", "write", ""),
        ("/a/b/c", "write", ""),
        ("/a/d", "hold", ""),
    )
    assert told.syscalls
    lower = confinement_of(plan, "landlock", "x86_64", {})
    assert (lower.level, lower.layers) == ("landlock", (("/a", "write", ""), ("/a/b/c", "write", "")))
    assert confinement_of(Plan("danger-full-access", network=True), "none", "x86_64", {}) is UNCONFINED
