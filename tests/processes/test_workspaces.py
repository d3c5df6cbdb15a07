"""Workspaces of odd shapes, and what stands in them while a command runs."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from codex.processes import Process, SpawnFailed
from codex.protocol.permission import SandboxPolicy
from tests.processes.machines import ENV, Machine, open_machine, require_namespaces, wait_true

WRITE = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
NAMES = (".git", ".codex", ".agents")


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="workspace-", dir="/var/tmp") as directory:
        yield Path(directory)


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, env=ENV)


def standing(directory: Path) -> list[str]:
    return [name for name in NAMES if os.path.lexists(directory / name)]


async def ready(machine: Machine, cwd: Path, script: str = "echo ready; sleep 3600", **options: object) -> Process:
    await require_namespaces(machine)
    process = await machine.start("sh", "-c", script, cwd=cwd, **{"policy": WRITE, **options})
    while b"ready" not in process.output:
        assert process.running, process.output
        await process.collect(0.01)
    return process


async def test_what_stands_for_a_missing_name_goes_with_the_command(place: Path) -> None:
    async with open_machine() as machine:
        process = await ready(machine, place)
        assert standing(place) == list(NAMES)
        await process.terminate()
        assert await wait_true(lambda: standing(place) == [])


async def test_it_stays_as_long_as_another_command_relies_on_it(place: Path) -> None:
    attack = "read line; mkdir -p .git/hooks && echo broken"
    async with open_machine() as machine, open_machine() as other:
        first = await ready(machine, place)
        second = await ready(other, place, f"echo ready; {attack}", tty=True)
        await first.terminate()
        await trio.sleep(0.1)
        assert standing(place) == list(NAMES)
        await second.write(b"go\n")
        output = await second.collect(10)
        assert b"broken\r\n" not in output
        assert b"Read-only file system" in output
        assert await wait_true(lambda: standing(place) == [])


async def test_what_the_user_puts_there_meanwhile_stays_his_and_cannot_be_written(place: Path) -> None:
    async with open_machine() as machine:
        process = await ready(machine, place, "echo ready; read line; touch .git/config; echo $?", tty=True)
        git("init", "-q", str(place))
        await process.write(b"go\n")
        assert b"Read-only file system" in await process.collect(10)
        assert (place / ".git/HEAD").exists()
        assert await wait_true(lambda: standing(place) == [".git"])


async def test_what_a_crash_left_behind_is_tidied_by_the_next_command(place: Path) -> None:
    (place / ".git").mkdir()
    os.utime(place / ".git", (1, 1))
    (place / ".codex").mkdir()
    async with open_machine() as machine:
        process = await ready(machine, place)
        await process.terminate()
        assert await wait_true(lambda: standing(place) == [".codex"])


async def test_git_works_in_a_workspace_whose_git_directory_is_elsewhere(place: Path) -> None:
    main, tree = place / "main", place / "tree"
    git("init", "-q", str(main))
    git("-c", "user.name=n", "-c", "user.email=e@x", "-C", str(main), "commit", "-q", "--allow-empty", "-m", "m")
    git("-C", str(main), "worktree", "add", "-q", str(tree))
    (tree / "file").write_text("x")
    policy = SandboxPolicy("workspace-write", (str(main),), exclude_slash_tmp=True)
    async with open_machine() as machine:
        await require_namespaces(machine)
        script = "git status --porcelain; echo x > ../main/.git/worktrees/tree/HEAD; echo x > ../main/.git/config"
        code, output = await machine.shell(script, cwd=tree, policy=policy)
    assert "?? file" in output
    assert output.count("Read-only file system") == 2
    assert code != 0


async def test_git_works_where_git_is_a_link(place: Path) -> None:
    git("init", "-q", str(place))
    (place / ".git").rename(place / "real")
    (place / ".git").symlink_to("real")
    (place / "file").write_text("x")
    async with open_machine() as machine:
        await require_namespaces(machine)
        script = "git status --porcelain; rm -f .git; echo x > real/config; ln -sfn /tmp .git"
        code, output = await machine.shell(script, cwd=place, policy=WRITE)
    assert "?? file" in output
    assert "Read-only file system" in output
    assert code != 0
    assert os.readlink(place / ".git") == "real"


async def test_a_workspace_reached_through_a_link_is_writable(place: Path) -> None:
    (place / "real").mkdir()
    (place / "link").symlink_to("real")
    async with open_machine() as machine:
        await require_namespaces(machine)
        assert await machine.shell("echo x > file; cat file", cwd=place / "link", policy=WRITE) == (0, "x\n")
    assert (place / "real/file").exists()


async def test_a_workspace_in_shared_memory_is_writable() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        async with open_machine() as machine:
            await require_namespaces(machine)
            assert await machine.shell("echo x > file; ls", cwd=directory, policy=WRITE) == (0, "file\n")
        assert os.listdir(directory) == ["file"]


async def test_with_the_root_as_workspace_the_kernels_files_stay_read_only(place: Path) -> None:
    async with open_machine() as machine:
        await require_namespaces(machine)
        script = f"echo x > {place}/file; cat {place}/file; echo x > /proc/sys/kernel/hostname; ls /dev/shm | wc -l"
        code, output = await machine.shell(script, cwd="/", policy=WRITE)
    assert code == 0
    assert output.startswith("x\n")
    assert "Read-only file system" in output
    assert output.endswith("0\n")


async def test_another_directory_of_a_command_does_not_widen_the_policy(place: Path) -> None:
    inside, outside = place / "inside", place / "outside"
    inside.mkdir()
    outside.mkdir()
    async with open_machine() as machine:
        await require_namespaces(machine)
        code, output = await machine.shell("echo x > file", cwd=outside, workspace=inside, policy=WRITE)
    assert code != 0
    assert "Read-only file system" in output
    assert not list(outside.iterdir())


async def test_a_place_that_becomes_a_link_is_not_followed(place: Path) -> None:
    """Somebody swaps it all the time: between two commands, and between the look and the mount."""
    secret, work = place / "secret", place / "work"
    (work / "root").mkdir(parents=True)
    secret.mkdir()
    (secret / "file").write_text("precious")
    policy = SandboxPolicy("workspace-write", (str(work / "root"),), exclude_slash_tmp=True)
    swap = "while :; do mv root aside; ln -s ../secret root; rm root; mv aside root; done 2>/dev/null"
    refused = 0
    async with open_machine() as machine, open_machine() as other:
        await require_namespaces(machine)
        attack = partial(machine.shell, cwd="/", workspace=place / "none", policy=policy)
        assert (await attack(f"echo x > {work}/root/file"))[0] == 0
        await other.start("sh", "-c", swap, cwd=work)
        for _ in range(40):
            try:
                await attack(f"echo x > {work}/root/file; echo x > {secret}/file")
            except SpawnFailed:
                refused += 1
    assert (secret / "file").read_text() == "precious"
    assert refused < 40
