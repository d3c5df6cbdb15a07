"""What sub-agents cost: a thousand at work in one process, in a tree that is deep at one place and wide at another.

    python -m tests.benchmarks.agents [--agents 1000] [--model in-process|http|both] [--descriptors 1024]

Each figure comes from a process of its own. `RSS` and `CPU` are those of the whole process less those of a run with
one agent, over the number of agents; the scripted model plays in the same process, or in one of its own over loopback
HTTP. Every agent is in the middle of an answer of its model when memory is read; every fiftieth runs a command.
What a spawn and the end take of the processor tells more than the clock where the machine is busy; agents started
before work on during a spawn, which counts in it.
"""

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import attrs
import trio

from codex.config.schema import Config, ProviderInfo
from codex.engine import Codex, open_codex
from codex.protocol.event import EventMsg, ItemCompleted, ItemStarted
from codex.protocol.item import AgentMessage, CommandExecution
from codex.protocol.permission import SandboxPolicy

BOUNDS = {
    "RSS per agent, KB": {"in-process": 120.0, "http": 200.0},
    "CPU per agent, ms": {"in-process": 15.0, "http": 15.0},
    "spawn, ms (median)": {"in-process": 3.0, "http": 3.0},
    "cancelling the root, s": {"in-process": 2.0, "http": 2.0},
    "left over": {"in-process": 0.0, "http": 0.0},
}
DEEP, WIDE, BRANCHES, EVERY = 50, 200, 6, 50
SLEEP = 100_003
FOREVER = {"type": "sleep", "seconds": 100_000}
SAID = {"type": "text", "text": "I have begun.", "chunks": 3}
COMMAND = {
    "type": "function_call",
    "name": "exec_command",
    "call_id": "c",
    "arguments": {"cmd": f"exec sleep {SLEEP}", "login": False, "yield_time_ms": 30_000},
}
SCRIPT = {"scripts": {"think": [[SAID, FOREVER]], "run": [[COMMAND], [FOREVER]]}, "default": "think"}


@attrs.frozen
class Run:
    """What one process of agents told."""

    agents: int
    peak_kb: int
    cpu_seconds: float
    spawn_ms: list[float]
    spawn_cpu_ms: list[float]
    cancel_seconds: float
    cancel_cpu_seconds: float
    left: list[str]


