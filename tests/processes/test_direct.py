"""Where there is no helper, commands run as our own children, and sandboxed modes refuse."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio

from codex.ports.process import SandboxUnavailable
from codex.processes import SpawnFailed, open_process_manager
from codex.sandbox import DirectLauncher
from tests.processes.machines import Machine, processes_with, wait_nobody_with
from tests.processes.test_terminals import expect
from tests.processes.test_trees import mark


@asynccontextmanager
async def open_direct() -> AsyncGenerator[Machine]:
    async with DirectLauncher() as launcher, open_process_manager(zygote=launcher) as manager:
        yield Machine(launcher, manager)


async def test_a_command_runs_and_its_end_is_told() -> None:
    async with open_direct() as machine:
        assert await machine.shell("pwd; echo err >&2; cat; exit 7") == (7, "/tmp\nerr\n")
        assert await machine.shell("kill -TERM $$") == (143, "")
        code, output = await machine.shell("test -t 0 && stty size && echo > /dev/tty; exit 3", tty=True)
        assert (code, output) == (3, "24 80\r\n\r\n")


async def test_sandboxed_modes_refuse() -> None:
    async with open_direct() as machine:
        for mode in ("read-only", "workspace-write"):
            with pytest.raises(SandboxUnavailable, match=mode):
                await machine.shell("true", mode=mode)
        assert (await machine.launcher.describe()).level == "none"


async def test_what_cannot_be_started_is_told_in_words() -> None:
    async with open_direct() as machine:
        with pytest.raises(SpawnFailed, match="cannot start '/no/such': No such file or directory"):
            await machine.start("/no/such")
        with pytest.raises(SpawnFailed, match="working directory '/no/such': No such file or directory"):
            await machine.start("true", cwd="/no/such")
        code, output = await machine.run("/no/such", tty=True)
        assert (code, output) == (127, "cannot start '/no/such': No such file or directory\r\n")


@pytest.mark.parametrize("tty", [False, True])
async def test_terminate_kills_the_group(tty: bool) -> None:
    async with open_direct() as machine:
        sleep = mark()
        process = await machine.start("sh", "-c", f"trap '' TERM; sleep {sleep} & echo ready; sleep {sleep}", tty=tty)
        await expect(process, b"ready")
        with trio.fail_after(30):
            await process.terminate()
        assert await wait_nobody_with(sleep) == []
        assert process.exit_code == 137


async def test_a_cancelled_collect_loses_nothing_and_leaving_kills() -> None:
    sleep = mark()
    async with open_direct() as machine:
        process = await machine.start("sh", "-c", f"echo one; sleep {sleep}")
        with trio.move_on_after(0.2):
            await process.collect(60)
        assert await process.collect(0.01) == b"one\n"
        assert processes_with(sleep)
    assert await wait_nobody_with(sleep) == []
