"""What permission profiles in a configuration become, and what is said of wrong ones."""

import pytest

from codex.config.errors import ConfigError
from codex.protocol.permission import FileSystemEntry, SandboxPolicy
from tests.codex.config.place import Place

READ = FileSystemEntry("root", "read")
BASE = """
[permissions.base]
extends = ":workspace"
[permissions.base.filesystem]
glob_scan_max_depth = 8
":workspace_roots" = { "**/*.env" = "deny", ".git" = "write" }
"~/data/**" = "read"
":slash_tmp" = "none"
[permissions.base.network]
enabled = true
unix_sockets = { "/run/x.sock" = "allow", "/run/y.sock" = "deny" }
[permissions.mine]
extends = "base"
description = "for the tests"
workspace_roots = { "~/other" = true, "~/off" = false }
filesystem = { ":slash_tmp" = "read" }
network = { enabled = false }
"""


def problems(place: Place, text: str, name: str = "mine") -> list[str]:
    place.write(text)
    with pytest.raises(ConfigError) as caught:
        place.load(flags={"permission_profile": name})
    return [f"{fault.key}: {fault.problem}" for fault in caught.value.faults]


def test_a_profile_is_what_it_extends_key_by_key_with_its_own_on_top(place: Place) -> None:
    place.write('default_permissions = "mine"\n' + BASE)
    assert place.load(flags={"add_dirs": ["/added"]}).sandbox_policy == SandboxPolicy(
        "workspace-write",
        (f"{place.home}/other", "/added"),
        profile="mine",
        entries=(
            FileSystemEntry("path", "read", f"{place.home}/data"),
            READ,
            FileSystemEntry("slash_tmp", "read"),
            FileSystemEntry("tmpdir", "write"),
            FileSystemEntry("workspace_roots", "deny", "**/*.env"),
            FileSystemEntry("workspace_roots", "write"),
            FileSystemEntry("workspace_roots", "write", ".git"),
        ),
        glob_scan_max_depth=8,
        unix_sockets=("/run/x.sock",),
    )
    base = place.load(flags={"permission_profile": "base"}).sandbox_policy
    assert (base.network, base.denies_reading, base.mode) == (True, True, "workspace-write")


def test_the_built_in_profiles_are_the_three_modes(place: Place) -> None:
    found = [
        place.load(flags={"permission_profile": name, "add_dirs": ["/a"]}).sandbox_policy
        for name in (":read-only", ":workspace", ":danger-full-access")
    ]
    assert found == [
        SandboxPolicy("read-only", profile=":read-only"),
        SandboxPolicy("workspace-write", ("/a",), profile=":workspace"),
        SandboxPolicy("danger-full-access", profile=":danger-full-access"),
    ]


def test_a_sandbox_mode_beats_a_profile_but_not_one_that_was_asked_for_by_option(place: Place) -> None:
    path = place.write('default_permissions = ":workspace"\nsandbox_mode = "read-only"\n')
    config = place.load()
    assert config.sandbox_policy == SandboxPolicy("read-only")
    assert config.warnings == (
        f"default_permissions: ':workspace' is not in force, since {path}:2 sets sandbox_mode; remove one",
    )
    assert place.load(flags={"permission_profile": ":workspace"}).sandbox_policy.mode == "workspace-write"


def test_profiles_that_nobody_asks_for_are_told_of(place: Place) -> None:
    place.write("[permissions.mine]\n")
    assert place.load().warnings == ("permissions: no profile is in force; name one with default_permissions",)
    assert place.load("default_permissions=mine").sandbox_policy == SandboxPolicy(profile="mine", entries=())


def test_a_profile_that_only_reads_counts_as_read_only(place: Place) -> None:
    place.write('[permissions.mine]\nextends = ":read-only"\nnetwork.enabled = true\n')
    policy = place.load("default_permissions=mine").sandbox_policy
    assert policy == SandboxPolicy(profile="mine", entries=(READ,), network_access=True)
    assert policy.network


