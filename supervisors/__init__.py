"""Supervision as in Erlang: who is started in which order, what is restarted with whom, and when one gives up.

A supervisor is an actor that owns places for its children and decides by a pure machine what becomes of them. See
`start_supervisor`, `SupervisorSpec` and `ChildSpec`. Each name is loaded when it is first used.
"""

# Type checkers know this name; importing `typing` for it would cost more than the rest.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from ._actor import Event
    from ._backoff import Backoff
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
    from ._spec import ChildSpec, SupervisorSpec, check_spec
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

_HOMES = {
    "_actor": ("Event",),
    "_backoff": ("Backoff",),
    "_foreign": ("ProcessFailed", "process_child", "thread_child", "worker_child"),
    "_spec": ("ChildSpec", "SupervisorSpec", "check_spec"),
    "_supervisor": ("Supervisor", "start_supervisor"),
    "messages": ("ChildCounts", "ChildInfo"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = next((home for home, names in _HOMES.items() if name in names), "_errors")
    found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return found
