"""Who is told things: a client, whatever wire it is on; and how it called itself."""

from typing import Protocol

import attrs

from codex.app_server.notice import Notice
from codex.base.frozen import frozen


@frozen
class Profile:
    """What a client said in `initialize`."""

    name: str
    version: str
    title: str | None = None
    experimental: bool = False
    opted_out: frozenset[str] = frozenset()


@attrs.frozen(eq=False)
class Asked:
    """A question to clients: its id, which all of them see, its method, and its params as a class of the API."""

    id: int
    thread_id: str
    method: str
    params: object


class Client(Protocol):
    """One client. None of this waits: what it cannot take in at once waits in its outbox, or cuts it off."""

    @property
    def profile(self) -> Profile | None:
        """What it said of itself; None before `initialize`."""
        ...

    def introduce(self, profile: Profile) -> None:
        """It has said who it is."""
        ...

    def tell(self, notice: Notice) -> None:
        """A notification, unless it wants none of these."""
        ...

    def ask(self, asked: Asked) -> None:
        """A question; its answer comes back through `Feed.answered`."""
        ...

    def withdraw(self, asked: Asked) -> None:
        """The question needs no answer any more."""
        ...
