"""One thread's mind: what was submitted, which turn runs, what is in force, and the order of its rollout.

`run` is the actor; `SessionContext` is what it is made of; `messages` is what it understands; the outbox shows events.
"""

from codex.session._actor import run
from codex.session.context import Identity, Inbox, Places, Restored, Services, SessionContext, restored_from
from codex.session.in_force import InForce, Narrow
from codex.session.messages import CopyHistory, Inject, Message, Publish, Submit
from codex.session.outbox import Outbox, Subscription, WatcherTooSlow

__all__ = [
    "CopyHistory",
    "Identity",
    "InForce",
    "Inbox",
    "Inject",
    "Message",
    "Narrow",
    "Outbox",
    "Places",
    "Publish",
    "Restored",
    "Services",
    "SessionContext",
    "Submit",
    "Subscription",
    "WatcherTooSlow",
    "restored_from",
    "run",
]
