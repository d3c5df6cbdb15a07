"""Random trouble in random trees of agents: models that break off, crashed sessions and turns, killed commands, a full
disk, watchers that do not read, interrupts, cancelled spawns; and the whole program killed, and its tree resumed.

    python -m tests.processes.agents_chaos [--seed N] [--steps 10000] [--plant leak|letter|exit|account]

After each step: one exit for each agent and turn, nobody lives without the one that started it, nobody is over a limit
or a budget, and each account has what was really asked of the model at and below it. When a program has left, or was
killed: no process, task or thread of it is left; every letter is in its reader's history once, or under way. A plant
makes one such fault; each has to be found.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from tests.processes.agents_world import PLANTS, Plant
from tests.processes.machines import processes_with

SHORTEST, LONGEST, GONE_WITHIN = 20, 400, 15.0


@attrs.define
class Report:
    """What a run has done and found."""

    steps: Counter[str] = attrs.field(factory=Counter[str])
    programs: int = 0
    killed: int = 0
    faults: list[str] = attrs.field(factory=list[str])


class Chaos:
    """Starts one program after the other in the same home, and kills about half of them."""

    def __init__(self, seed: int, plant: Plant | None, homes: Path) -> None:
        self.seed, self.plant, self.homes, self.home = seed, plant, homes, homes
        self.chance = random.Random(seed)
        self.mark = f"3600.{self.chance.getrandbits(40)}"
        self.report = Report()
        self.root = ""

    def program(self, steps: int) -> None:
        """Start one, with the tree of the last one where that had not ended, and see to its end."""
        report, done = self.report, sum(self.report.steps.values())
        steps = min(steps, self.chance.randrange(SHORTEST, LONGEST))
        kill_at = None if self.plant or self.chance.random() < 0.5 else done + self.chance.randrange(1, steps)
        seed = f"{self.seed}/{report.programs}"
        if not self.root:
            self.home = self.homes / f"tree-{report.programs}"
            self.home.mkdir()
            (self.home / "mark").write_text(self.mark)
        command = [sys.executable, "-m", "tests.processes.agents_world", str(self.home), seed]
        command += [str(steps), str(done), self.root, self.plant or ""]
        report.programs += 1
        # Pipes, since files cannot grow while it lets its disk be full.
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            os.set_blocking(process.stderr.fileno(), False)
            self.root, left_in_order = self._follow(process, kill_at)
            said = process.stderr.read() or b""
            if process.wait() != 0 and not left_in_order and kill_at is None:
                report.faults.append(f"program {seed} ended with {process.returncode}: {said[-2000:].decode()}")
        report.faults += [f"process {pid} has outlived program {seed}" for pid in self._survivors()]

    def _follow(self, process: "subprocess.Popen[bytes]", kill_at: int | None) -> tuple[str, bool]:
        """Read what it tells, and kill it at a step; the root that goes on, and whether it left in order."""
        report, root = self.report, self.root
        assert process.stdout is not None
        for line in process.stdout:
            if process.stderr is not None:
                process.stderr.read()
            told: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
            if "root" in told:
                root = told["root"]
            elif "step" in told:
                report.steps[told["did"]] += 1
                report.faults += [f"step {told['step']} ({told['did']}): {fault}" for fault in told["faults"]]
                if told["step"] == kill_at:
                    time.sleep(self.chance.uniform(0, 0.02))
                    process.kill()
                    report.killed += 1
            elif "left" in told:
                report.faults += told["left"]
                return root if self.chance.random() < 0.5 else "", True
        return root, False

    def _survivors(self) -> list[int]:
        until = time.monotonic() + (1 if self.plant else GONE_WITHIN)
        while left := processes_with(self.mark):
            if time.monotonic() > until:
                for pid in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, 9)
                return left
            time.sleep(0.02)
        return []


def play(seed: int, steps: int, *, plant: Plant | None = None, tell: bool = False) -> Report:
    """So many steps, in as many programs as that takes."""
    with tempfile.TemporaryDirectory(prefix="agents-chaos-") as homes:
        chaos = Chaos(seed, plant, Path(homes))
        while (done := sum(chaos.report.steps.values())) < steps:
            programs = chaos.report.programs
            chaos.program(steps - done)
            if tell:
                print(f"program {programs}: {sum(chaos.report.steps.values())} steps", *chaos.report.faults, sep="\n  ")
            if chaos.report.faults:
                break
        return chaos.report


def main() -> int:
    """Print what was done and found; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--plant", choices=PLANTS)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    report = play(options.seed, options.steps, plant=options.plant, tell=True)
    steps = ", ".join(f"{count} {name}" for name, count in report.steps.most_common())
    print(f"{sum(report.steps.values())} steps in {time.monotonic() - began:.0f} s: {steps}")
    print(f"{report.programs} programs, {report.killed} of them killed; {len(report.faults)} faults")
    return int(bool(report.faults))


if __name__ == "__main__":
    sys.exit(main())
