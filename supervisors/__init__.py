"""Supervision as in Erlang: who is started in which order, what is restarted with whom, and when one gives up.

A supervisor is an actor that owns places for its children and decides by a pure machine what becomes of them. See
`start_supervisor`, `SupervisorSpec` and `ChildSpec`.
"""

from ._actor import Event
from ._errors import (
    AlreadyPresent,
    AlreadyStarted,
    BadSpec,
    ChildNotFound,
    ChildRestarting,
    ChildRunning,
    Ignore,
    StartFailed,
    SupervisorError,
)
from ._foreign import ProcessFailed, process_child, thread_child, worker_child
from ._spec import Backoff, ChildSpec, SupervisorSpec, check_spec
from ._supervisor import Supervisor, start_supervisor
from .messages import ChildCounts, ChildInfo

__all__ = [
    "AlreadyPresent",
    "AlreadyStarted",
    "Backoff",
    "BadSpec",
    "ChildCounts",
    "ChildInfo",
    "ChildNotFound",
    "ChildRestarting",
    "ChildRunning",
    "ChildSpec",
    "Event",
    "Ignore",
    "ProcessFailed",
    "StartFailed",
    "Supervisor",
    "SupervisorError",
    "SupervisorSpec",
    "check_spec",
    "process_child",
    "start_supervisor",
    "thread_child",
    "worker_child",
]
