"""Nothing of a command outlives its owner, the helper or us; save, without a sandbox, what it leaves on purpose."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import trio

from actors import Mailbox, open_runtime
from codex.processes import ProcessRequest, SpawnFailed, open_process_manager
from codex.protocol.permission import SandboxMode, SandboxPolicy
from codex.sandbox import ZygoteLauncher
from tests.processes.machines import (
    ENV,
    MODES,
    NOBODY,
    Machine,
    open_descriptors,
    open_machine,
    processes_with,
    require_landlock,
    require_namespaces,
    require_uid,
    wait_nobody_with,
    wait_true,
    zombies_of,
    zygote_of,
)

# Ignores TERM, starts a daemon without environment that has left its session and its parent, and forks all the time:
# a thousand times at most, so that a failing test does not take the machine along.
STUBBORN = """
trap '' TERM HUP INT
(setsid env -i sh -c 'trap "" TERM; exec sleep {mark}' &)
(setsid sh -c 'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); (sleep {mark} &) ; sleep 0.005; done' &)
echo ready
sleep {mark}
"""


def mark() -> str:
    """An odd number of seconds to sleep, by which to find the sleepers."""
    return f"3600.{int.from_bytes(os.urandom(5), 'big')}"


async def started(machine: Machine, script: str, **options: object) -> object:
    process = await machine.start("sh", "-c", script, **options)
    while b"ready" not in process.output:
        assert process.running
        await process.collect(0.01)
    return process


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tty", [False, True])
async def test_terminate_leaves_nothing_of_a_stubborn_tree(mode: SandboxMode, tty: bool) -> None:
    async with open_machine() as machine:
        if mode != "danger-full-access":
            await require_namespaces(machine)
        sleep = mark()
        process = await started(machine, STUBBORN.format(mark=sleep), mode=mode, tty=tty)
        assert len(processes_with(sleep)) >= 3
        before = trio.current_time()
        await process.terminate()
        assert trio.current_time() - before < 20
        assert processes_with(sleep) == []
        assert (process.exit_code, process.end_reason) == (137, "killed")


async def test_terminate_leaves_nothing_where_only_landlock_confines() -> None:
    async with open_machine() as probing:
        capabilities = await require_landlock(probing)
    async with open_machine(pretend=attrs.evolve(capabilities, namespaces_refused="for the test")) as machine:
        sleep = mark()
        process = await started(machine, STUBBORN.format(mark=sleep), mode="read-only")
        await process.terminate()
        assert processes_with(sleep) == []


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
async def test_in_a_sandbox_a_daemon_ends_with_its_command(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        await require_namespaces(machine)
        sleep = mark()
        code, output = await machine.shell(f"(setsid sleep {sleep} &); echo done", mode=mode)
        assert (code, output) == (0, "done\n")
        assert await wait_nobody_with(sleep) == []


async def test_without_a_sandbox_a_daemon_stays_until_its_thread_ends() -> None:
    async with open_machine() as machine:
        sleep = mark()
        code, output = await machine.shell(f"(setsid sleep {sleep} &); echo done")
        assert (code, output) == (0, "done\n")
        assert len(processes_with(sleep)) == 1
        await machine.manager.terminate_all("thread")
        assert processes_with(sleep) == []


async def test_a_daemon_without_a_sandbox_ends_with_the_manager() -> None:
    sleep = mark()
    async with open_machine() as machine:
        await machine.shell(f"(setsid sleep {sleep} &); echo done")
        assert len(processes_with(sleep)) == 1
    assert processes_with(sleep) == []


@pytest.mark.parametrize("mode", MODES)
async def test_the_stop_of_an_owner_returns_when_its_processes_are_gone(mode: SandboxMode) -> None:
    async def own(mailbox: Mailbox[None]) -> None:
        async for _ in mailbox:
            pass

    sleep = mark()
    async with ZygoteLauncher() as launcher, open_runtime() as runtime:
        async with open_process_manager(runtime, zygote=launcher) as manager:
            owner = runtime.spawn(own)
            request = ProcessRequest(("sleep", sleep), "/tmp", ENV, SandboxPolicy(mode))
            process = await manager.start(request, thread_id="thread", owner=owner)
            assert await wait_true(lambda: bool(processes_with(sleep)))
            await owner.stop()
            assert processes_with(sleep) == []
            assert process.exit_code == 137


@pytest.mark.parametrize("mode", MODES)
async def test_the_death_of_the_helper_ends_its_processes_and_a_new_one_serves_the_next(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        sleep = mark()
        process = await started(machine, STUBBORN.format(mark=sleep), mode=mode)
        zygote = machine.launcher.zygote_pid
        assert zygote is not None
        os.kill(zygote, signal.SIGKILL)
        with trio.fail_after(30):
            await process.wait()
        assert (process.exit_code, process.end_reason) == (137, "zygote_lost")
        assert await wait_nobody_with(sleep) == []
        assert await machine.shell("echo again", mode=mode) == (0, "again\n")
        assert zombies_of(os.getpid()) == []


@pytest.mark.parametrize("mode", ["read-only", "danger-full-access"])
async def test_the_death_of_a_guard_ends_what_it_guarded(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        sleep = mark()
        process = await started(machine, STUBBORN.format(mark=sleep), mode=mode)
        guard = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1]
        os.kill(int(guard), signal.SIGKILL)
        with trio.fail_after(30):
            await process.wait()
        assert await wait_nobody_with(sleep) == []


OWNER = """
import os, sys, trio
from codex.processes import ProcessRequest, open_process_manager
from codex.protocol.permission import SandboxPolicy
from codex.sandbox import ZygoteLauncher, start_zygote