def parents(count: int) -> list[int]:
    """The parent of each agent, -1 for the root thread: a chain, a fan, and a tree of what is left."""
    deep = min(DEEP, count)
    chain = [*range(-1, deep - 1)]
    fan = [-1] * min(WIDE, count - deep)
    first = len(chain) + len(fan)
    rest = [-1 if n < BRANCHES else first + n // BRANCHES - 1 for n in range(count - first)]
    return [*chain, *fan, *rest]


class Begun:
    """Counts the agents that are in the middle of an answer, or of a command."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.all = trio.Event()

    def told(self, msg: EventMsg) -> None:
        """Hear an event of an agent."""
        said = isinstance(msg, ItemCompleted) and isinstance(msg.item, AgentMessage)
        ran = isinstance(msg, ItemStarted) and isinstance(msg.item, CommandExecution)
        if said or ran:
            self._left -= 1
            if self._left == 0:
                self.all.set()


def peak_kb() -> int:
    """The most this process ever held, of its own: its helper's is not counted."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def left_over(codex: Codex) -> list[str]:
    """What should be gone once the root thread has ended: threads, tasks, open files, connections, commands."""
    threads = [f"thread {thread.thread_id}" for thread in codex.threads]
    tasks = [f"task {task.name}" for task in tasks_below(trio.lowlevel.current_root_task()) if "thread-" in task.name]
    return [*threads, *tasks, *open_files(), *commands()]


def tasks_below(task: trio.lowlevel.Task | None) -> Iterator[trio.lowlevel.Task]:
    """A task and all below it."""
    if task is not None:
        yield task
        for nursery in task.child_nurseries:
            for child in nursery.child_tasks:
                yield from tasks_below(child)


def open_files() -> list[str]:
    """Rollouts, locks and connections over TCP that this process holds open."""
    found: list[str] = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
            if target.startswith("socket:"):
                with socket.socket(fileno=os.dup(int(name))) as one:
                    if one.family == socket.AF_INET:
                        found.append(f"connection to {one.getpeername()}")
            elif "/sessions/" in target or "lock" in target:
                found.append(target)
        except OSError:
            continue
    return found


def commands() -> list[str]:
    """Commands of the agents that still run."""
    found: list[str] = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes() == f"sleep\0{SLEEP}\0".encode():
                found.append(f"command {pid}")
    return found


async def play(config: Config, count: int) -> Run:
    """Start the agents one after the other, wait until all are at work, and end the root thread."""
    spawn_ms: list[float] = []
    spawn_cpu_ms: list[float] = []
    async with open_codex(config) as codex:
        begun, threads = Begun(count), [await codex.start_thread()]
        async with AsyncExitStack() as stack:
            for number, parent in enumerate(parents(count)):
                script = "run" if number % EVERY == 0 else "think"
                prompt = f"look at part {number} [[script:{script}]]"
                began, worked = time.perf_counter(), time.process_time()
                agent = await stack.enter_async_context(threads[parent + 1].agents.spawn(prompt))
                spawn_ms.append((time.perf_counter() - began) * 1000)
                spawn_cpu_ms.append((time.process_time() - worked) * 1000)
                thread = codex.find_living(agent.agent_id)
                assert thread is not None
                thread.outbox.listen(begun.told)
                threads.append(thread)
            await begun.all.wait()
            peak = peak_kb()
            began, worked = time.perf_counter(), time.process_time()
            await threads[0].stop()
            cancelled, cancel_cpu = time.perf_counter() - began, time.process_time() - worked
            left = left_over(codex)
    return Run(count, peak, time.process_time(), spawn_ms, spawn_cpu_ms, cancelled, cancel_cpu, left)


def config_of(scratch: Path, script: Path, url: str | None) -> Config:
    """Rollouts on, as many agents as there may be; the model plays here, or at the URL."""
    provider = ProviderInfo("scripted", "Scripted", wire_api="scripted", script=str(script))
    if url is not None:
        provider = ProviderInfo("scripted", "Scripted", base_url=url)
    for name in ("home", "cwd"):
        (scratch / name).mkdir()
    return Config(
        codex_home=str(scratch / "home"),
        cwd=str(scratch / "cwd"),
        model="gpt-5.5",
        model_provider="scripted",
        model_providers={"scripted": provider},
        approval_policy="never",
        sandbox_policy=SandboxPolicy("danger-full-access"),
        max_agents=10_000,
        max_depth=10_000,
    )


def run_here(options: argparse.Namespace) -> int:
    """Be the process that is measured."""
    scratch = Path(options.scratch)
    run = trio.run(play, config_of(scratch, scratch / "script.json", options.url), options.agents)
    print(json.dumps(attrs.asdict(run)))
    return 0


@contextmanager
def serving(script: Path) -> Generator[str]:
    """The scripted model over loopback HTTP, in a process of its own; its URL."""
    command = [sys.executable, "-m", "codex.cli.main", "debug", "model-server", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
        server.terminate()


def measured(model: str, count: int, descriptors: int) -> Run:
    """A run in a process of its own, which may open so many descriptors."""
    with tempfile.TemporaryDirectory(prefix="agents-") as scratch, ExitStack() as stack:
        script = Path(scratch, "script.json")
        script.write_text(json.dumps(SCRIPT))
        command = [sys.executable, "-m", __spec__.name, "--scratch", scratch, "--agents", str(count)]
        if model == "http":
            command += ["--url", stack.enter_context(serving(script))]
        limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, preexec_fn=limit if descriptors else None)
        return Run(**json.loads(done.stdout))


def figures(one: Run, many: Run) -> dict[str, float]:
    """What stands in the table."""
    return {
        "RSS per agent, KB": (many.peak_kb - one.peak_kb) / many.agents,
        "CPU per agent, ms": (many.cpu_seconds - one.cpu_seconds) / many.agents * 1000,
        "spawn, ms (median)": statistics.median(many.spawn_ms),
        "spawn, ms (99 of 100)": sorted(many.spawn_ms)[len(many.spawn_ms) * 99 // 100],
        "spawn, ms of CPU (median)": statistics.median(many.spawn_cpu_ms),
        "cancelling the root, s": many.cancel_seconds,
        "cancelling, s of CPU": many.cancel_cpu_seconds,
        "left over": len(many.left),
    }


def main() -> int:
    """Print the figures; 1 when one is over its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--model", choices=["in-process", "http", "both"], default="both")
    parser.add_argument("--descriptors", type=int, default=0, help="limit for the process (0: as it is)")
    parser.add_argument("--scratch", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scratch:
        return run_here(options)
    missed = 0
    for model in ("in-process", "http") if options.model == "both" else (options.model,):
        many = measured(model, options.agents, options.descriptors)
        told = figures(measured(model, 1, options.descriptors), many)
        print(f"{options.agents} agents, the model {model}; load {os.getloadavg()[0]:.1f}")
        for name, value in told.items():
            bound = BOUNDS.get(name, {}).get(model)
            missed += bound is not None and value > bound
            verdict = "" if bound is None else f"   at most {bound:g}: {'met' if value <= bound else 'MISSED'}"
            print(f"  {name:<26}{value:>10.2f}{verdict}")
        for one in many.left[:10]:
            print(f"  left: {one}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
