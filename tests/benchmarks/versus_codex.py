"""Codex and ours side by side: start, memory, harness time per tool call, streaming rate.

    python -m tests.benchmarks.versus_codex [--codex PATH] [--ours PATH] [--runs N] [--json] [ROW…]

Both commands get the same scripted model over loopback HTTP, an empty HOME, a CODEX_HOME of their own that is warm
after a first run that does not count, rollouts on, and a git repository. Runs take turns; figures are medians.
A sample waits until 75 % of the CPU is idle. Exit status 1 when a bound is missed.

How each row is measured (all clocks are the machine's monotonic one):
    start          process start -> first byte of its first request at the server
    memory         peak RSS of the main process (VmHWM), and for ours the PSS of its Python helpers on top
    per call       mean over 50 calls: last byte of a response sent -> first byte of the next request
    deltas         20,000 / (first byte of the request at the server -> `turn.completed` on stdout)
    wall           process start -> its end
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from tests.benchmarks.versus_run import (
    Contestant,
    Run,
    RunFailed,
    Scenario,
    native_codex,
    open_home,
    open_server,
    run_once,
    version_of,
    wait_idle,
)

_CALLS = 50
_DELTAS = 20_000


@attrs.frozen
class Row:
    """A line of the table: what is run, what is read from it, and how far ours may go.

    `bound` is the ratio ours / Codex: at most it, or with `higher_is_better` at least it; None is only reported.
    """

    name: str
    title: str
    scenario: str
    unit: str
    value: Callable[[Run], float]
    bound: float | None = None
    higher_is_better: bool = False
    sample_memory: bool = False
    runs: int = 0


ROWS = (
    Row("start", "start to first model request", "text", "s", lambda run: run.to_first_request, 2.0, runs=11),
    Row("wall", "whole text turn, wall time", "text", "s", lambda run: run.wall, runs=11),
    Row(
        "memory",
        "peak memory of a text turn",
        "text",
        "MB",
        lambda run: run.peak_mb + run.helpers_mb,
        0.6,
        sample_memory=True,
        runs=5,
    ),
    Row("plan", "harness time per update_plan call", "plan", "ms", lambda run: run.per_call * 1000, 0.25),
    Row("exec", "per exec_command true, no sandbox", "exec", "ms", lambda run: run.per_call * 1000, 0.25),
    Row("exec_ro", "per exec_command true, read-only", "exec_ro", "ms", lambda run: run.per_call * 1000, 0.35),
    Row("deltas", "text deltas, 16 events a write", "deltas", "/s", lambda run: _DELTAS / run.turn, 1.0, True),
    Row("deltas_wall", "whole run with these, wall time", "deltas", "s", lambda run: run.wall),
    Row("deltas_1", "text deltas, one event a write", "deltas_1", "/s", lambda run: _DELTAS / run.turn, None, True),
)


def _scenarios() -> dict[str, Scenario]:
    done = [{"type": "text", "text": "Done."}]
    plan = {"plan": [{"step": "one", "status": "in_progress"}, {"step": "two", "status": "pending"}]}

    def calls(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        call = {"type": "function_call", "name": name, "call_id": "call_$i", "arguments": arguments}
        return {"turns": [{"repeat": _CALLS, "turn": [call]}, done]}

    def deltas(per_write: int) -> dict[str, Any]:
        text = {"type": "text", "repeat_delta": ["word ", _DELTAS], "events_per_write": per_write}
        return {"turns": [[text]]}

    true = calls("exec_command", {"cmd": "true", "login": False})
    full_access, read_only = ("-s", "danger-full-access"), ("-s", "read-only")
    found = [
        Scenario("text", {"turns": [[{"type": "text", "text": "Hello from the model.", "chunks": 5}]]}),
        Scenario("plan", calls("update_plan", plan), ("-c", "tools.update_plan.enabled=true"), _CALLS + 1),
        Scenario("exec", true, full_access, _CALLS + 1, b'"exit_code":0', _CALLS),
        Scenario("exec_ro", true, read_only, _CALLS + 1, b'"exit_code":0', _CALLS),
        Scenario("deltas", deltas(16), printed=b"word ", times=_DELTAS),
        Scenario("deltas_1", deltas(1), printed=b"word ", times=_DELTAS),
    ]
    return {scenario.name: scenario for scenario in found}


@attrs.define
class Figures:
    """The samples of one row, by contestant; where runs failed, why."""

    row: Row
    samples: dict[str, list[float]] = attrs.field(factory=dict[str, list[float]])
    failed: dict[str, str] = attrs.field(factory=dict[str, str])
    busy: int = 0

    def median(self, name: str) -> float | None:
        """The median of a contestant's samples."""
        samples = self.samples.get(name)
        return statistics.median(samples) if samples and name not in self.failed else None

    @property
    def ratio(self) -> float | None:
        """Ours / Codex."""
        codex, ours = self.median("codex"), self.median("ours")
        return ours / codex if codex and ours else None

    @property
    def is_met(self) -> bool | None:
        """Whether the bound holds; None where there is none, or nothing to compare with."""
        if "ours" in self.failed and self.row.bound is not None:
            return False
        if self.ratio is None or self.row.bound is None:
            return None
        return self.ratio >= self.row.bound if self.row.higher_is_better else self.ratio <= self.row.bound