def test_a_circle_an_unknown_parent_and_full_access_as_parent_are_told(place: Place) -> None:
    circle = '[permissions.mine]\nextends = "b"\n[permissions.b]\nextends = "mine"\n'
    assert problems(place, circle) == [
        "permissions.b.extends: extends itself: mine -> b -> mine; take one of them out",
    ]
    unknown = '[permissions.mine]\nextends = ":workspce"\n'
    assert problems(place, unknown) == [
        "permissions.mine.extends: there is no permission profile ':workspce', did you mean ':workspace'?",
    ]
    full = '[permissions.mine]\nextends = ":danger-full-access"\n'
    assert "no limits to build on" in problems(place, full)[0]
    assert problems(place, "[permissions.mine]\n", "mien") == [
        "default_permissions: there is no permission profile 'mien', did you mean 'mine'?",
    ]


def test_every_wrong_entry_is_told_with_the_way_out(place: Place) -> None:
    text = """
[permissions.":mine"]
[permissions.mine]
extends = 3
workspace_roots = { "~/x" = 1 }
[permissions.mine.filesystem]
glob_scan_max_depth = 0
"/data/*.txt" = "write"
"relative" = "read"
":rot" = "read"
":tmpdir" = { "a" = "read" }
":root" = "reed"
"/x" = { "../y" = "read" }
[permissions.mine.network]
enabled = "yes"
unix_sockets = { "/x*" = "allow", "/y" = "maybe" }
"""
    assert problems(place, text) == [
        "permissions.\":mine\": names that begin with ':' belong to built-in profiles; choose another name",
        "permissions.mine.extends: expected a string that is not empty; got 3",
        'permissions.mine.workspace_roots."~/x": expected true or false; got 1',
        "permissions.mine.filesystem.glob_scan_max_depth: expected a whole number from 1 to 1024; got 0",
        ('permissions.mine.filesystem."/data/*.txt": a pattern can only be "deny"; '
        'name a path, or end it in "/**" for everything below, to write'),
        ("permissions.mine.filesystem.relative: is not absolute; "
        "begin it with '/', '~/', or a special place such as ':workspace_roots'"),
        "permissions.mine.filesystem.\":rot\": is no special place, did you mean ':root'?",
        ('permissions.mine.filesystem.":tmpdir": has no places below it; '
        'give :tmpdir itself an access: one of "read", "write", "deny", "none"'),
        ('permissions.mine.filesystem.":root": expected one of "read", "write", "deny", "none"; '
        "got 'reed', did you mean 'read'?"),
        "permissions.mine.filesystem.\"/x\".\"../y\": is no place below; write it without '.', '..' and a '/' in front",
        "permissions.mine.network.enabled: expected true or false; got 'yes'",
        ('permissions.mine.network.unix_sockets."/x*": is not the path of a socket; '
        "begin it with '/' or '~/', and without patterns"),
        "permissions.mine.network.unix_sockets.\"/y\": expected \"allow\" or \"deny\"; got 'maybe'",
    ]  # fmt: skip


def test_a_network_that_cannot_be_narrowed_is_refused_rather_than_opened(place: Place) -> None:
    narrow = '[permissions.mine.network]\nenabled = true\ndomains = { "example.org" = "allow" }\n'
    assert problems(place, narrow) == [
        (
            "permissions.mine.network.domains: the network cannot be narrowed here, so commands would reach every "
            "host; remove it to allow that, or set network.enabled = false"
        ),
    ]
    place.write(narrow.replace("true", "false"))
    assert not place.load("default_permissions=mine").sandbox_policy.network


def test_an_unknown_key_of_a_profile_is_told_as_everywhere(place: Place) -> None:
    path = place.write("[permissions.mine]\nextend = 'x'\n")
    warnings = place.load("default_permissions=mine").warnings
    assert warnings == (f"{path}:2: permissions.mine.extend: unknown key, ignored, did you mean 'extends'?",)
