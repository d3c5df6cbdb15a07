"""Everything is killed at random, under load: nothing survives and nothing hangs. CHAOS_ROUNDS, CHAOS_SEED scale it."""

import os
import random
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio

from codex.processes import Process, SpawnFailed
from tests.processes.machines import MODES, Machine, open_descriptors, open_machine, wait_nobody_with, wait_true
from tests.processes.test_trees import STUBBORN, mark

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "25"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


def guard_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def kill(pid: int | None) -> None:
    if pid is not None and pid > 1 and pid != os.getpid():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def hurt(machine: Machine, process: Process, chance: random.Random) -> None:
    """Do one bad thing to it."""
    match chance.choice(["command", "guard", "zygote", "terminate", "cancelled terminate", "interrupt", "nothing"]):
        case "command":
            kill(process.pid)
        case "guard":
            kill(guard_of(process.pid))
        case "zygote":
            kill(machine.launcher.zygote_pid)
        case "terminate":
            await process.terminate()
        case "cancelled terminate":
            with trio.move_on_after(chance.uniform(0, 0.002)):
                await process.terminate()
        case "interrupt":
            await process.interrupt()
        case _:
            pass


async def one_round(machine: Machine, sleep: str, chance: random.Random) -> None:
    with trio.move_on_after(chance.uniform(0.001, 0.3)):
        try:
            process = await machine.start(
                "sh", "-c", STUBBORN.format(mark=sleep), mode=chance.choice(MODES), tty=chance.random() < 0.3
            )
        except SpawnFailed:  # its helper was killed meanwhile
            return
        await process.collect(chance.uniform(0, 0.05))
        await hurt(machine, process, chance)
        await process.collect(chance.uniform(0, 0.05))


async def test_nothing_survives_random_kills() -> None:
    chance, sleep = random.Random(SEED), mark()
    async with open_machine() as machine:
        await machine.shell("true")
        before = open_descriptors()
        for _ in range(ROUNDS):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(partial(one_round, machine, sleep, random.Random(chance.random())))
            with trio.fail_after(10):
                await machine.manager.terminate_all("thread")
            left = await wait_nobody_with(sleep)
            assert left == [], [Path(f"/proc/{pid}/status").read_text()[:200] for pid in left]
        assert await machine.shell("echo fine") == (0, "fine\n")
        assert await wait_true(lambda: open_descriptors() <= before)
