"""What processes cost: `python -m tests.benchmarks.processes`. On a busy machine the best of many counts."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial

import trio

from codex.processes import ProcessManager, ProcessRequest, open_process_manager
from codex.protocol.permission import SANDBOX_MODES, SandboxMode, SandboxPolicy
from codex.sandbox import ZygoteLauncher, start_zygote

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def request(mode: SandboxMode, *argv: str, tty: bool = False) -> ProcessRequest:
    return ProcessRequest(argv, "/tmp", ENV, SandboxPolicy(mode), tty=tty)


async def run_once(manager: ProcessManager, asked: ProcessRequest) -> None:
    process = await manager.start(asked, thread_id="benchmark")
    await process.collect(30)
    assert process.exit_code == 0, process.output
    manager.remove(process)


async def median_ms(action: Callable[[], Awaitable[object]], count: int) -> float:
    took: list[float] = []
    for _ in range(count):
        before = time.perf_counter()
        await action()
        took.append(time.perf_counter() - before)
    return round(statistics.median(took) * 1000, 2)


def pss_kb(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


async def per_second(manager: ProcessManager, mode: SandboxMode, count: int, at_once: int) -> float:
    left = count

    async def several() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await run_once(manager, request(mode, "true"))

    before = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(at_once):
            nursery.start_soon(several)
    return round(count / (time.perf_counter() - before))


async def lateness(seconds: float) -> list[float]:
    """By how many ms a task that sleeps a millisecond is woken too late, sorted."""
    late: list[float] = []
    with trio.move_on_after(seconds):
        while True:
            before = time.perf_counter()
            await trio.sleep(0.001)
            late.append((time.perf_counter() - before - 0.001) * 1000)
    return sorted(late)


async def flood(manager: ProcessManager) -> dict[str, float]:
    """What a second of output as fast as it comes costs everybody else, beside a second without."""
    quiet = await lateness(1)
    process = await manager.start(request("danger-full-access", "yes"), thread_id="benchmark")
    late = await lateness(1)
    before = time.perf_counter()
    await process.terminate()
    return {
        "megabytes_per_second": round(process.output_bytes / 1e6),
        "late_p99_ms": round(late[len(late) * 99 // 100], 2),
        "late_p99_without_ms": round(quiet[len(quiet) * 99 // 100], 2),
        "terminate_ms": round((time.perf_counter() - before) * 1000, 2),
    }


async def spawns(manager: ProcessManager, count: int) -> dict[str, dict[str, float]]:
    """Start to end of /bin/true, ms, bare and in each mode in turn: the best, the median, and what the best adds."""
    took: dict[str, list[float]] = {"bare": [], **{mode: [] for mode in SANDBOX_MODES}}
    for _ in range(count):
        before = time.perf_counter()
        subprocess.run(["/bin/true"], check=True, env=ENV)  # noqa: ASYNC221 (alone, it is what is measured)
        took["bare"].append((time.perf_counter() - before) * 1000)
        for mode in SANDBOX_MODES:
            before = time.perf_counter()
            await run_once(manager, request(mode, "/bin/true"))
            took[mode].append((time.perf_counter() - before) * 1000)
    bare = min(took["bare"])
    return {
        name: {
            "best": round(min(all_of_it), 2),
            "median": round(statistics.median(all_of_it), 2),
            "best_adds": round(min(all_of_it) - bare, 2),
        }
        for name, all_of_it in took.items()
    }


def zombies() -> int:
    """Our children that nobody has collected, and those of our children."""
    found = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        found += fields[0] == "Z" and int(fields[1]) == os.getpid()
    return found


async def main(count: int, repeats: int, ballast_mb: int) -> None:
    result: dict[str, object] = {}
    zygote = start_zygote()
    async with ZygoteLauncher(zygote) as launcher, open_process_manager(zygote=launcher) as manager:
        result["level"] = (await launcher.describe()).level
        result["zygote_pss_kb"] = pss_kb(zygote.pid)
        await spawns(manager, 3)
        result["spawn_ms"] = await spawns(manager, count)
        for mode in SANDBOX_MODES:
            terminal = request(mode, "true", tty=True)
            result[f"{mode}_tty_ms"] = await median_ms(partial(run_once, manager, terminal), count)
        descriptors = len(os.listdir("/proc/self/fd"))
        rates: dict[str, float] = {}
        for mode in SANDBOX_MODES:
            rates[mode] = max([await per_second(manager, mode, 1000, 8) for _ in range(repeats)])
        result["best_per_second_of_1000"] = rates
        result["descriptors_grown"] = len(os.listdir("/proc/self/fd")) - descriptors
        result["zombies"] = zombies()
        floods = [await flood(manager) for _ in range(repeats)]
        result["best_flood"] = min(floods, key=lambda one: one["late_p99_ms"])
        ballast = bytearray(os.urandom(4096)) * (ballast_mb << 8)
        result[f"spawn_ms_with_{ballast_mb}_mb_more"] = await spawns(manager, count)
        del ballast
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--ballast-mb", type=int, default=2048)
    options = parser.parse_args()
    trio.run(main, options.count, options.repeats, options.ballast_mb)
