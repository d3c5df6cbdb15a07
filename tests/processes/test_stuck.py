"""What was killed and does not die: nobody waits for it, and it is collected when it ends.

A sleep that no signal reaches cannot be made here at will, so it is made at the door of the launcher: a real command
whose kill is not obeyed until it is let go.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs
import trio

from codex.ports.process import Child, ChildExit, Launch
from codex.processes import ProcessManager, open_process_manager
from codex.sandbox import ZygoteLauncher
from tests.processes.machines import open_machine, processes_with, wait_nobody_with, wait_true
from tests.processes.test_trees import mark


class Deaf:
    """A child that is killed only once `hears` is set."""

    def __init__(self, child: Child, hears: trio.Event) -> None:
        self._child, self._hears, self.forced = child, hears, False

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def terminal(self) -> int | None:
        return self._child.terminal

    async def wait_exit(self) -> ChildExit | None:
        return await self._child.wait_exit()

    def send_signal(self, number: int) -> None:
        pass

    def kill(self, *, force: bool = False) -> None:
        self.forced = self.forced or force

    async def wait_gone(self) -> None:
        await self._hears.wait()
        self._child.kill(force=True)
        await self._child.wait_gone()

    def close(self) -> None:
        self._child.close()


@attrs.define
class DeafLauncher:
    """Implements `Launcher`."""

    launcher: ZygoteLauncher
    hears: trio.Event = attrs.field(factory=trio.Event)
    children: list[Deaf] = attrs.field(factory=list[Deaf])

    async def launch(self, command: Launch, output: int | None) -> Child:
        self.children.append(Deaf(await self.launcher.launch(command, output), self.hears))
        return self.children[-1]


@asynccontextmanager
async def open_deaf() -> AsyncGenerator[tuple[ProcessManager, DeafLauncher]]:
    async with ZygoteLauncher() as launcher:
        deaf = DeafLauncher(launcher)
        async with open_process_manager(zygote=deaf) as manager:
            yield manager, deaf


async def test_a_process_that_does_not_die_holds_nobody_and_is_collected_when_it_does() -> None:
    async with open_machine() as machine, open_deaf() as (manager, deaf):
        sleep = mark()
        process = await manager.start(machine.request("sleep", sleep), thread_id="thread")
        with trio.fail_after(30):
            await process.terminate()
        assert (process.exit_code, process.end_reason, process.stuck) == (137, "killed", True)
        assert deaf.children[0].forced
        assert await wait_true(lambda: bool(processes_with(sleep)))
        deaf.hears.set()
        assert await wait_nobody_with(sleep) == []
        with trio.fail_after(30):
            await manager.terminate_all("thread")


async def test_a_thread_ends_although_a_process_of_it_does_not_die() -> None:
    async with open_machine() as machine, open_deaf() as (manager, deaf):
        sleep = mark()
        await manager.start(machine.request("sleep", sleep), thread_id="thread")
        with trio.fail_after(30):
            await manager.terminate_all("thread")
        assert manager.list("thread") == []
        assert deaf.children[0].forced
    assert await wait_nobody_with(sleep) == []


async def test_a_process_that_dies_at_once_is_not_called_stuck() -> None:
    async with open_machine() as machine:
        process = await machine.start("sleep", mark())
        await process.terminate()
        assert (process.exit_code, process.stuck) == (137, False)