def measure(
    rows: list[Row], contestants: list[Contestant], runs: int, *, patience: float, place: Path
) -> list[Figures]:
    """All samples of these rows; rows of one scenario share its runs, except where memory is sampled."""
    scenarios = _scenarios()
    groups: dict[tuple[str, bool], list[Figures]] = {}
    for row in rows:
        groups.setdefault((row.scenario, row.sample_memory), []).append(Figures(row))
    for (name, sample_memory), group in groups.items():
        count = max((figures.row.runs or runs) for figures in group) if runs > 1 else 1
        with open_server(scenarios[name], place) as server:
            for number in range(count + 1):
                for contestant in contestants:
                    if any(contestant.name in figures.failed for figures in group):
                        continue
                    idle = wait_idle(patience=patience)
                    print(f"{name}: {contestant.name}, run {number} of {count}", file=sys.stderr)
                    try:
                        run = run_once(contestant, scenarios[name], server, sample_memory=sample_memory)
                    except RunFailed as err:
                        for figures in group:
                            figures.failed[contestant.name] = str(err)
                        continue
                    # The first run of each warms its home and the page cache.
                    for figures in group if number else ():
                        figures.busy += not idle
                        figures.samples.setdefault(contestant.name, []).append(figures.row.value(run))
    return [figures for group in groups.values() for figures in group]


def as_markdown(table: list[Figures], contestants: list[Contestant]) -> str:
    """The table and its notes."""
    lines = ["| | Codex | here | ratio | bound | |", "|---|---:|---:|---:|---:|---|"]
    for figures in table:
        row = figures.row
        bound = "" if row.bound is None else f"{'≥' if row.higher_is_better else '≤'} {row.bound}"
        ratio = "" if figures.ratio is None else f"{figures.ratio:.2f}"
        met = {True: "met", False: "**missed**", None: ""}[figures.is_met]
        shown = [_shown(figures, name) for name in ("codex", "ours")]
        lines.append(f"| {row.title} ({row.unit}) | {' | '.join(shown)} | {ratio} | {bound} | {met} |")
    lines.append("")
    lines.extend(f"- {contestant.name}: {contestant.version}" for contestant in contestants)
    lines.append(f"- {os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}")
    lines.append("- medians [least..greatest]; see the docstring of `tests/benchmarks/versus_codex.py` for each row")
    for figures in table:
        lines.extend(f"- {figures.row.name}: {name} failed: {why}" for name, why in figures.failed.items())
        if figures.busy:
            lines.append(f"- {figures.row.name}: {figures.busy} samples on a busy machine")
    return "\n".join(lines)


def _shown(figures: Figures, name: str) -> str:
    median = figures.median(name)
    if median is None:
        return "failed" if name in figures.failed else "–"
    samples = figures.samples[name]
    digits = {"s": 3, "ms": 1, "MB": 0, "/s": 0}[figures.row.unit]
    low, high = f"{min(samples):,.{digits}f}", f"{max(samples):,.{digits}f}"
    return f"{median:,.{digits}f} [{low}..{high}] (n={len(samples)})"


def as_json(table: list[Figures], contestants: list[Contestant]) -> str:
    """Everything that was measured."""
    rows = [
        {
            "row": figures.row.name,
            "title": figures.row.title,
            "unit": figures.row.unit,
            "codex": figures.median("codex"),
            "ours": figures.median("ours"),
            "ratio": figures.ratio,
            "bound": figures.row.bound,
            "higher_is_better": figures.row.higher_is_better,
            "met": figures.is_met,
            "samples": figures.samples,
            "failed": figures.failed,
            "busy": figures.busy,
        }
        for figures in table
    ]
    versions = {contestant.name: contestant.version for contestant in contestants}
    machine = {"cpus": os.cpu_count(), "linux": platform.release(), "python": platform.python_version()}
    return json.dumps({"machine": machine, "versions": versions, "rows": rows}, indent=2)


def _find_codex(given: str | None, ours: Path) -> str | None:
    """The binary of Codex: the one given, or the first in PATH or a node_modules above that is not ours."""
    if given:
        return native_codex(given) if shutil.which(given) else None
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    folders += [folder / "node_modules" / ".bin" for folder in (Path.cwd(), *Path.cwd().parents)]
    for folder in folders:
        candidate = folder / "codex"
        if os.access(candidate, os.X_OK) and candidate.resolve() != ours.resolve():
            binary = native_codex(str(candidate))
            if version_of([binary]).startswith("codex-cli "):
                return binary
    return None


def main() -> int:
    """Measure and print; 1 when a bound is missed, 2 when there is nothing to measure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.versus_codex", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codex", metavar="PATH", help="the `codex` of Codex; found in PATH or node_modules")
    parser.add_argument("--ours", metavar="PATH", default=str(Path(sys.executable).with_name("codex")))
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="samples of the rows with many calls")
    parser.add_argument("--patience", type=float, default=300.0, metavar="S", help="longest wait for an idle CPU")
    parser.add_argument("--json", action="store_true", help="print every sample as JSON")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(row.name for row in ROWS)}")
    options = parser.parse_args()
    if unknown := set(options.rows) - {row.name for row in ROWS}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    wanted = {"codex": options.codex, "ours": str(options.ours)}
    ours = shutil.which(wanted["ours"])
    commands = {
        "codex": _find_codex(options.codex, Path(wanted["ours"])),
        "ours": os.path.abspath(ours) if ours else None,
    }
    with tempfile.TemporaryDirectory(prefix="versus_codex_", dir="/tmp") as folder:
        place = Path(folder)
        contestants: list[Contestant] = []
        for name, command in commands.items():
            if command is None:
                place_asked = wanted[name] or "PATH, node_modules"
                print(f"{name}: not found ({place_asked}), left out", file=sys.stderr)
            else:
                contestants.append(open_home(name, command, version_of([command]), place))
        if not contestants:
            return 2
        table = measure(rows, contestants, options.runs, patience=options.patience, place=place)
    print((as_json if options.json else as_markdown)(table, contestants))
    return 1 if any(figures.is_met is False for figures in table) else 0


if __name__ == "__main__":
    sys.exit(main())
