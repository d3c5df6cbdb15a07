"""The manager knows its processes by thread and session, keeps their number down and ends them together."""

import resource

import attrs
import pytest
import trio

from codex.ports.process import SandboxUnavailable
from codex.processes import SpawnFailed
from codex.protocol.permission import SANDBOX_MODES
from tests.processes.machines import open_descriptors, open_machine, processes_with, require_landlock, wait_true
from tests.processes.test_trees import mark


async def test_a_process_is_known_by_its_thread_and_session_until_it_is_removed() -> None:
    async with open_machine() as machine:
        process = await machine.start("sleep", "60")
        manager = machine.manager
        assert 1000 <= process.session_id <= 99_999
        assert manager.get("thread", process.session_id) is process
        assert manager.get("other thread", process.session_id) is None
        assert manager.list("thread") == [process]
        assert (process.running, process.exit_code, process.end_reason) == (True, None, None)
        await process.terminate()
        assert manager.list("thread") == [process]
        manager.remove(process)
        assert manager.list("thread") == []


async def test_the_sixty_fifth_process_makes_the_least_recently_used_one_go() -> None:
    async with open_machine() as machine:
        processes = [await machine.start("sleep", "60") for _ in range(64)]
        for process in processes:
            await process.collect(within=0)
        machine.manager.get("thread", processes[0].session_id)
        await machine.start("sleep", "60")
        with trio.fail_after(30):
            assert await processes[1].wait() == 137
        assert processes[0].running
        assert len(machine.manager.list("thread")) == 64
        with trio.fail_after(30):
            await machine.manager.terminate_all("thread")
        assert all(process.exit_code == 137 for process in processes)


async def test_a_process_that_was_not_waited_for_yet_does_not_make_room() -> None:
    async with open_machine() as machine:
        processes = [await machine.start("sleep", "60") for _ in range(66)]
        assert all(process.running for process in processes)
        assert len(machine.manager.list("thread")) == 66


async def test_terminate_all_ends_one_thread_only() -> None:
    async with open_machine() as machine:
        mine, other = mark(), mark()
        process = await machine.start("sleep", mine)
        await machine.start("sh", "-c", f"(setsid sleep {mine} &)")
        stays = await machine.manager.start(machine.request("sleep", other), thread_id="other")
        await machine.manager.terminate_all("thread")
        assert processes_with(mine) == []
        assert (process.exit_code, stays.running) == (137, True)
        assert machine.manager.list("thread") == []


async def test_terminating_twice_or_after_the_end_does_nothing() -> None:
    async with open_machine() as machine:
        process = await machine.start("sh", "-c", "exit 4")
        await process.wait()
        await process.terminate()
        await process.terminate()
        await process.interrupt()
        await process.resize(1, 1)
        assert (process.exit_code, process.end_reason) == (4, "exited")


async def test_the_duration_stops_with_the_process() -> None:
    async with open_machine() as machine:
        process = await machine.start("sleep", "0.2")
        await process.wait()
        duration = process.duration
        await trio.sleep(0.1)
        assert 0.2 <= duration == process.duration < 3


async def test_the_pid_is_the_one_we_see() -> None:
    async with open_machine() as machine:
        for mode in SANDBOX_MODES:
            sleep = mark()
            process = await machine.start("sleep", sleep, mode=mode)
            assert await wait_true(lambda pid=process.pid, sleep=sleep: pid in processes_with(sleep))


async def test_nonsense_is_refused_in_words() -> None:
    async with open_machine() as machine:
        for argv, options, words in (
            ((), {}, "the command is empty"),
            (("",), {}, "the command is empty"),
            (("true", "a\0b"), {}, "contains a NUL"),
            (("true",), {"cwd": "relative"}, "'relative' is not absolute"),
            (("true",), {"env": {"A=B": ""}}, "'A=B' cannot be an environment variable"),
        ):
            with pytest.raises(SpawnFailed, match=words):
                await machine.start(*argv, **options)


async def test_a_machine_that_cannot_confine_says_so_and_runs_nothing() -> None:
    async with open_machine() as probing:
        capabilities = await require_landlock(probing)
    refused = attrs.evolve(capabilities, namespaces_refused="for the test")
    async with open_machine(pretend=refused) as machine:
        with pytest.raises(SandboxUnavailable, match="allow_unprotected_git"):
            await machine.shell("true", mode="workspace-write")
        assert (await machine.launcher.describe()).level == "landlock"
    async with open_machine(pretend=attrs.evolve(refused, landlock_abi=0)) as machine:
        with pytest.raises(SandboxUnavailable, match="danger-full-access"):
            await machine.shell("true", mode="read-only")
        assert await machine.shell("echo free") == (0, "free\n")


async def test_without_descriptors_left_a_start_fails_in_words_and_the_next_one_works() -> None:
    async with open_machine() as machine:
        await machine.shell("true")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        before = open_descriptors()
        refused = 0
        for room in range(-12, 12):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(before + room, 4), hard))
            try:
                await machine.shell("true", tty=room % 2 == 0)
            except SpawnFailed:
                refused += 1
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert refused >= 3
        assert await machine.shell("echo fine") == (0, "fine\n")
        assert await wait_true(lambda: open_descriptors() <= before)
