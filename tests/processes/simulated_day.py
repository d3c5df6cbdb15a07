"""A simulated day: one thread that works for thousands of turns, and neither grows nor slows down.

    python -m tests.processes.simulated_day --seed 20261122 --turns 2000

The model is scripted, all else is real: commands, patches, plans, the rollout, compactions. Told are peak memory and
time a turn at the beginning and at the end, and how long a resume of the whole rollout takes. The exit status is 1 when
a bound of `Day.faults` is broken.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import trio

from codex.config.schema import Config, ProviderInfo
from codex.engine import open_codex
from codex.protocol.event import ItemCompleted
from codex.protocol.item import ContextCompaction
from codex.protocol.permission import SandboxPolicy

CALLS = 10
"""Tool calls of a turn."""
TURNS_A_WINDOW = 50
"""Turns between two compactions, about."""
_PATTERN = 25  # turns after which the script begins anew
_WARM = 100  # turns that fill caches; also how many are compared


@attrs.frozen
class Day:
    """What a day has taken; memory in bytes, times in seconds."""

    turns: int
    calls: int
    compactions: int
    peak_early: int
    peak_late: int
    turn_early: float
    turn_late: float
    cpu_early: float
    cpu_late: float
    lines: int
    rollout_bytes: int
    resume: float

    def faults(self) -> list[str]:
        """The bounds that were broken."""
        found: list[str] = []
        if self.compactions < self.turns // TURNS_A_WINDOW * 3 // 4:
            found.append(f"only {self.compactions} compactions")
        if self.peak_late > self.peak_early * 1.2:
            found.append("peak memory grew by more than 20 %")
        if self.turn_late > self.turn_early * 1.2:
            found.append("a turn takes more than 1.2 times as long at the end")
        if self.resume > 1.5:
            found.append("the resume takes more than 1.5 s")
        return found


def _config(seed: int, place: Path, limit_tokens: int) -> Config:
    """An engine's settings whose model plays the script."""
    for name in ("home", "cwd"):
        (place / name).mkdir()
    (place / "script.json").write_text(json.dumps(script(seed)))
    provider = ProviderInfo("scripted", "Scripted", wire_api="scripted", script=str(place / "script.json"))
    return Config(
        codex_home=str(place / "home"),
        cwd=str(place / "cwd"),
        model="gpt-5.5",
        model_provider="scripted",
        model_providers={"scripted": provider},
        model_auto_compact_token_limit=limit_tokens,
        update_plan_enabled=True,
        approval_policy="never",
        sandbox_policy=SandboxPolicy("danger-full-access"),
    )


def script(seed: int) -> dict[str, Any]:
    """Answers for a few turns of commands, patches and plans, played over and over; and summaries."""
    chance = random.Random(seed)
    turns: list[Any] = []
    for _ in range(_PATTERN):
        left = CALLS
        while left:
            count = min(left, chance.randint(1, 4))
            turns.append([_call(chance) for _ in range(count)])
            left -= count
        turns.append([{"type": "text", "text": _words(chance, 60), "chunks": 20}])
    summaries = {"turns": [[{"type": "text", "text": _words(chance, 300)}]], "loop": True}
    return {"scripts": {"main": {"turns": turns, "loop": True}, "__compact__": summaries}, "default": "main"}


def _call(chance: random.Random) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.3:
        command = f"seq {chance.randint(1, 100)} {chance.randint(200, 900)}"
        return {"type": "function_call", "name": "exec_command", "arguments": {"cmd": command, "login": False}}
    if kind < 0.5:
        lines = "\n".join(f"+{_words(chance, 8)}" for _ in range(chance.randint(1, 30)))
        patch = f"*** Begin Patch\n*** Add File: notes/{chance.randint(0, 40)}.txt\n{lines}\n*** End Patch\n"
        return {"type": "custom_tool_call", "name": "apply_patch", "input": patch}
    steps = [{"step": _words(chance, 12), "status": "pending"} for _ in range(chance.randint(1, 8))]
    return {"type": "function_call", "name": "update_plan", "arguments": {"plan": steps}}


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choice(("alpha", "beta", "gamma", "delta", "omega")) for _ in range(count))


def peak_memory() -> int:
    """The highest resident size of this process so far."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


async def live(seed: int, turns: int, place: Path, *, limit_tokens: int) -> Day:
    """Live a day in this process."""
    walls: list[float] = []
    cpus: list[float] = []
    compactions = peak_early = 0
    config = _config(seed, place, limit_tokens)
    async with open_codex(config) as codex:
        thread = await codex.start_thread()
        for number in range(turns):
            wall, cpu = time.perf_counter(), time.process_time()
            async with thread.run(f"task {number}: go on") as events:
                async for event in events:
                    if isinstance(event.msg, ItemCompleted) and isinstance(event.msg.item, ContextCompaction):
                        compactions += 1
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
            if number + 1 == min(_WARM, turns // 2):
                peak_early = peak_memory()
        peak_late = peak_memory()
        path, thread_id = Path(thread.rollout_path or ""), thread.thread_id
    data = path.read_bytes()
    async with open_codex(config) as codex:
        begun = time.perf_counter()
        await codex.resume_thread(thread_id)
        resume = time.perf_counter() - begun
    early, late = slice(0, min(_WARM, turns // 2)), slice(-min(_WARM, turns // 2), None)
    return Day(
        turns,
        data.count(b'_call_output","id"'),
        compactions,
        peak_early,
        peak_late,
        _mean(walls[early]),
        _mean(walls[late]),
        _mean(cpus[early]),
        _mean(cpus[late]),
        data.count(b"\n"),
        len(data),
        resume,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def main() -> int:
    """Live a day and tell it."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.simulated_day")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--limit", type=int, default=100_000, metavar="TOKENS", help="when the history is compacted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="simulated-day-") as place:
        day = trio.run(_live, options.seed, options.turns, Path(place), options.limit)
    sys.stdout.write(json.dumps(attrs.asdict(day), indent=1) + "\n")
    faults = day.faults()
    for fault in faults:
        sys.stdout.write(f"FAULT: {fault}\n")
    return 1 if faults else 0


async def _live(seed: int, turns: int, place: Path, limit_tokens: int) -> Day:
    return await live(seed, turns, place, limit_tokens=limit_tokens)


if __name__ == "__main__":
    sys.exit(main())
