"""A sample of the long run in `chaos.py`; its planted faults are found, so the rest of its silence counts."""

from collections import Counter

import pytest

from tests.processes.chaos import kept_in, play, shown_in


def test_nothing_survives_hangs_or_is_lost_when_something_is_killed() -> None:
    done = play(20_261_122, 6, at_once=2)
    assert [result for result in done if result.faults] == []


@pytest.mark.parametrize(
    ("plant", "words"), [("survivor", "survives"), ("missing", "shown and not kept"), ("wedged", "wedged")]
)
def test_a_planted_fault_is_found(plant: str, words: str) -> None:
    (result,) = play(2, 1, plant=plant)
    assert any(words in fault for fault in result.faults)


def test_a_line_that_was_cut_off_by_a_kill_counts_for_nothing() -> None:
    assert shown_in(b'{"type":"turn.completed"}\n{"type":"item.compl') == Counter({"turn completed": 1})
    assert kept_in(b'{"payload":{"type":"task_complete"}}\n{"payl') == Counter({"turn completed": 1})
