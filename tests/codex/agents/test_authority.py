"""Nobody hands on more than they have: what a child may do is what its parent may, and what its own settings say."""

import os
from itertools import product
from typing import Any, get_args

import attrs
from hypothesis import given
from hypothesis import strategies as st

from codex.agents.authority import Authority, authority_of, intersect_approvals, intersect_tools, narrowed
from codex.config.schema import Config
from codex.protocol.permission import (
    APPROVAL_POLICIES,
    Access,
    ApprovalPolicy,
    FileSystemEntry,
    Granular,
    SandboxPolicy,
    policies_of,
)
from codex.sandbox.policy import Found, Plan, resolve_policy
from codex.tools.approval import CommandFacts, RuleDecision, Verdict, after_denial, decide, decide_patch

TMPDIR = "/tmp/mine"
DIRECTORIES = ("/w", "/w/sub", "/w/sub/.git", "/w/gd", "/data", "/data/in", "/data/in/.git", "/tmp", TMPDIR, "/secret")
# `/w/.git` is a file that names a directory within the workspace; `/data/out` leads out of its directory.
DISK = {
    **{path: Found("directory") for path in ("/", *DIRECTORIES)},
    "/w/.git": Found("file", "/w/gd"),
    "/data/out": Found("link", "/secret"),
}
PATHS = tuple(
    f"{path.rstrip('/')}{end}" for path in DISK for end in ("", "/x", "/.git", "/.git/x", "/.codex", "/key.pem")
)
PLACES = ("/", "/w", "/w/.git", "/w/gd", "/w/sub", "/w/sub/.git", "/data", "/data/in", "/data/out", "/secret", "/tmp")
STRICTNESS: tuple[Verdict, ...] = ("outside", "run", "ask", "refuse")


def look(path: str) -> Found:
    return DISK.get(path, Found("missing"))


