"""A sample of the simulated day; the whole one is a command, and its result stands in docs/reference/robustness.md."""

from pathlib import Path

from tests.processes.simulated_day import CALLS, live

TURNS = 40


async def test_a_thread_that_is_compacted_again_and_again_does_not_grow(tmp_path: Path) -> None:
    day = await live(7, TURNS, tmp_path, limit_tokens=20_000)
    assert day.calls == TURNS * CALLS
    assert day.compactions >= 5
    assert day.peak_late < day.peak_early * 1.2
