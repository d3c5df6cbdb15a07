"""What all clients share: the engine, the feeds of its threads, and who is connected."""

import itertools
import os
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Never, Protocol

import trio

from actors import Down, Mailbox, Ref, Runtime
from codex.app_server.audience import Client
from codex.app_server.belongings import Belongings
from codex.app_server.notice import Notice
from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject
from codex.config.load import Resolution
from codex.config.schema import Config
from codex.engine import Codex
from codex.threads import Thread

if TYPE_CHECKING:
    from codex.app_server.agenda import Agenda
    from codex.app_server.feed import Feed

UNLOAD_AFTER = 1_800.0
"""Seconds without a client after which a thread that rests is ended; `thread/resume` loads it again."""

_STOP_WITHIN = 2.0
_MAX_BREAKS = 10


@frozen
class _Unload:
    """A feed had no client when this was sent; `left` is how often one had come or gone until then."""

    feed: "Feed"
    left: int


class ConfigSource(Protocol):
    """Where the settings of new threads come from."""

    def load(self, *, cwd: str | None, flags: Mapping[str, object], overrides: JsonObject) -> Config:
        """The configuration for a directory, with settings on top of those the server was started with. Blocks.

        Raises:
          UserError: something in it is wrong.
        """
        ...

    def resolve(self, *, cwd: str | None) -> Resolution:
        """The configuration for a directory with the layers that it comes from. Blocks.

        Raises:
          UserError: something in it is wrong.
        """
        ...


