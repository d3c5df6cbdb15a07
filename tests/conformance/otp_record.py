"""Records what Erlang/OTP's supervisor does with random scenarios, as `supervisors.conformance` reads them.

    python -m tests.conformance.otp_record --seed N --count 1000 > traces.jsonl
    python -m supervisors.conformance traces.jsonl

Needs `erl` and `erlc` (Debian: erlang-base). Real time passes: some minutes for some thousand scenarios.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

IDS = "abcde"
# More than what the recorded file has, so that a busy machine kills nobody before the time.
SHUTDOWNS: tuple[int | str, ...] = (200, 1_000, "infinity", "brutal_kill")
HOWS = ("normal", "shutdown", "shutdown_term", "crash", "crash", "kill")
SETTLE_MS = 6_000
Json = dict[str, Any]  # Any: JSON


class Generator:
    """Random scenarios, without what really happened."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def child(self, id: str, auto_shutdown: str) -> Json:
        choose, dice = self.random.choice, self.random.random
        stubborn = dice() < 0.15
        restart = choose(("permanent", "transient", "temporary"))
        sensible = restart != "permanent" and auto_shutdown != "never"
        return {
            "id": id,
            "restart": restart,
            # A stubborn child that one waits for without end is no scenario.
            "shutdown": choose([one for one in SHUTDOWNS if one != "infinity" or not stubborn]),
            "significant": dice() < (0.5 if sensible else 0.02),
            "stubborn": stubborn,
            "fails": sorted(self.random.sample(range(1, 7), choose((1, 1, 2, 3)))) if dice() < 0.25 else [],
        }

    def op(self, auto_shutdown: str) -> list[Any]:
        id = self.random.choice(IDS)
        what = self.random.choices(("exit", "terminate", "restart", "delete", "start"), (12, 2, 2, 2, 3))[0]
        match what:
            case "exit":
                return [what, id, self.random.choice(HOWS)]
            case "start":
                return [what, id, self.child(id, auto_shutdown)]
            case _:
                return [what, id]

    def scenario(self, name: str) -> Json:
        choose = self.random.choice
        auto_shutdown = choose(("never", "never", "any_significant", "all_significant", "all_significant"))
        ids = self.random.sample(IDS, self.random.randint(0, 5))
        ops = [self.op(auto_shutdown) for _ in range(self.random.randint(1, 14))]
        return {
            "name": name,
            "flags": {
                "strategy": choose(("one_for_one", "one_for_all", "rest_for_one")),
                "intensity": choose((0, 1, 2, 3, 5, 8)),
                "period": 3600,
                "auto_shutdown": auto_shutdown,
            },
            "children": [self.child(id, auto_shutdown) for id in ids],
            "ops": [*ops, ["stop"]] if self.random.random() < 0.5 else ops,
        }


def term(scenario: Json) -> str:
    """As an Erlang term."""
    flags = scenario["flags"]
    head = json.dumps({key: scenario[key] for key in ("name", "flags", "children")})[:-1]
    rules = ", ".join(f"{key} => {flags[key]}" for key in flags)
    children = ", ".join(child_term(child) for child in scenario["children"])
    ops = ", ".join(f"{{{text(json.dumps(op))}, {op_term(op)}}}" for op in scenario["ops"])
    return f"{{{text(head)}, {SETTLE_MS}, #{{{rules}}}, [{children}], [{ops}]}}.\n"


def child_term(child: Json) -> str:
    significant, stubborn = (str(child[key]).lower() for key in ("significant", "stubborn"))
    return f"{{{child['id']}, {child['restart']}, {child['shutdown']}, {significant}, {stubborn}, {child['fails']}}}"


def op_term(op: list[Any]) -> str:
    match op:
        case ["stop"]:
            return "stop"
        case ["start", _, child]:
            return f"{{start, {child_term(child)}}}"
        case _:
            return f"{{{', '.join(op)}}}"


def text(value: str) -> str:
    return json.dumps(value)


def record(seed: int, count: int) -> str:
    """So many scenarios with what really happened, a JSON line each."""
    generator = Generator(seed)
    with tempfile.TemporaryDirectory() as folder:
        scenarios = Path(folder, "scenarios")
        scenarios.write_text("".join(term(generator.scenario(f"{seed}-{number}")) for number in range(count)))
        subprocess.run(["erlc", "-o", folder, Path(__file__).with_suffix(".erl")], check=True)
        # One scheduler: the end of a process is seen before what follows from it.
        command = ["erl", "+S", "1", "-noinput", "-pa", folder, "-run", "otp_record", "main", str(scenarios)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--count", type=int, default=1_000)
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    sys.stdout.write(record(options.seed, options.count))


if __name__ == "__main__":
    main()
