"""What a turn understands while it runs."""

from typing import TypeAlias

import attrs

from codex.protocol.op import TurnInput


@attrs.frozen
class Steer:
    """More input from the user; what comes too late is left over in the turn's result."""

    input: TurnInput


@attrs.frozen
class InterruptTurn:
    """End the turn now; it ends when all it started is gone."""


Message: TypeAlias = Steer | InterruptTurn