class Server:
    """The one object that handlers share; what it changes it changes at once, without waiting."""

    def __init__(
        self,
        codex: Codex,
        configs: ConfigSource,
        runtime: Runtime,
        environ: Mapping[str, str],
        *,
        has_name: bool = True,
    ) -> None:
        self.codex = codex
        self.configs = configs
        self.environ = environ
        self.clients: dict[Client, None] = {}
        self.feeds: dict[str, Feed] = {}
        self.greeted = trio.Event()
        """The first client has said who it is."""
        self._belongings: dict[Client, Belongings] = {}
        self._has_name = has_name
        self._questions = itertools.count()
        self._mailbox: Mailbox[Down | _Unload] | None = None
        self._watched: dict[Ref[Never], Feed] = {}
        self._ready = trio.Event()
        codex.watch_children(self.thread_started)
        self._owner = runtime.spawn(self._own, name="feeds", shutdown=_STOP_WITHIN)

    async def wait_ready(self) -> None:
        """Return when feeds can be opened."""
        await self._ready.wait()

    def greeted_by(self, name: str) -> None:
        """A client has said who it is; the first one gives its name to a server that has none."""
        if not self._has_name:
            self._has_name = True
            self.codex.known_as(name)
        self.greeted.set()

    @staticmethod
    def now_ms() -> int:
        """The wall time in milliseconds."""
        return int(time.time() * 1000)

    async def load_config(self, cwd: str | None = None) -> Config:
        """The settings that a thread in a directory would start with, or in ours where that is none.

        Cancelled, nothing happened.

        Raises:
          UserError: something in the files is wrong.
        """

        def load() -> Config:
            there = cwd if cwd is not None and os.path.isdir(cwd) else None
            return self.configs.load(cwd=there, flags={}, overrides={})

        return await trio.to_thread.run_sync(load)

    def find(self, thread_id: str) -> "Feed | None":
        """The feed of a loaded thread."""
        feed = self.feeds.get(thread_id)
        return feed if feed is not None and feed.thread.alive else None

    def open_feed(self, thread: Thread) -> "Feed":
        """The feed of a thread, opened now where there is none. It ends with the thread."""
        feed = self.feeds.get(thread.thread_id)
        if feed is not None and feed.thread is thread:
            return feed
        from codex.app_server.agenda import Agenda  # a client is greeted before threads and all their words are loaded
        from codex.app_server.feed import Feed

        assert self._mailbox is not None
        feed = self.feeds[thread.thread_id] = Feed(thread, lambda: next(self._questions))
        if thread.identity.parent_id is None:
            feed.agenda = Agenda(thread, feed.tell, partial(self._mailbox.spawn, name="agenda", shutdown=0))
        ref: Ref[Never] = self._mailbox.spawn(feed.run, name=f"feed-{thread.thread_id}", shutdown=0, watch=True)
        self._watched[ref] = feed
        return feed

    def thread_started(self, thread: Thread) -> None:
        """A thread was started by another one: whoever follows its parent follows it, too."""
        parent = self.feeds.get(thread.identity.parent_id or "")
        if parent is None:
            return
        feed = self.open_feed(thread)
        for client in parent.clients:
            feed.follow(client)
        from codex.app_server.api.thread import IdleThreadStatus
        from codex.app_server.api.thread_events import ThreadStatusChangedNotification

        idle = ThreadStatusChangedNotification(thread_id=thread.thread_id, status=IdleThreadStatus())
        feed.tell("thread/status/changed", idle)

    def agenda_of(self, thread_id: str) -> "Agenda | None":
        """What a loaded thread does when it is idle; None for a sub-agent's."""
        feed = self.find(thread_id)
        return None if feed is None else feed.agenda

    def belongings(self, client: Client) -> Belongings:
        """What the client has running here; it ends when the client is forgotten."""
        assert self._mailbox is not None
        return self._belongings.setdefault(client, Belongings(self._mailbox))

    def forget(self, client: Client) -> None:
        """A client is gone; the threads go on."""
        self.clients.pop(client, None)
        if (theirs := self._belongings.pop(client, None)) is not None:
            theirs.end()
        for feed in tuple(self.feeds.values()):
            self.leave(feed, client)

    def leave(self, feed: "Feed", client: Client) -> bool:
        """A client follows a thread no more; whether it did. The last one starts the time until the thread is ended."""
        followed = feed.leave(client)
        if followed and not feed.clients:
            self._unload_later(feed)
        return followed

    def _unload_later(self, feed: "Feed") -> None:
        if self._mailbox is not None and feed.thread.identity.parent_id is None:
            self._mailbox.send_later(UNLOAD_AFTER, _Unload(feed, feed.changes))

    def _unload(self, mailbox: "Mailbox[Down | _Unload]", due: _Unload) -> None:
        """End a thread that nobody follows and that has nothing to do; one that has is looked at again later."""
        feed = due.feed
        if feed.clients or feed.changes != due.left or not feed.thread.alive:
            return
        if not feed.stored or feed.translator.turn is not None or feed.thread.background_terminals():
            self._unload_later(feed)
            return
        mailbox.spawn(partial(_stop, feed=feed), name="unload", shutdown=_STOP_WITHIN)

    def broadcast(self, method: str, params: object) -> None:
        """Notify every client."""
        notice = Notice(method, params, self.now_ms())
        for client in self.clients:
            if client.profile is not None:
                client.tell(notice)

    async def _own(self, mailbox: "Mailbox[Down | _Unload]") -> None:
        """Own the feeds. One that broke is started again: it misses what was told in between."""
        self._mailbox = mailbox
        self._ready.set()
        async for down in mailbox:
            if isinstance(down, _Unload):
                self._unload(mailbox, down)
                continue
            feed = self._watched.pop(down.ref, None)
            if feed is None:
                continue
            feed.breaks += down.exit.error is not None
            if down.exit.error is not None and feed.thread.alive and feed.breaks <= _MAX_BREAKS:
                ref: Ref[Never] = mailbox.spawn(
                    partial(feed.run), name=f"feed-{feed.thread.thread_id}", shutdown=0, watch=True
                )
                self._watched[ref] = feed
            elif self.feeds.get(feed.thread.thread_id) is feed:
                del self.feeds[feed.thread.thread_id]
                feed.ended()


async def _stop(_mailbox: Mailbox[Never], *, feed: "Feed") -> None:
    await feed.thread.stop()
