"""Whether the model of an agent has fallen silent.  Pure.

    resting --turn started--> asking --call or question opened--> busy --the last one closed--> asking
    any     --turn ended----> resting
Law: only while the agent is asking, time counts, from its last event on; so a model that streams, however slowly, is
alive, and so is an agent that waits for a command, a person or another agent, however long.
Not decided here: how long is too long (role, configuration), what is done then (watch).
"""

from codex.protocol.event import (
    ApplyPatchApprovalRequest,
    ApprovalResolved,
    EventMsg,
    ExecApprovalRequest,
    ItemCompleted,
    ItemStarted,
    ShutdownComplete,
    TaskStarted,
    ends_turn,
)
from codex.protocol.item import AgentMessage, Reasoning


class Liveness:
    """One agent's."""

    __slots__ = ("_asking", "_open", "_seen_at")

    def __init__(self) -> None:
        self._asking = False
        self._open: set[str] = set()
        self._seen_at = 0.0

    def told(self, msg: EventMsg, now: float) -> None:
        """Something happened."""
        self._seen_at = now
        match msg:
            case TaskStarted():
                self._asking = True
                self._open.clear()
            case ItemStarted(item=item):
                if not isinstance(item, AgentMessage | Reasoning):
                    self._open.add(item.id)
            case ItemCompleted(item=item):
                self._open.discard(item.id)
            case ExecApprovalRequest() | ApplyPatchApprovalRequest():
                self._open.add(msg.id)
            case ApprovalResolved():
                self._open.discard(msg.id)
            case ShutdownComplete():
                self._asking = False
            case _ if ends_turn(msg):
                self._asking = False
            case _:
                pass

    def silent_since(self) -> float | None:
        """When its model was heard last; None where it is not its turn to speak."""
        return self._seen_at if self._asking and not self._open else None
