"""Actors on Trio: typed bounded mailboxes, questions that always get an answer, one tree of ownership.

An actor is `async def run(mailbox)`. It is reached by its `Ref`, owns what it spawns, and ends with an `Exit` that
its watchers get as `Down`. All of a runtime's actors run in one flat nursery; stopping one stops what it owns first.
`supervisors` restarts them. Each name is loaded when it is first used.
"""

# Type checkers know this name; importing `typing` for it would cost more than the rest.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from ._actor import Mailbox, Runtime, open_runtime
    from ._clock import Timer
    from ._errors import (
        ActorGone,
        ActorRestarted,
        ActorsError,
        AlreadyAnswered,
        AskCycle,
        AskTimeout,
        LinkBroken,
        MailboxFull,
        NameTaken,
        Shutdown,
        StopsItself,
    )
    from ._exit import Exit
    from ._info import ActorInfo, Statistics, describe, picture, tree
    from ._lanes import Overflow, request
    from ._place import Place
    from ._ref import Down, Ref, Vacated
    from ._registry import Registry
    from ._reply import Reply
    from ._reports import DeadLetter, Observer, Report
    from ._spans import export_spans
    from ._topic import Topic

__all__ = [
    "ActorGone",
    "ActorInfo",
    "ActorRestarted",
    "ActorsError",
    "AlreadyAnswered",
    "AskCycle",
    "AskTimeout",
    "DeadLetter",
    "Down",
    "Exit",
    "LinkBroken",
    "Mailbox",
    "MailboxFull",
    "NameTaken",
    "Observer",
    "Overflow",
    "Place",
    "Ref",
    "Registry",
    "Reply",
    "Report",
    "Runtime",
    "Shutdown",
    "Statistics",
    "StopsItself",
    "Timer",
    "Topic",
    "Vacated",
    "describe",
    "export_spans",
    "open_runtime",
    "picture",
    "request",
    "tree",
]

_HOMES = {
    "_actor": ("Mailbox", "Runtime", "open_runtime"),
    "_clock": ("Timer",),
    "_exit": ("Exit",),
    "_info": ("ActorInfo", "Statistics", "describe", "picture", "tree"),
    "_lanes": ("Overflow", "request"),
    "_place": ("Place",),
    "_ref": ("Down", "Ref", "Vacated"),
    "_registry": ("Registry",),
    "_reply": ("Reply",),
    "_reports": ("DeadLetter", "Observer", "Report"),
    "_spans": ("export_spans",),
    "_topic": ("Topic",),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = next((home for home, names in _HOMES.items() if name in names), "_errors")
    found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return found