async def main():
    zygote = start_zygote(tuple(sys.argv[3:]))
    async with ZygoteLauncher(zygote) as launcher, open_process_manager(zygote=launcher) as manager:
        for mode in ("read-only", "workspace-write", "danger-full-access"):
            request = ProcessRequest(
                ("sh", "-c", sys.argv[1]), "/tmp", dict(os.environ), SandboxPolicy(mode), tty=sys.argv[2] == "tty"
            )
            process = await manager.start(request, thread_id="thread")
            while b"ready" not in process.output:
                await process.collect(0.01)
        print("ready", flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@pytest.mark.parametrize("uid", [0, NOBODY])
@pytest.mark.parametrize("kind", ["pipe", "tty"])
def test_when_we_are_killed_nothing_is_left(uid: int, kind: str) -> None:
    require_uid(uid)
    sleep, before = mark(), placeholders_in("/tmp")
    zygote = zygote_of(uid) if uid != os.getuid() else ()
    command = [sys.executable, "-c", OWNER, STUBBORN.format(mark=sleep), kind, *zygote]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        assert len(processes_with(sleep)) > 6
        owner.kill()
    assert trio.run(wait_nobody_with, sleep) == []
    assert trio.run(wait_true, lambda: placeholders_in("/tmp") <= before)


def placeholders_in(directory: str) -> set[str]:
    return {name for name in (".git", ".codex", ".agents") if os.path.lexists(f"{directory}/{name}")}


async def test_a_thousand_short_commands_leave_no_zombies_and_no_descriptors() -> None:
    async with open_machine() as machine:
        await machine.shell("true")
        zygote = machine.launcher.zygote_pid
        assert zygote is not None
        before = open_descriptors(), open_descriptors(zygote)

        async def several() -> None:
            for _ in range(125):
                process = await machine.start("true")
                assert await process.wait() == 0
                machine.manager.remove(process)

        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(several)
        assert await wait_true(lambda: open_descriptors() <= before[0] and open_descriptors(zygote) <= before[1])
        assert zombies_of(os.getpid()) == []
        assert zombies_of(zygote) == []


async def test_a_cancelled_start_leaves_nothing_running() -> None:
    async with open_machine() as machine:
        await machine.shell("true")
        sleep = mark()
        before = open_descriptors()
        for delay in range(20):
            with trio.move_on_after(delay / 4000):
                await machine.start("sleep", sleep)
        for process in machine.manager.list("thread"):
            await process.terminate()
            machine.manager.remove(process)
        assert await wait_nobody_with(sleep) == []
        assert await wait_true(lambda: open_descriptors() <= before)


@pytest.mark.parametrize("mode", MODES)
async def test_what_cannot_be_started_is_told_in_words(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        with pytest.raises(SpawnFailed, match="cannot start '/no/such/program': No such file or directory"):
            await machine.start("/no/such/program", mode=mode)
        with pytest.raises(SpawnFailed, match="working directory '/no/such/place': No such file or directory"):
            await machine.start("true", cwd="/no/such/place", mode=mode)
        with pytest.raises(SpawnFailed, match="Permission denied"):
            await machine.start("/etc/passwd", mode=mode)
        assert machine.manager.list("thread") == []
        assert await machine.shell("echo fine", mode=mode) == (0, "fine\n")
