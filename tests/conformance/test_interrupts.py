"""A sample of Ctrl-C at every line; the full run is `python -m tests.conformance.interrupts`."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.conformance.interrupts import faults


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_ctrl_c_at_any_line_ends_everything_cleanly(twice: bool) -> None:
    assert faults(97, first=7, twice=twice) == []
