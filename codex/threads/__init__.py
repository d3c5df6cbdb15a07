"""Which threads exist: each is started, found, watched and stopped here."""

from codex.threads.manager import AgentsOf, ThreadManager
from codex.threads.thread import Thread, ThreadEnded, ThreadRestarting, TurnError
from codex.threads.turn_events import TurnEvents

__all__ = [
    "AgentsOf",
    "Thread",
    "ThreadEnded",
    "ThreadManager",
    "ThreadRestarting",
    "TurnError",
    "TurnEvents",
]
