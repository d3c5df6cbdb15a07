"""What processes cost: `python -m tests.benchmarks.processes`. Medians in ms unless said otherwise."""

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


def bare_ms(count: int) -> float:
    took: list[float] = []
    for _ in range(count):
        before = time.perf_counter()
        subprocess.run(["/bin/true"], check=True, env=ENV)
        took.append(time.perf_counter() - before)
    return round(statistics.median(took) * 1000, 2)


def pss_kb(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def cpu_of_children(pid: int) -> float:
    """Seconds a process and the children it has collected have used."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


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


async def flood(manager: ProcessManager) -> dict[str, float]:
    process = await manager.start(request("danger-full-access", "yes"), thread_id="benchmark")
    late: list[float] = []
    with trio.move_on_after(1):
        while True:
            before = time.perf_counter()
            await trio.sleep(0.001)
            late.append((time.perf_counter() - before - 0.001) * 1000)
    before = time.perf_counter()
    await process.terminate()
    late.sort()
    return {
        "megabytes_per_second": round(process.output_bytes / 1e6),
        "loop_late_p50_ms": round(late[len(late) // 2], 2),
        "loop_late_p99_ms": round(late[len(late) * 99 // 100], 2),
        "terminate_ms": round((time.perf_counter() - before) * 1000, 2),
    }


async def main(count: int) -> None:
    result: dict[str, object] = {"bare_subprocess_ms": bare_ms(count)}
    before = time.perf_counter()
    zygote = start_zygote()
    result["start_zygote_ms"] = round((time.perf_counter() - before) * 1000, 2)
    async with ZygoteLauncher(zygote) as launcher, open_process_manager(zygote=launcher) as manager:
        await launcher.capabilities()
        result["zygote_ready_ms"] = round((time.perf_counter() - before) * 1000, 2)
        result["level"] = (await launcher.describe()).level
        result["zygote_pss_kb"] = pss_kb(zygote.pid)
        for mode in SANDBOX_MODES:
            plain, terminal = request(mode, "true"), request(mode, "true", tty=True)
            before, ours = time.perf_counter(), time.process_time()
            theirs = cpu_of_children(zygote.pid)
            result[f"{mode}_ms"] = await median_ms(partial(run_once, manager, plain), count)
            result[f"{mode}_cpu_ms"] = {
                "ours": round((time.process_time() - ours) * 1000 / count, 2),
                "helper_and_command": round((cpu_of_children(zygote.pid) - theirs) * 1000 / count, 2),
            }
            result[f"{mode}_tty_ms"] = await median_ms(partial(run_once, manager, terminal), count)
        for mode in SANDBOX_MODES:
            result[f"{mode}_per_second"] = await per_second(manager, mode, count * 4, 8)
        result["flood"] = await flood(manager)
        result["descriptors"] = len(os.listdir("/proc/self/fd"))
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 100)
