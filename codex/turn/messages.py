"""What a turn understands while it runs."""

from typing import TypeAlias

from codex.base.frozen import frozen
from codex.protocol.op import TurnInput


@frozen
class Steer:
    """More input from the user; what comes too late is left over in the turn's result."""

    input: TurnInput


@frozen
class InterruptTurn:
    """End the turn now; it ends when all it started is gone."""


Message: TypeAlias = Steer | InterruptTurn
