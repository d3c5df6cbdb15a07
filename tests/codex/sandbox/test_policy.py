"""What a policy means for a place, on imagined disks."""

import os
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st

from codex.protocol.permission import Access, FileSystemEntry, SandboxPolicy
from codex.sandbox import Places
from codex.sandbox.patterns import Pattern
from codex.sandbox.policy import PROTECTED_NAMES, Found, Plan, Protected, is_within, resolve_policy

DIRECTORY = Found("directory")


@attrs.frozen
class Disk:
    """A few paths; every parent of one is a directory."""

    entries: dict[str, Found] = attrs.field(factory=dict[str, Found])

    def look(self, path: str) -> Found:
        found = self.entries.get(path)
        if found is None and any(is_within(other, path) for other in self.entries):
            return DIRECTORY
        return found or Found("missing")


def write_policy(*roots: str) -> SandboxPolicy:
    return SandboxPolicy("workspace-write", roots, exclude_slash_tmp=True)


def missing(*paths: str) -> tuple[Protected, ...]:
    return tuple(Protected(path, "missing") for path in sorted(paths))


def test_read_only_and_full_access_have_no_roots() -> None:
    look = Disk({"/work": DIRECTORY}).look
    assert resolve_policy(SandboxPolicy("read-only"), "/work", "/tmp", look) == Plan("read-only", network=False)
    assert resolve_policy(SandboxPolicy("danger-full-access"), "/work", "/tmp", look) == Plan(
        "danger-full-access", network=True
    )


def test_the_network_switch_counts_in_workspace_write_only() -> None:
    look = Disk({"/work": DIRECTORY}).look
    assert resolve_policy(SandboxPolicy("workspace-write", network_access=True), "/work", None, look).network
    assert not resolve_policy(SandboxPolicy("read-only", network_access=True), "/work", None, look).network


