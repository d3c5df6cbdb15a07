"""`codex exec --json` prints what Codex printed, for every recorded case whose rooms exist."""

import sys
from pathlib import Path

import pytest

import codex
from tests.behaviour.recorded_exec import Case, load_cases, normalised, replay

OURS = [sys.executable, "-m", "codex.cli.main"]
ENVIRON = {"PYTHONPATH": str(Path(codex.__file__).parents[1])}
LATER = ("i_mcp_",)
CASES = {name: case for name, case in load_cases().items() if not name.startswith(LATER)}


@pytest.mark.parametrize("case", [case for case in CASES.values() if not case.interrupted], ids=lambda case: case.name)
async def test_a_recorded_run_prints_the_same_events(case: Case, tmp_path: Path) -> None:
    run = await replay(case, OURS, tmp_path, ENVIRON)
    assert normalised(run.lines, run.repo) == normalised(case.recorded), run.stderr
    assert run.returncode == (1 if "turn.failed" in case.recorded[-1] else 0), run.stderr


async def test_an_interrupted_run_prints_the_same_events_and_then_says_that_it_was(tmp_path: Path) -> None:
    case = CASES["g_sigint_tool"]
    run = await replay(case, OURS, tmp_path, ENVIRON)
    told = normalised(run.lines, run.repo)
    assert told[: len(case.recorded)] == normalised(case.recorded), run.stderr
    last = told[-1]
    assert (last["type"], "interrupt" in last["error"]["message"], "usage" in last) == ("turn.failed", True, True)
    assert run.returncode == 1


def test_the_order_of_parallel_commands_does_not_count() -> None:
    recorded = CASES["j_parallel_shell"].recorded
    first, second = recorded[2].replace("item_0", "item_1"), recorded[3].replace("item_1", "item_0")
    done = [
        line.replace("item_0", "item_9").replace("item_1", "item_0").replace("item_9", "item_1")
        for line in recorded[6:8]
    ]
    swapped = [*recorded[:2], second, first, *recorded[4:6], *reversed(done), *recorded[8:]]
    assert normalised(swapped) == normalised(recorded)
