"""What the actor in the place of a session, and the one that has its worker, understand beside a session's messages."""

from typing import TypeAlias

from codex.base.frozen import frozen
from codex.placement.frames import Frame
from codex.session import Inbox


@frozen
class Received:
    """The worker has said this."""

    frame: Frame


@frozen
class Gone:
    """The worker is there no more; `loss` is why, unless that was to be."""

    loss: str | None


@frozen
class Send:
    """Say this to the worker."""

    frame: Frame


Message: TypeAlias = Inbox | Received | Gone