def test_workspace_tmp_and_tmpdir_are_writable_unless_excluded() -> None:
    look = Disk({"/work": DIRECTORY, "/tmp": DIRECTORY, "/scratch": DIRECTORY}).look
    policy = SandboxPolicy("workspace-write")
    assert resolve_policy(policy, "/work", "/scratch", look).roots == ("/scratch", "/tmp", "/work")
    policy = attrs.evolve(policy, exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    assert resolve_policy(policy, "/work", "/scratch", look).roots == ("/work",)


def test_a_root_that_is_missing_or_no_directory_is_left_out() -> None:
    look = Disk({"/work": DIRECTORY, "/file": Found("file")}).look
    assert resolve_policy(write_policy("/file", "/none", "relative"), "/work", "", look).roots == ("/work",)


def test_a_root_that_is_a_link_is_followed_only_where_that_is_safe() -> None:
    look = Disk({"/work": Found("link", "/data/work"), "/data/work": DIRECTORY}).look
    assert resolve_policy(write_policy(), "/work", None, look).roots == ("/data/work",)
    assert resolve_policy(write_policy(), "/work", None, look, follow_links=False).roots == ()


def test_where_a_root_led_first_counts_for_ever(tmp_path: Path) -> None:
    real, link, secret = tmp_path / "real", tmp_path / "link", tmp_path / "secret"
    real.mkdir()
    secret.mkdir()
    link.symlink_to("real")
    places = Places()
    assert places.resolve(write_policy(), str(link), None).roots == (str(real),)
    link.unlink()
    link.symlink_to("secret")
    assert places.resolve(write_policy(), str(link), None).roots == (str(real),)
    real.rmdir()
    real.symlink_to("secret")
    assert places.resolve(write_policy(), str(link), None).roots == ()


def test_what_is_missing_is_protected_too() -> None:
    plan = resolve_policy(write_policy(), "/work", None, Disk({"/work": DIRECTORY}).look)
    assert plan.protected == missing("/work/.git", "/work/.codex", "/work/.agents")


def test_the_directory_of_a_git_file_is_protected_where_it_is_in_a_root() -> None:
    disk = Disk(
        {
            "/repo/.git/worktrees/a": DIRECTORY,
            "/work/.git": Found("file", "/repo/.git/worktrees/a"),
        }
    )
    inside = resolve_policy(write_policy("/repo"), "/work", None, disk.look)
    assert Protected("/repo/.git/worktrees/a", "directory") in inside.protected
    outside = resolve_policy(write_policy(), "/work", None, disk.look)
    assert [item.path for item in outside.protected] == ["/work/.agents", "/work/.codex", "/work/.git"]


def test_a_link_is_protected_with_what_it_leads_to() -> None:
    disk = Disk({"/work/.git": Found("link", "/work/real"), "/work/real": DIRECTORY})
    plan = resolve_policy(write_policy(), "/work", None, disk.look)
    assert Protected("/work/.git", "link", "/work/real") in plan.protected
    assert Protected("/work/real", "directory") in plan.protected


def test_a_protected_directory_named_as_root_is_writable() -> None:
    disk = Disk({"/work/.git": DIRECTORY})
    plan = resolve_policy(write_policy("/work/.git"), "/work", None, disk.look)
    assert plan.is_writable("/work/.git/config")
    assert not plan.is_writable("/work/.git/.codex/x")
    assert not plan.is_writable("/work/.codex/x")


def test_what_lies_between_two_roots_is_kept_in_place() -> None:
    plan = resolve_policy(write_policy("/a"), "/a/b/c/d", None, Disk({"/a/b/c/d": DIRECTORY}).look)
    assert (plan.roots, plan.anchors) == (("/a", "/a/b/c/d"), ("/a/b", "/a/b/c"))


def profile(*entries: FileSystemEntry, **options: object) -> SandboxPolicy:
    return SandboxPolicy("workspace-write", profile="mine", entries=entries, **options)  # type: ignore[arg-type]


def path_entry(access: Access, path: str) -> FileSystemEntry:
    return FileSystemEntry("path", access, path)


READ = FileSystemEntry("root", "read")
WORK = FileSystemEntry("workspace_roots", "write")


def test_a_profile_says_what_is_writable_read_only_and_denied() -> None:
    disk = Disk({"/work/sub/deep": DIRECTORY, "/work/link": Found("link", "/vault"), "/vault": DIRECTORY})
    policy = profile(
        READ,
        WORK,
        FileSystemEntry("workspace_roots", "read", "sub"),
        FileSystemEntry("workspace_roots", "write", "sub/deep"),
        FileSystemEntry("workspace_roots", "deny", "**/*.env"),
        path_entry("deny", "/work/link"),
        glob_scan_max_depth=9,
    )
    assert resolve_policy(policy, "/work", None, disk.look) == Plan(
        "workspace-write",
        network=False,
        roots=("/work", "/work/sub/deep"),
        protected=(
            Protected("/work/.agents", "missing"),
            Protected("/work/.codex", "missing"),
            Protected("/work/.git", "missing"),
            Protected("/work/sub", "directory"),
            Protected("/work/sub/deep/.agents", "missing"),
            Protected("/work/sub/deep/.codex", "missing"),
            Protected("/work/sub/deep/.git", "missing"),
        ),
        denied=("/vault", "/work/link"),
        patterns=(Pattern("/work/**/*.env", 9),),
    )


def test_a_rule_for_a_protected_name_lifts_the_protection() -> None:
    policy = profile(READ, WORK, FileSystemEntry("workspace_roots", "write", ".git"))
    plan = resolve_policy(policy, "/work", None, Disk({"/work/.git": DIRECTORY}).look)
    assert plan.is_writable("/work/.git/config")
    assert not plan.is_writable("/work/.codex/x")
    everywhere = resolve_policy(
        profile(FileSystemEntry("root", "write")), "/work", None, Disk({"/work": DIRECTORY}).look
    )
    assert everywhere.is_writable("/work/.git/config")


def test_without_a_rule_for_the_root_nothing_else_can_be_read() -> None:
    disk = Disk({"/work": DIRECTORY, "/usr": DIRECTORY, "/bin": Found("link", "/usr/bin"), "/usr/bin": DIRECTORY})
    plan = resolve_policy(profile(FileSystemEntry("minimal", "read"), WORK), "/work", None, disk.look)
    assert (plan.closed, plan.readable, plan.roots) == (True, ("/usr", "/usr/bin"), ("/work",))
    assert [plan.is_readable(path) for path in ("/usr/x", "/work/x", "/etc/x", "/")] == [True, True, False, False]


def test_of_two_rules_for_a_place_the_denial_counts_and_then_the_writing() -> None:
    look = Disk({"/work": DIRECTORY}).look
    denied = resolve_policy(profile(READ, WORK, path_entry("deny", "/work")), "/work", None, look)
    assert (denied.roots, denied.denied) == ((), ("/work",))
    written = resolve_policy(profile(READ, WORK, path_entry("read", "/work")), "/work", None, look)
    assert written.roots == ("/work",)


def test_what_leaves_the_sandbox_takes_the_denials_along() -> None:
    policy = profile(READ, WORK, path_entry("deny", "/vault"), FileSystemEntry("workspace_roots", "deny", "*.env"))
    outside = resolve_policy(policy.outside(), "/work", None, Disk({"/work": DIRECTORY, "/vault": DIRECTORY}).look)
    assert outside.network
    assert [outside.is_writable(path) for path in ("/etc/x", "/work/.git/x", "/vault/x", "/work/a.env")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert profile(READ, WORK).outside() == SandboxPolicy("danger-full-access")


names = st.sampled_from(["a", "b", "ab", ".git", ".codex", ".agents"])
paths = st.lists(names, max_size=4).map(lambda parts: "/" + "/".join(parts))
founds = st.one_of(
    st.just(DIRECTORY), st.builds(Found, st.just("link"), paths), st.builds(Found, st.just("file"), paths | st.just(""))
)
disks = st.builds(Disk, st.dictionaries(paths, founds, max_size=8))


def expected_writable(plan: Plan, path: str) -> bool:
    """The nearest of the places above decides; a root wins over a protection of the same place."""
    while True:
        if path in plan.roots:
            return True
        if path in {item.path for item in plan.protected}:
            return False
        if path == "/":
            return False
        path = os.path.dirname(path)


@given(disks, paths, st.lists(paths, max_size=3), paths)
def test_the_nearest_root_or_protection_decides(disk: Disk, workspace: str, roots: list[str], path: str) -> None:
    plan = resolve_policy(write_policy(*roots), workspace, None, disk.look)
    assert plan.is_writable(path) == expected_writable(plan, path)


@given(disks, paths, st.lists(paths, max_size=3))
def test_every_root_has_its_names_protected_and_all_comes_in_order(
    disk: Disk, workspace: str, roots: list[str]
) -> None:
    plan = resolve_policy(write_policy(*roots), workspace, None, disk.look)
    protected = [item.path for item in plan.protected]
    for root in plan.roots:
        assert disk.look(root).kind == "directory"
        for name in PROTECTED_NAMES:
            path = os.path.join(root, name)
            assert path in protected or path in plan.roots
    for listing in (list(plan.roots), list(plan.anchors), protected):
        assert len(set(listing)) == len(listing)
        for index, path in enumerate(listing):
            assert not any(is_within(path, later) for later in listing[index + 1 :])
    assert not set(protected) & set(plan.roots)
    assert not set(plan.anchors) & set(plan.roots)


@given(st.lists(names, max_size=4), st.lists(names, max_size=4))
def test_within_is_about_whole_names(directory: list[str], more: list[str]) -> None:
    outer, inner = "/" + "/".join(directory), "/" + "/".join(directory + more)
    assert is_within(inner, outer)
    assert not is_within(outer + "x", outer) or outer == "/"


rules = st.lists(st.builds(path_entry, st.sampled_from(["read", "write", "deny"]), paths), max_size=5)


@given(rules, paths, st.booleans())
def test_the_nearest_rule_says_what_can_be_read_and_written(
    entries: list[FileSystemEntry], path: str, readable_root: bool
) -> None:
    entries = [*entries, *([READ] if readable_root else [])]
    plan = resolve_policy(profile(*entries), "/elsewhere", None, lambda _: DIRECTORY)
    given_: dict[str, set[Access]] = {}
    for entry in entries:
        given_.setdefault("/" if entry.place == "root" else entry.path, set()).add(entry.access)
    place = path
    while place not in given_ and place != "/":
        place = os.path.dirname(place)
    access = next((access for access in ("deny", "write", "read") if access in given_.get(place, {"deny"})), "deny")
    assert plan.is_readable(path) == (access != "deny")
    if not any(name in path.split("/") for name in PROTECTED_NAMES):
        assert plan.is_writable(path) == (access == "write")
