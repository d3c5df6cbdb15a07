"""Long rollouts and many of them: a resume, a list, a search.

    python -m tests.benchmarks.storage [--lines 100000] [--sessions 10000]

Each figure comes from a process of its own with an empty cache of modules; times are the median of five.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from codex.base.ids import uuid7
from codex.protocol.item import CommandExecution
from codex.protocol.response_item import input_text
from codex.protocol.usage import TokenUsage
from codex.rollout import Line, TurnIds, lines, rollout_path
from codex.rollout._machine import Journal

BOUNDS = {"resume, seconds": 1.5, "resume, peak MB": 300.0, "list, seconds": 0.1}

_RESUME = """
import resource, sys, time
began = time.perf_counter()
from codex.context import History
from codex.rollout import load
stored = load(sys.argv[1], sys.argv[2])
prompt = History(stored.items).prompt_items()
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(prompt))
"""
_LIST = """
import sys, time
from codex.ports.store import ThreadQuery
from codex.rollout import Rollouts
from codex.state import Index, index_path
began = time.perf_counter()
index = Index(index_path(sys.argv[1]), Rollouts(sys.argv[1]))
page = index.page(ThreadQuery(search=sys.argv[2] or None))
print(time.perf_counter() - began, 0, len(page.threads))
"""


def meta(thread_id: str, at: float) -> Line:
    """The first line, with instructions as long as Codex's."""
    return lines.session_meta(
        thread_id=thread_id,
        session_id=thread_id,
        cwd="/repo",
        originator="codex_exec",
        cli_version="0.1.0",
        model_provider="lab",
        base_instructions="x" * 21_000,
        at=at,
    )


def write(home: str, thread_id: str, at: float, told: list[Line]) -> None:
    """A rollout of these lines."""
    path = rollout_path(home, thread_id, datetime.fromtimestamp(at))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_bytes(Journal().encode([meta(thread_id, at), *told]).data)


def a_turn(ids: TurnIds, at: float, *, calls: int) -> list[Line]:
    """A turn with calls, each with its output, its item for the screen and its token count."""
    said = {"type": "message", "id": f"m{ids.turn_id}", "role": "user", "content": [input_text("do it " * 10)]}
    told = [lines.task_started(ids, at), lines.response_item(said, ids.turn_id, at)]
    usage = TokenUsage(10_000, 9_000, 0, 100, 0, 10_100)
    for number in range(calls):
        call_id = f"c{ids.turn_id}-{number}"
        asked = {"type": "function_call", "id": f"f{call_id}", "call_id": call_id, "name": "exec_command"}
        output = {"type": "function_call_output", "id": f"o{call_id}", "call_id": call_id, "output": "out " * 100}
        shown = CommandExecution(call_id, ("bash", "-lc", "ls"), "/repo", "completed", None, "out " * 100, 0, 0.1)
        told.append(lines.response_item({**asked, "arguments": '{"cmd":"ls"}'}, ids.turn_id, at))
        told.append(lines.response_item(output, ids.turn_id, at))
        item = lines.item_completed(ids, shown, at)
        assert item is not None
        told += [item, lines.token_count(usage, usage, at)]
    return [*told, lines.task_complete(ids, at, started_at=at, last_agent_message="done")]


def long_session(home: str, count: int) -> str:
    """One thread of so many lines; its id."""
    thread_id, at = uuid7(), time.time()
    told: list[Line] = []
    while len(told) < count:
        turn_id = uuid7()
        told += a_turn(TurnIds(thread_id, thread_id, turn_id, turn_id), at, calls=10)
    write(home, thread_id, at, told[: count - 1])
    return thread_id


def many_sessions(home: str, count: int) -> None:
    """So many small threads over most of a year."""
    chance = random.Random(1)
    for _ in range(count):
        thread_id, turn_id = uuid7(), uuid7()
        at = 1_790_000_000 - chance.randrange(300 * 86_400)
        write(home, thread_id, at, a_turn(TurnIds(thread_id, thread_id, turn_id, turn_id), at, calls=1))


def measured(program: str, *arguments: str, times: int = 5) -> tuple[float, float, float]:
    """Medians of what the program prints: seconds, MB, count."""
    told: list[list[float]] = []
    for _ in range(times):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
        told.append([float(word) for word in done.stdout.split()])
    return statistics.median(t[0] for t in told), statistics.median(t[1] for t in told), told[0][2]


def command_seconds(home: str, *arguments: str) -> float:
    """The median of a whole command, with the start of the interpreter."""
    taken: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        command = [sys.executable, "-m", "codex.cli.main", "sessions", "list", *arguments]
        subprocess.run(command, env={**os.environ, "CODEX_HOME": home}, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> int:
    """Print the figures; 1 when one is over its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=10_000)
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="codex-storage-") as home:
        thread_id = long_session(home, options.lines)
        figures["resume, seconds"], figures["resume, peak MB"], _ = measured(_RESUME, home, thread_id)
    with tempfile.TemporaryDirectory(prefix="codex-storage-") as home:
        many_sessions(home, options.sessions)
        figures["first list, seconds"] = measured(_LIST, home, "", times=1)[0]
        figures["list, seconds"] = measured(_LIST, home, "")[0]
        figures["search, seconds"] = measured(_LIST, home, "do it")[0]
        figures["whole command, seconds"] = command_seconds(home, "--all")
    for name, value in figures.items():
        bound = BOUNDS.get(name)
        verdict = "" if bound is None else f"   at most {bound}: {'met' if value <= bound else 'MISSED'}"
        print(f"{name:<26}{value:>10.3f}{verdict}")
    print(json.dumps(figures))
    return int(any(figures[name] > bound for name, bound in BOUNDS.items()))


if __name__ == "__main__":
    sys.exit(main())
