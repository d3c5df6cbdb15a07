"""Actors on Trio: typed bounded mailboxes, questions that always get an answer, one tree of ownership.

An actor is `async def run(mailbox)`. It is reached by its `Ref`, owns what it spawns, and ends with an `Exit` that
its watchers get as `Down`. All of a runtime's actors run in one flat nursery; stopping one stops what it owns first.
`supervisors` restarts them.
"""

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
from ._host import DeadLetter, Observer, Report
from ._info import ActorInfo, Statistics, describe, picture, tree
from ._lanes import Overflow, request
from ._place import Place
from ._ref import Down, Ref, Vacated
from ._registry import Registry
from ._reply import Reply
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
