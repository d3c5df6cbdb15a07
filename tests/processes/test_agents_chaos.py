"""A sample of the long run in `agents_chaos.py`; its planted faults are found, so the rest of its silence counts."""

import pytest

from tests.processes.agents_chaos import play
from tests.processes.agents_world import Plant


def test_a_tree_of_agents_keeps_its_promises_whatever_goes_wrong() -> None:
    report = play(3, 150)
    assert report.faults == []
    assert sum(report.steps.values()) == 150


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        ("leak", "runs on"),
        ("letter", "was lost"),
        ("exit", "/root has ended twice"),
        ("account", "model calls on its account"),
    ],
)
def test_a_planted_fault_is_found(plant: Plant, words: str) -> None:
    assert any(words in fault for fault in play(1, 12, plant=plant).faults)
