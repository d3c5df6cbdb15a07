"""What a process actor understands. To end it, stop it: that kills the process and all it started."""

from typing import TypeAlias

import attrs

from actors import Reply


@attrs.frozen
class WaitStarted:
    """Answered when it runs. Where it cannot be started the actor ends, and its state says why."""

    reply: Reply[None]


@attrs.frozen
class Write:
    """Write to its terminal; answered when the terminal has taken all of it."""

    data: bytes
    reply: Reply[None]


@attrs.frozen
class Signal:
    """Send a signal to its process group."""

    number: int


@attrs.frozen
class Resize:
    """Set the size of its terminal."""

    rows: int
    columns: int


Message: TypeAlias = WaitStarted | Write | Signal | Resize
