"""One turn: sample, run the calls, feed their outputs back, until the model is done.

`run` is the actor; `TurnContext` is what it needs, `TurnResult` how it ended; `messages` is what it understands.
"""

from codex.turn._actor import Inbox, run
from codex.turn.context import Phase, Summary, TurnContext, TurnPort, TurnResult
from codex.turn.messages import InterruptTurn, Steer

__all__ = ["Inbox", "InterruptTurn", "Phase", "Steer", "Summary", "TurnContext", "TurnPort", "TurnResult", "run"]
