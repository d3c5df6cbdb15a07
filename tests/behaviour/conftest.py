"""Virtual time for tests through the public door."""

import pytest
from trio.testing import MockClock


@pytest.fixture
def autojump_clock() -> MockClock:
    """A clock that leaps when nothing has moved for 20 real milliseconds: the disk answers from a thread that it knows
    nothing of, and would otherwise be taken for one that says nothing for minutes."""
    return MockClock(autojump_threshold=0.02)
