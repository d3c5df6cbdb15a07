"""Notifications on their way to those who subscribed: in order, to each at its own pace, with a bound."""

from collections import deque
from collections.abc import AsyncIterator

import trio

from codex.app_server.client.messages import Lagging, Notification
from codex.base.errors import CodexError

BOUND = 65_536


class Subscription:
    """The notifications of one thread, or of all, for one reader."""

    def __init__(self, thread_id: str | None) -> None:
        self.thread_id = thread_id
        self._waiting: deque[Notification] = deque()
        self._ready = trio.Event()
        self._end: CodexError | None = None

    def put(self, notification: Notification) -> None:
        """Queue one; never waits."""
        if self._end is not None or self.thread_id not in (None, notification.thread_id):
            return
        self._waiting.append(notification)
        if len(self._waiting) > BOUND:
            self._waiting.clear()
            self.fail(Lagging(BOUND))
        self._ready.set()

    def fail(self, error: CodexError) -> None:
        """Nothing more comes; what waits can still be read."""
        self._end = self._end or error
        self._ready.set()

    def __aiter__(self) -> AsyncIterator[Notification]:
        return self

    async def __anext__(self) -> Notification:
        """The next one. Cancel-safe: none is lost.

        Raises:
          ConnectionLost: the server is gone.
          Lagging: too many were not read.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._ready = trio.Event()
            await self._ready.wait()
        return self._waiting.popleft()


class Subscriptions:
    """All who subscribed to what one client is told."""

    def __init__(self) -> None:
        self._all: list[Subscription] = []

    def open(self, thread_id: str | None) -> Subscription:
        """Subscribe, from now on."""
        subscription = Subscription(thread_id)
        self._all.append(subscription)
        return subscription

    def close(self, subscription: Subscription) -> None:
        """Unsubscribe; twice does no harm."""
        if subscription in self._all:
            self._all.remove(subscription)

    def put(self, notification: Notification) -> None:
        """Hand a notification to all whom it concerns."""
        for subscription in self._all:
            subscription.put(notification)

    def fail(self, error: CodexError) -> None:
        """Nothing more comes for anybody."""
        for subscription in self._all:
            subscription.fail(error)
