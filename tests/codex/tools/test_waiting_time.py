"""How long a model waits for the output of a running command."""

import pytest

from codex.tools.handlers.write_stdin import waiting_time


@pytest.mark.parametrize(
    ("asked_ms", "typed", "longest_ms", "seconds"),
    [
        (None, True, 300_000, 0.25),
        (60_000, True, 300_000, 30.0),
        (None, False, 300_000, 5.0),
        (900_000, False, 300_000, 300.0),
        (900_000, False, 600_000, 600.0),
        (60_000, False, 20_000, 20.0),
        (60_000, False, 1, 5.0),
    ],
)
def test_the_user_limits_how_long_a_look_at_a_command_waits(
    asked_ms: int | None, typed: bool, longest_ms: int, seconds: float
) -> None:
    assert waiting_time(asked_ms, typed=typed, longest_ms=longest_ms) == seconds
