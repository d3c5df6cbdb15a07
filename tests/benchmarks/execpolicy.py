"""What deciding by rules costs: `python -m tests.benchmarks.execpolicy`. Microseconds of
processor time, medians of batches.

200 rules: 40 programs of 5 rules each, every fifth with alternatives; commands are plain, split, unsplit, unmatched.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from codex.execpolicy import PrefixRule, Rules, parse_rules

DECISIONS = ("allow", "prompt", "forbidden")


def rules_text(count: int) -> str:
    lines: list[str] = []
    for number in range(count):
        words = f'"tool{number % 40}", "verb{number // 40}"'
        options = [f"option{option}" for option in range(8)]
        words = f"{words}, {json.dumps(options)}" if number % 5 == 0 else words
        lines.append(f'prefix_rule(pattern=[{words}], decision="{DECISIONS[number % 3]}", justification="because")')
    return "\n".join(lines)


COMMANDS: dict[str, list[str]] = {
    "plain, the last rule of its program": ["tool39", "verb4", "x"],
    "plain, alternatives": ["tool5", "verb0", "option7", "x"],
    "plain, no rule": ["other", "-x"],
    "a path": ["/usr/bin/tool39", "verb4", "x"],
    "a script of one command": ["bash", "-lc", "tool39 verb4 --name 'some text'"],
    "a script of four commands": ["bash", "-lc", "cd src && tool1 verb1 x | tool2 verb2 'a b'; other"],
    "a script that is not split": ["bash", "-lc", "for i in *.py; do tool1 verb1 $i > out; done"],
}


def median_us(action: Callable[[], object], *, batches: int = 30, size: int = 300) -> float:
    took: list[float] = []
    for _ in range(batches):
        before = time.thread_time()
        for _ in range(size):
            action()
        took.append((time.thread_time() - before) / size)
    return round(statistics.median(took) * 1e6, 2)


def decide(rules: Rules, argv: list[str]) -> tuple[object, bool]:
    """One decision, with what the approvals ask of it."""
    found = rules.evaluate(argv)
    return found.decision, found.dangerous


def measure() -> dict[str, float]:
    text = rules_text(200)
    rules = parse_rules([("benchmark.rules", text)])
    assert len(rules.prefix_rules) == 200
    result = {f"decide: {name}": median_us(partial(decide, rules, argv)) for name, argv in COMMANDS.items()}
    one_program = Rules(PrefixRule((("git",), (f"verb{number}",))) for number in range(200))
    result["decide: 200 rules on one program"] = median_us(partial(decide, one_program, ["git", "verb199", "x"]))
    result["read 200 rules"] = median_us(lambda: parse_rules([("benchmark.rules", text)]), batches=5, size=2)
    return result


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=2)
    print()
