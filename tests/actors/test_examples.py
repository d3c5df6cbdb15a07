"""The examples of `actors` and `supervisors` run alone and print what they claim."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

PRINTED = {
    "first_actor": [
        "the answer is 42",
        "the table holds 1 value",
        "it ended: shutdown",
        "asking it now: actor 'runtime/table' has ended or is stopping; watch its ref to learn of its end in time",
    ],
    "first_supervision_tree": [
        "  writer starts",
        "  reader starts",
        "the reader breaks:",
        "  reader starts",
        "the refs are the same: True",
        "the writer breaks within five seconds, which is once too often:",
        "  reader stops",
        "the supervisor gave up: too many restarts",
    ],
    "find_a_deadlock": [
        (
            "this ask would wait for ever: town/bob -> town/alice -> town/bob;"
            " send instead, or ask from a task beside the loop"
        ),
        "alice says: bob decides alone",
    ],
    "supervisor_spans": [
        "top 1: shutdown",
        "  writer 1: normal",
        "  readers 1: shutdown",
        "    reader 1: shutdown",
        "  writer 2: shutdown",
    ],
    "blocking_library": [
        "killed by hand: killed",
        "the supervisor says: crash library",
        "the supervisor says: restart library",
        "stopping: shutdown",
        "left: 0",
    ],
}


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_claims(name: str) -> None:
    if name == "supervisor_spans":
        pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=EXAMPLES.parent,
    )
    assert (done.stderr, done.stdout.splitlines()) == ("", PRINTED[name])
