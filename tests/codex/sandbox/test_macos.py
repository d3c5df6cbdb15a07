"""The profile for macOS: its text, its form, and that every parameter it names has a value."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.sandbox.macos import SANDBOX_EXEC, Seatbelt, seatbelt_of
from codex.sandbox.patterns import Pattern
from codex.sandbox.policy import Plan, Protected

PLAN = Plan(
    "workspace-write",
    network=False,
    roots=("/w", "/w/a/b"),
    anchors=("/w/a",),
    protected=(Protected("/w/.git", "directory"), Protected("/w/a/b/.git", "missing")),
    denied=("/w/secret",),
    patterns=(Pattern("/w/**/*.env"),),
)


def parse(text: str) -> list[object]:
    """The expressions of the text; anything that is not one raises."""
    tokens = re.findall(r'\(|\)|#?"(?:[^"\\]|\\.)*"|[^\s()"]+', text)
    assert "".join(tokens) == re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda found: found[1] or "", text)
    stack: list[list[object]] = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            assert done, "an empty expression"
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    assert len(stack) == 1, "an expression that does not end"
    assert all(isinstance(item, list) for item in stack[0])
    return stack[0]


def parameters_in(text: str) -> set[str]:
    return set(re.findall(r'\(param "([A-Z_0-9]+)"\)', text))


def own_lines(seatbelt: Seatbelt) -> list[str]:
    """What the plan adds to what every profile holds."""
    return seatbelt.profile.partition('"^/dev/ttys[0-9]+$"))\n')[2].splitlines()


def test_the_plan_is_told_from_the_outside_in_since_the_last_rule_counts() -> None:
    found = seatbelt_of(PLAN)
    assert own_lines(found) == [
        "(allow file-read*)",
        '(allow file-read* file-write* (subpath (param "WRITABLE_0")))',
        '(deny file-write-unlink (literal (param "WRITABLE_0")))',
        '(deny file-write* (subpath (param "PROTECTED_0")))',
        '(deny file-write-unlink (literal (param "ANCHOR_0")))',
        '(allow file-read* file-write* (subpath (param "WRITABLE_1")))',
        '(deny file-write-unlink (literal (param "WRITABLE_1")))',
        '(deny file-write* (subpath (param "PROTECTED_1")))',
        '(deny file-read* file-write* (subpath (param "DENIED_0")))',
        r'(deny file-read* file-write* (regex #"^/w/(([^/]+/)*[^/]*\.env)(/.*)?$"))',
    ]
    assert found.parameters == (
        ("WRITABLE_0", "/w"),
        ("PROTECTED_0", "/w/.git"),
        ("ANCHOR_0", "/w/a"),
        ("WRITABLE_1", "/w/a/b"),
        ("PROTECTED_1", "/w/a/b/.git"),
        ("DENIED_0", "/w/secret"),
    )


def test_read_only_writes_nowhere_and_has_no_network() -> None:
    assert own_lines(seatbelt_of(Plan("read-only", network=False))) == ["(allow file-read*)"]


def test_with_the_network_sockets_of_others_stay_closed() -> None:
    lines = own_lines(seatbelt_of(Plan("workspace-write", network=True, workspace=("/w",))))
    assert lines[1] == "(allow network*)"
    assert lines[4:] == [
        "(deny network-outbound (remote unix-socket))",
        '(allow network-outbound (literal "/private/var/run/mDNSResponder"))',
        '(allow network-outbound (remote unix-socket (subpath (param "SOCKETS_0"))))',
    ]


def test_the_command_stands_behind_the_profile() -> None:
    found = seatbelt_of(PLAN)
    argv = found.argv(("sh", "-c", "true"))
    assert argv[:3] == (SANDBOX_EXEC, "-p", found.profile)
    assert argv[3] == "-DWRITABLE_0=/w"
    assert argv[-4:] == ("--", "sh", "-c", "true")


paths = st.lists(st.text(st.sampled_from('ab."\\() \n*'), min_size=1, max_size=4), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
many = st.lists(paths, max_size=3, unique=True).map(tuple)
plans = st.builds(
    Plan,
    st.sampled_from(["read-only", "workspace-write"]),
    network=st.booleans(),
    roots=many,
    anchors=many,
    protected=many.map(lambda found: tuple(Protected(path, "directory") for path in found)),
    denied=many,
    readable=many,
    closed=st.booleans(),
    patterns=st.lists(st.builds(Pattern, paths), max_size=2).map(tuple),
    workspace=many,
)


@given(plans)
def test_every_profile_is_well_formed_and_every_parameter_has_one_value(plan: Plan) -> None:
    found = seatbelt_of(plan)
    expressions = parse(found.profile)
    assert expressions[:2] == [["version", "1"], ["deny", "default"]]
    assert {name for name, _ in found.parameters} == parameters_in(found.profile)
    assert len(dict(found.parameters)) == len(found.parameters)


@pytest.mark.skipif(sys.platform != "darwin", reason="sandbox-exec is a program of macOS")
def test_macos_takes_the_profile_and_keeps_to_it(tmp_path: Path) -> None:
    work = tmp_path.resolve() / "work"
    work.mkdir()
    seatbelt = seatbelt_of(Plan("workspace-write", network=False, roots=(str(work),)))
    argv = seatbelt.argv(("/bin/sh", "-c", "echo x > in; echo x > ../out"))
    subprocess.run(argv, cwd=work, check=False)
    assert (work / "in").exists()
    assert not (work.parent / "out").exists()
