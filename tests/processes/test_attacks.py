"""What a hostile command tries, in each mode, as root and as another user; each shown to succeed without a sandbox."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import pytest

from codex.protocol.permission import SandboxMode, SandboxPolicy
from tests.processes.machines import (
    ENV,
    HERE,
    NOBODY,
    PYTHON,
    Machine,
    open_machine,
    require_landlock,
    require_namespaces,
    require_uid,
)

ALWAYS = {"write_dev_null", "write_dev_shm", "socket_unix", "socketpair_talks"}
IN_WORKSPACE = {
    "write_cwd",
    "write_subdirectory",
    "write_extra_root",
    "write_slash_tmp",
    "chmod_inside",
    "rename_inside",
}
WITH_NETWORK = {
    "socket_inet",
    "socket_inet6",
    "socket_udp",
    "socket_netlink",
    "tcp_connect",
    "tcp_listen",
    "udp_send",
    "socket_unix_datagram",
    "unix_bind",
}
# A program that is installed where commands may write, as a checkout in /tmp is, can be changed by them.
INSTALLED_THERE = {"overwrite_helper"} if str(HERE).startswith("/tmp/") else set[str]()
# What an ordinary user cannot do without a sandbox either; it proves nothing then.
ROOT_ONLY = {
    "bind_mount",
    "bpf",
    "chroot_here",
    "fsopen_tmpfs",
    "delete_module",
    "has_capabilities",
    "mknod_in_shared_memory",
    "move_mount",
    "open_cgroup",
    "open_memory_device",
    "open_password_file",
    "overwrite_helper",
    "pick_root_mount",
    "reboot_without_its_magic",
    "set_domain_name",
    "socket_raw",
    "socket_xdp",
    "swap_on",
    "init_module",
    "mknod_block_device",
    "mknod_character_device",
    "mount_setattr_writable",
    "mount_tmpfs",
    "open_by_handle",
    "open_core_pattern",
    "open_disk",
    "open_hostname",
    "open_sys_file",
    "open_sysrq_trigger",
    "open_tree_clone",
    "pivot_root_here",
    "remount_writable",
    "sethostname",
    "setns_self",
    "socket_packet",
    "unmount_git",
    "unmount_proc_lazily",
    "unshare_mounts",
    "unshare_network",
}
# What proves nothing as root: it is root already.
USER_ONLY = {"setuid_program"}
# What this kernel was built without; found out by the run without a sandbox.
MAYBE_MISSING = {
    "add_key",
    "bpf",
    "delete_module",
    "init_module",
    "keyctl",
    "open_cgroup",
    "open_memory_device",
    "socket_bluetooth",
    "socket_xdp",
    "swap_on",
    "open_disk",
    "open_sys_file",
    "open_sysrq_trigger",
    "perf_event_open",
    "socket_alg",
    "socket_vsock",
    "userfaultfd",
}


@attrs.frozen
class Field:
    """Where the probes aim."""

    where: dict[str, object]
    policy: SandboxPolicy


@contextmanager
def field(uid: int, policy: SandboxPolicy) -> Iterator[Field]:
    """A workspace inside of a writable root, places outside, a process to hurt and sockets to reach."""
    base = Path(tempfile.mkdtemp(prefix="attack-", dir="/var/tmp"))
    shared = base / "shared"
    work, extra, second, third = (shared / name for name in ("parent/work", "extra", "second", "third"))
    for directory in (
        work / "sub",
        work / ".git/hooks",
        extra,
        second,
        third / "real-git",
        shared / "pointed",
        base / "home",
    ):
        directory.mkdir(parents=True)
    outside = base / "outside"
    outside.mkdir()
    for name in ("file", "doomed", "mover"):
        (outside / name).write_text("precious")
    (work / ".git/config").write_text("[core]\n")
    (work / "leads-out").symlink_to(outside)
    (second / ".git").write_text(f"gitdir: {shared / 'pointed'}\n")
    (third / ".git").symlink_to(third / "real-git")
    setuid = outside / "setuid"
    shutil.copy(PYTHON, setuid)
    subprocess.run(["chown", "-R", f"{uid}:{uid}", str(base)], check=True)
    os.chown(setuid, os.getuid(), os.getgid())
    setuid.chmod(0o4755)
    base.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        path, datagram, abstract = str(outside / "socket"), str(outside / "datagram"), f"probe-{os.getpid()}"
        stream, packets = socket.SOCK_STREAM, socket.SOCK_DGRAM
        for address, kind in ((path, stream), ("\0" + abstract, stream), (datagram, packets)):
            server = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            server.bind(address)
            if kind == socket.SOCK_STREAM:
                server.listen(64)
        for name in (path, datagram):
            os.chmod(name, 0o777)
        victim = subprocess.Popen(["sleep", "600"], cwd=outside, user=uid, group=uid, extra_groups=[], env=ENV)
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        where: dict[str, object] = {
            "work": str(work), "extra": str(extra), "second": str(second), "third": str(third),
            "pointed": str(shared / "pointed"), "outside": str(outside), "home": str(base / "home"),
            "victim": victim.pid, "setuid": str(setuid), "socket": path, "datagram": datagram, "abstract": abstract,
            "port": listener.getsockname()[1], "helper": str(HERE.parents[1] / "codex/sandbox/helper/main.py"),
            "confined": policy.mode != "danger-full-access",
        }  # fmt: skip
        roots = tuple(str(root) for root in (shared, extra, second, third))
        yield Field(where, attrs.evolve(policy, writable_roots=roots))


async def attack(machine: Machine, field: Field, *, depth: str = "child", **options: bool) -> dict[str, str]:
    """The outcome of every probe."""
    where = json.dumps({**field.where, "depth": depth})
    command = (PYTHON, "-B", str(HERE / "attacks/run.py"), where)
    code, output = await machine.run(
        *command, cwd=str(field.where["work"]), policy=field.policy, tty=True, within=60, **options
    )
    assert code == 0, output
    return json.loads(output[output.index("{") :])


def succeeded(outcome: dict[str, str]) -> set[str]:
    return {name for name, result in outcome.items() if result == "ok"}


@pytest.mark.parametrize("uid", [0, NOBODY])
async def test_every_probe_succeeds_without_a_sandbox(uid: int) -> None:
    require_uid(uid)
    async with open_machine(uid=uid) as machine:
        with field(uid, SandboxPolicy("danger-full-access")) as target:
            outcome = await attack(machine, target)
    expected = set(outcome) - (ROOT_ONLY if uid else USER_ONLY) - MAYBE_MISSING
    assert {name: outcome[name] for name in sorted(expected - succeeded(outcome))} == {}


@pytest.mark.parametrize("depth", ["child", "grandchild", "daemon"])
@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (SandboxPolicy("read-only"), ALWAYS),
        (SandboxPolicy("workspace-write"), ALWAYS | IN_WORKSPACE),
        (SandboxPolicy("workspace-write", network_access=True), ALWAYS | IN_WORKSPACE | WITH_NETWORK),
    ],
    ids=["read-only", "workspace-write", "with-network"],
)
@pytest.mark.parametrize("uid", [0, NOBODY])
async def test_the_sandbox_lets_through_what_the_policy_says_and_nothing_else(
    uid: int, policy: SandboxPolicy, allowed: set[str], depth: str
) -> None:
    require_uid(uid)
    async with open_machine(uid=uid) as machine:
        await require_namespaces(machine)
        with field(uid, policy) as target:
            outcome = await attack(machine, target, depth=depth)
            left = set(os.listdir(str(target.where["outside"])))
    meaningless = INSTALLED_THERE if uid else INSTALLED_THERE | USER_ONLY
    assert {name: outcome[name] for name in sorted((succeeded(outcome) ^ allowed) - meaningless)} == {}
    assert left == {"file", "doomed", "mover", "setuid", "socket", "datagram"}


# Without namespaces the processes of this user can be seen, and looked at as far as the kernel lets them.
SEEN = {"kill_everybody_outside", "limit_outside", "pidfd_outside"}
UNPROTECTED = {
    "chmod_git",
    "chmod_newer_call_outside",
    "chmod_outside",
    "chown_outside",
    "create_agents_link",
    "create_codex_directory",
    "create_git_hook",
    "hardlink_into_git",
    "move_parent_of_workspace",
    "move_workspace",
    "rename_git",
    "replace_git_link",
    "replace_missing_git",
    "unlink_git_file",
    "utime_outside",
    "write_directory_of_git_file",
    "write_git_config",
    "write_through_git_link",
    "xattr_outside",
}


@pytest.mark.parametrize(
    ("mode", "allowed"),
    [
        ("read-only", (ALWAYS | SEEN) - {"write_dev_shm"}),
        ("workspace-write", (ALWAYS | SEEN | IN_WORKSPACE | UNPROTECTED) - {"write_dev_shm"}),
    ],
)
@pytest.mark.parametrize("uid", [0, NOBODY])
async def test_landlock_keeps_commands_from_writing_outside_where_namespaces_are_refused(
    uid: int, mode: SandboxMode, allowed: set[str]
) -> None:
    require_uid(uid)
    async with open_machine(uid=uid) as probing:
        capabilities = await require_landlock(probing)
    async with open_machine(uid=uid, pretend=attrs.evolve(capabilities, namespaces_refused="for the test")) as machine:
        with field(uid, SandboxPolicy(mode)) as target:
            outcome = await attack(machine, target, allow_unprotected_git=True)
    # Root without capabilities may not renice a root that has some.
    meaningless = {"renice_outside", *INSTALLED_THERE} if uid else {"renice_outside", *INSTALLED_THERE, *USER_ONLY}
    assert {name: outcome[name] for name in sorted((succeeded(outcome) ^ allowed) - meaningless)} == {}


@pytest.mark.parametrize("mode", ["read-only", "workspace-write", "danger-full-access"])
async def test_no_descriptor_of_ours_reaches_a_command(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        if mode != "danger-full-access":
            await require_namespaces(machine)
        # The fourth is the directory that is listed.
        assert (await machine.run("ls", "/proc/self/fd", mode=mode))[1].split() == ["0", "1", "2", "3"]
