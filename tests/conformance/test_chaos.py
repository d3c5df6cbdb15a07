"""A sample of the chaos; the full run is `python -m tests.conformance.chaos`."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.conformance.chaos import play


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_doubled_or_left_behind(seed: int) -> None:
    assert play(seed, steps=4_000, actors=400) == []


@pytest.mark.parametrize(("plant", "found"), [("leak", "reachable"), ("lose", "lost"), ("double", "exit")])
def test_a_planted_fault_is_found(plant: str, found: str) -> None:
    faults = play(5, steps=4_000, actors=300, plant=plant)
    assert any(found in fault for fault in faults), faults