plain = st.builds(
    SandboxPolicy,
    st.sampled_from(["read-only", "workspace-write", "danger-full-access"]),
    st.lists(st.sampled_from([*PLACES[1:], "/gone"]), max_size=3, unique=True).map(tuple),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
entries = st.one_of(
    st.builds(FileSystemEntry, st.just("path"), st.sampled_from(get_args(Access)), st.sampled_from(PLACES)),
    st.builds(
        FileSystemEntry,
        st.sampled_from(["root", "minimal", "workspace_roots", "tmpdir", "slash_tmp"]),
        st.sampled_from(get_args(Access)),
    ),
    st.just(FileSystemEntry("glob", "deny", "/w/**/*.pem")),
)
profiles = st.builds(
    SandboxPolicy,
    st.sampled_from(["read-only", "workspace-write"]),
    network_access=st.booleans(),
    entries=st.lists(entries, max_size=5).map(tuple),
)
sandboxes = plain | profiles
granulars = st.builds(Granular, *[st.booleans()] * 5)
approvals = st.lists(st.sampled_from(APPROVAL_POLICIES) | granulars, min_size=1, max_size=3).map(
    lambda several: several[0] if len(several) == 1 else intersect_approvals(tuple(several), several[0])
)
tools = st.none() | st.frozensets(st.sampled_from(["exec_command", "apply_patch", "spawn_agent"]))
workspaces = st.sampled_from(["/w", "/w", "/w/sub", "/data"])
authorities = st.builds(Authority, workspaces, sandboxes, approvals, tools, st.booleans())
facts = st.builds(
    CommandFacts, st.booleans(), st.sampled_from([None, *get_args(RuleDecision)]), st.just(value=False), st.booleans()
)


def plan(authority: Authority) -> Plan:
    return resolve_policy(authority.sandbox, authority.workspace, TMPDIR, look)


def within(child: Authority, parent: Authority) -> Authority:
    return child.within(parent, tmpdir=TMPDIR, look=look)


def reach(authority: Authority) -> tuple[set[str], set[str], bool]:
    """What it can write, and read, and whether it reaches the network."""
    found = plan(authority)
    return (
        {path for path in PATHS if found.is_writable(path)},
        {path for path in PATHS if found.is_readable(path)},
        found.network,
    )


@given(authorities, authorities)
def test_a_childs_authority_is_never_wider_than_its_parents_or_its_own(child: Authority, parent: Authority) -> None:
    both = within(child, parent)
    for owner in (child, parent):
        for found, allowed in zip(reach(both)[:2], reach(owner)[:2], strict=True):
            assert found <= allowed
        assert plan(both).network <= plan(owner).network
        assert owner.tools is None or (both.tools is not None and both.tools <= owner.tools)
        assert both.unprotected_git <= owner.unprotected_git
    assert both.workspace == child.workspace


@given(authorities, authorities)
def test_what_both_may_write_or_read_the_child_may_too_but_for_what_is_protected(
    child: Authority, parent: Authority
) -> None:
    """Nothing is taken away needlessly; only what some root protects by itself may stay read-only."""
    child = attrs.evolve(child, workspace=parent.workspace)
    both, own, above = plan(within(child, parent)), plan(child), plan(parent)
    for path in PATHS:
        if own.is_readable(path) and above.is_readable(path):
            assert both.is_readable(path)
        protected = any(part in (".git", ".codex", "gd") for part in path.split("/"))
        if own.is_writable(path) and above.is_writable(path) and not protected and not path.startswith("/tmp"):
            assert both.is_writable(path)


@given(authorities, authorities)
def test_narrowing_twice_changes_nothing(child: Authority, parent: Authority) -> None:
    once = within(child, parent)
    twice = within(once, parent)
    assert reach(twice) == reach(once)
    assert (twice.approval, twice.tools, twice.unprotected_git) == (once.approval, once.tools, once.unprotected_git)
    assert within(child, child) == child


@given(authorities, authorities)
def test_in_one_directory_it_does_not_matter_which_of_two_is_the_parent(one: Authority, two: Authority) -> None:
    two = attrs.evolve(two, workspace=one.workspace)
    first, second = within(one, two), within(two, one)
    assert reach(first) == reach(second)
    assert (first.approval, first.tools, first.unprotected_git) == (
        second.approval,
        second.tools,
        second.unprotected_git,
    )


@given(authorities, authorities, authorities)
def test_a_grandchild_may_do_nothing_that_anybody_above_it_may_not(
    grandchild: Authority, child: Authority, root: Authority
) -> None:
    last = within(grandchild, within(child, root))
    for owner in (grandchild, child, root):
        assert all(found <= allowed for found, allowed in zip(reach(last)[:2], reach(owner)[:2], strict=True))


@given(approvals, approvals, sandboxes, facts, st.booleans(), st.booleans())
def test_two_approval_policies_together_are_as_strict_as_the_stricter_one_and_ask_only_where_both_may_ask(
    one: ApprovalPolicy, two: ApprovalPolicy, sandbox: SandboxPolicy, facts: CommandFacts, inside: bool, removes: bool
) -> None:
    both = intersect_approvals(one, two)

    def verdicts(policy: ApprovalPolicy) -> tuple[Verdict, ...]:
        return (
            decide(policy, sandbox, facts),
            after_denial(policy),
            decide_patch(policy, inside=inside, removes=removes),
        )

    for together, *separate in zip(verdicts(both), verdicts(one), verdicts(two), strict=True):
        strictest = max(map(STRICTNESS.index, separate))
        assert STRICTNESS.index(together) >= strictest
        if "never" in (*policies_of(one), *policies_of(two)):
            assert together != "ask"
        elif not any(isinstance(policy, Granular) for policy in (*policies_of(one), *policies_of(two))):
            assert STRICTNESS.index(together) == strictest


def test_policies_of_which_one_holds_the_other_become_that_one() -> None:
    assert intersect_approvals("on-request", "never") == "never"
    assert intersect_approvals("untrusted", "permissive") == "untrusted"
    assert intersect_approvals("untrusted", "never") == ("never", "untrusted")
    assert intersect_approvals(Granular(rules=False), Granular(sandbox_approval=False)) == Granular(
        sandbox_approval=False, rules=False
    )
    for one, two in product(APPROVAL_POLICIES, repeat=2):
        assert intersect_approvals(one, two) == intersect_approvals(two, one)


def test_an_untrusted_parent_that_nobody_may_ask_has_no_child_that_runs_what_is_unknown() -> None:
    both = intersect_approvals("untrusted", "never")
    assert decide(both, SandboxPolicy("workspace-write"), CommandFacts()) == "refuse"
    assert decide(both, SandboxPolicy("workspace-write"), CommandFacts(allowed=True)) == "outside"


def test_tools_are_those_that_both_name() -> None:
    assert intersect_tools(None, None) is None
    assert intersect_tools(None, frozenset({"a"})) == frozenset({"a"})
    assert intersect_tools(frozenset({"a", "b"}), frozenset({"b", "c"})) == frozenset({"b"})


def config(**settings: Any) -> Config:
    return attrs.evolve(Config("/home/.codex", "/w"), **settings)


def test_a_child_takes_over_what_protects_the_user_beside_its_authority() -> None:
    parent = config(owner_rules={"prefix_rules": []}, trust_level="untrusted", ignore_rules=False)
    child = config(trust_level="trusted", ignore_rules=True, hooks=(("user", "/h", {}),), model="other")
    assert narrowed(child, parent, tmpdir=None, look=look) == attrs.evolve(parent, model="other")


def test_a_root_in_another_ones_workspace_stays_and_one_elsewhere_goes() -> None:
    parent = config(sandbox_policy=SandboxPolicy("workspace-write", ("/data",), exclude_slash_tmp=True))
    wanted = SandboxPolicy("workspace-write", ("/data/in", "/secret"), network_access=True, exclude_slash_tmp=True)
    child = config(sandbox_policy=wanted)
    assert narrowed(child, parent, tmpdir=None, look=look).sandbox_policy == SandboxPolicy(
        "workspace-write", ("/data/in",), exclude_slash_tmp=True
    )


def test_a_link_does_not_lead_a_child_out_of_its_parents_roots() -> None:
    parent = config(sandbox_policy=SandboxPolicy("workspace-write", ("/data",)))
    child = config(sandbox_policy=SandboxPolicy("workspace-write", ("/data/out",)))
    both = narrowed(child, parent, tmpdir=None, look=look)
    assert not plan(authority_of(both)).is_writable("/secret/x")


def test_on_the_real_disk_a_profile_keeps_its_form_below_a_parent_without_limits() -> None:
    entries = (FileSystemEntry("root", "read"), FileSystemEntry("path", "deny", os.path.realpath("/etc/passwd")))
    child = config(sandbox_policy=SandboxPolicy("read-only", entries=entries, profile="mine"))
    parent = config(sandbox_policy=SandboxPolicy("danger-full-access"))
    assert narrowed(child, parent, tmpdir=None).sandbox_policy == child.sandbox_policy
