"""Whole runs of `codex exec --json` under load, in which one process is killed at random: of a command, its guard, the
helper that starts commands, or the program itself.

    python -m tests.processes.chaos --seed 1 --rounds 300 [--at-once 3] [--plant survivor|missing|wedged]

After each round: nothing that it started runs, the program has ended, and everything it has shown as finished is in its
rollout. A plant makes one such fault in every round; each has to be found.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from codex.protocol.permission import SANDBOX_MODES
from tests.behaviour.typed_codex import make_place
from tests.processes.machines import processes_with

VICTIMS = ("command", "guard", "zygote", "us")
WEDGED_AFTER, GONE_WITHIN = 90.0, 15.0
# Ignores what can be ignored, and leaves a daemon without environment and one that goes on forking for a while.
TREE = (
    "trap '' TERM HUP INT; (setsid env -i sh -c 'trap \"\" TERM; exec sleep {0}' &); "
    "(setsid sh -c 'for i in 1 2 3 4 5 6 7 8 9; do (sleep {0} &); sleep 0.02; done' &); echo tree {1}; sleep {0}"
)


@attrs.frozen
class Round:
    """What was done in a round, and what was wrong after it."""

    number: int
    victim: str
    faults: tuple[str, ...]


def script(mark: str, number: int) -> dict[str, Any]:
    """A turn with a tree in the background, one in the foreground that gives up waiting, and short commands."""

    def command(name: str, cmd: str, **more: Any) -> dict[str, Any]:
        arguments = {"cmd": cmd, "login": False, **more}
        return {"type": "function_call", "name": "exec_command", "call_id": name, "arguments": arguments}

    def said(text: str) -> dict[str, Any]:
        return {"type": "text", "text": f"{text} {number}"}

    short = [[said(f"step {n}"), command(f"s{n}", f"seq {n} 40; echo round {number}")] for n in range(4)]
    tree = TREE.format(mark, number)
    return {
        "scripts": {
            "all": [
                [said("first"), command("b", tree, yield_time_ms=250)],
                *short[:2],
                [said("terminal"), command("t", tree, yield_time_ms=300, tty=True)],
                [said("both"), command("p", tree, yield_time_ms=400), command("q", tree, yield_time_ms=400, tty=True)],
                *short[2:],
                [said("last")],
            ]
        },
        "default": "all",
    }


def children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_helper(pid: int) -> bool:
    with suppress(OSError):
        return b"helper/main.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def pick(us: int, victim: str, chance: random.Random) -> int | None:
    """A process of this kind that lives now; None where there is none."""
    if victim == "us":
        return us
    zygotes = [pid for pid in children(us) if is_helper(pid)]
    guards = [guard for zygote in zygotes for guard in children(zygote) if is_helper(guard)]
    commands = [pid for guard in guards for pid in children(guard)]
    found = {"zygote": zygotes, "guard": guards, "command": [*commands, *(c for p in commands for c in children(p))]}
    return chance.choice(found[victim]) if found[victim] else None


def hurt(process: "subprocess.Popen[bytes]", victim: str, chance: random.Random) -> bool:
    """Kill one of this kind as soon as there is one. False where the run ended before."""
    while process.poll() is None:
        pid = pick(process.pid, victim, chance)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        time.sleep(0.002)
    return False


def survivors(marks: tuple[str, ...], within: float) -> list[str]:
    until = time.monotonic() + within
    while found := [pid for mark in marks for pid in processes_with(mark)]:
        if time.monotonic() > until:
            return [f"{pid} {_command_of(pid)}" for pid in found]
        time.sleep(0.02)
    return []


def _command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120]
    return "(gone)"


def shown_in(stdout: bytes) -> Counter[str]:
    """What the stream showed as finished; a last line that was cut off by a kill counts for nothing."""
    shown: Counter[str] = Counter()
    for line in stdout.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            continue
        event = json.loads(line)
        item = event.get("item", {})
        match event["type"], item.get("type"):
            case "item.completed", "agent_message":
                shown[f"said {item['text']}"] += 1
            case "item.completed", "command_execution":
                shown[f"ran {item['exit_code']} {item['aggregated_output']}"] += 1
            case "turn.completed", _:
                shown["turn completed"] += 1
            case _:
                pass
    return shown


def kept_in(rollout: bytes) -> Counter[str]:
    """The same, as the rollout has it."""
    kept: Counter[str] = Counter()
    for line in rollout.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            continue
        payload = json.loads(line)["payload"]
        item = payload.get("item", {})
        match payload.get("type"), item.get("type"):
            case "item_completed", "AgentMessage":
                kept[f"said {item['content'][0]['text']}"] += 1
            case "item_completed", "CommandExecution":
                kept[f"ran {item['exit_code']} {item['aggregated_output']}"] += 1
            case "task_complete", _:
                kept["turn completed"] += 1
            case _:
                pass
    return kept


def one_round(seed: int, number: int, plant: str | None, scratch: Path) -> Round:
    """Run, hurt, and look what is left."""
    chance = random.Random(f"{seed}/{number}")
    victim, mode, delay = chance.choice(VICTIMS), chance.choice(SANDBOX_MODES), chance.uniform(0, 1.2)
    mark = f"3600.{chance.getrandbits(40)}"
    path = scratch / f"round-{seed}-{number}"
    path.mkdir()
    place = make_place(path)
    place.play(script(mark, number))
    faults: list[str] = []
    with place.start("exec", "--json", "-s", mode, "go") as process, ThreadPoolExecutor(1) as reader:
        assert process.stdout is not None
        first = process.stdout.readline()
        rest = reader.submit(process.stdout.read)
        if plant == "wedged":
            os.kill(process.pid, signal.SIGSTOP)
        else:
            time.sleep(delay)
            victim = victim if hurt(process, victim, chance) else "nobody"
        try:
            process.wait(3 if plant == "wedged" else WEDGED_AFTER)
        except subprocess.TimeoutExpired:
            faults.append("the turn is wedged")
            process.kill()
        stdout = first + rest.result()
    outsider = None
    if plant == "survivor":
        outsider = subprocess.Popen(["sleep", mark])
        while not processes_with(mark):  # for a moment after its start a process has no command line
            time.sleep(0.001)
    faults += [f"survives: {one}" for one in survivors((mark, str(path)), 1 if plant else GONE_WITHIN)]
    if outsider is not None:
        outsider.kill()
        outsider.wait()
    rollouts = sorted((place.codex_home / "sessions").rglob("*.jsonl"))
    kept = kept_in(b"".join(rollout.read_bytes() for rollout in rollouts))
    shown = shown_in(stdout)
    if plant == "missing" and kept:
        del kept[next(iter(shown), next(iter(kept)))]
    faults += [f"shown and not kept: {one[:200]!r}" for one in (shown - kept)]
    return Round(number, victim, tuple(faults))


def play(
    seed: int, rounds: int, *, at_once: int = 3, plant: str | None = None, tell: Callable[[Round], None] | None = None
) -> list[Round]:
    """All rounds, so many at once."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch, ThreadPoolExecutor(at_once) as pool:
        done: list[Round] = []
        for result in pool.map(partial(one_round, seed, plant=plant, scratch=Path(scratch)), range(rounds)):
            done.append(result)
            if tell is not None:
                tell(result)
        return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--plant", choices=["survivor", "missing", "wedged"])
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)

    def tell(result: Round) -> None:
        for fault in result.faults:
            print(f"round {result.number} ({result.victim} killed): {fault}", flush=True)

    began = time.monotonic()
    done = play(options.seed, options.rounds, at_once=options.at_once, plant=options.plant, tell=tell)
    victims = Counter(result.victim for result in done)
    faulty = sum(1 for result in done if result.faults)
    print(f"{len(done)} rounds in {time.monotonic() - began:.0f} s, killed {dict(victims)}: {faulty} with faults")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
