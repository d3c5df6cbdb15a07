"""One to many."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Generic, TypeVar

from ._actor import Mailbox
from ._errors import ActorGone, MailboxFull
from ._lanes import Overflow
from ._protection import protected
from ._ref import Ref

M = TypeVar("M")


@protected
class Topic(Generic[M]):
    """Gives every message to every subscriber; a slow one never holds up the others or the publisher.

    What a subscriber misses follows from its mailbox: with `overflow="drop_oldest"` it falls behind, with "wait" or
    "fail" it is cut off at the bound, once and for all, and its mailbox is closed where the topic opened it.
    """

    def __init__(self, name: str = "topic") -> None:
        self.name = name
        self._subscribers: dict[Ref[M], Mailbox[M] | None] = {}

    def __repr__(self) -> str:
        return f"<Topic {self.name}: {len(self._subscribers)} subscribers>"

    def __len__(self) -> int:
        return len(self._subscribers)

    def publish(self, message: M) -> int:
        """Give it to everyone subscribed now, without waiting; how many got it."""
        reached = 0
        for ref, mailbox in list(self._subscribers.items()):
            try:
                ref.send_nowait(message)
                reached += 1
            except (ActorGone, MailboxFull):
                self._subscribers.pop(ref, None)
                if mailbox is not None:
                    mailbox.close()
        return reached

    def subscribe(self, ref: Ref[M]) -> None:
        """Send it every message published from now on, until it ends, is cut off or is unsubscribed."""
        self._subscribers.setdefault(ref, None)

    def unsubscribe(self, ref: Ref[M]) -> None:
        """Send it no more. What is in its mailbox stays."""
        self._subscribers.pop(ref, None)

    @contextmanager
    def open_subscription(self, *, capacity: int = 256, overflow: Overflow = "fail") -> Generator[Mailbox[M]]:
        """A mailbox that gets every message published within the block; for readers that are not actors."""
        mailbox: Mailbox[M] = Mailbox(self.name, capacity=capacity, overflow=overflow)
        self._subscribers[mailbox.ref] = mailbox
        try:
            yield mailbox
        finally:
            self._subscribers.pop(mailbox.ref, None)
            mailbox.close()
