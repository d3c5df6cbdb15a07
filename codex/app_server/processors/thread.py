"""Threads: starting, resuming, forking them, and putting them away."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

import attrs
import trio

from codex.app_server.agenda_file import write_agenda
from codex.app_server.api.server import DeprecationNoticeNotification
from codex.app_server.api.thread import (
    IdleThreadStatus,
    Thread,
    ThreadForkParams,
    ThreadForkResponse,
    ThreadResumeParams,
    ThreadResumeResponse,
    ThreadStartParams,
    ThreadStartResponse,
)
from codex.app_server.api.thread_edit import (
    ThreadArchiveParams,
    ThreadArchiveResponse,
    ThreadDeleteParams,
    ThreadDeleteResponse,
    ThreadRevertParams,
    ThreadRevertResponse,
    ThreadSetNameParams,
    ThreadSetNameResponse,
    ThreadUnarchiveParams,
    ThreadUnarchiveResponse,
    ThreadUnsubscribeParams,
    ThreadUnsubscribeResponse,
)
from codex.app_server.api.thread_events import (
    ThreadArchivedNotification,
    ThreadDeletedNotification,
    ThreadNameUpdatedNotification,
    ThreadRevertedNotification,
    ThreadStartedNotification,
    ThreadStatusChangedNotification,
    ThreadTokenUsageUpdatedNotification,
    ThreadUnarchivedNotification,
)
from codex.app_server.desk import Desk
from codex.app_server.dynamic_tools import tools_of
from codex.app_server.feed import Feed
from codex.app_server.joining import first_turns, joined_turns
from codex.app_server.overrides import shown_settings
from codex.app_server.rpc import RpcError
from codex.app_server.stored_threads import as_loaded, find_stored, shown_stored
from codex.app_server.thread_settings import config_for
from codex.app_server.threads import checked_id, living_thread, settings_facts
from codex.app_server.translate import usage_of
from codex.config.schema import Config
from codex.model import lookup_model
from codex.ports.store import StoredThread
from codex.rollout import Restored, TurnNotFound

FULL_HISTORY = (
    "Full-history hydration is deprecated for paginated threads; use `excludeTurns: true`, then page with "
    "`thread/turns/list` and `thread/items/list`."
)


@attrs.define
class _Loading:
    """What is known once a stored thread was read."""

    desk: Desk
    params: ThreadResumeParams | ThreadForkParams
    ephemeral: bool = False
    stored: Restored | None = None

    def __call__(self, stored: Restored) -> Config:
        self.stored = stored
        return config_for(self.desk.server.configs, self.params, ephemeral=self.ephemeral, stored=stored)

    def take_usage(self, feed: Feed) -> None:
        """Let clients know what the thread used before."""
        if self.stored is not None and self.stored.usage.total_tokens:
            window = lookup_model(feed.thread.config).effective_context_window
            last = self.stored.last_turn
            feed.translator.remember(usage_of(self.stored.usage, self.stored.last_usage, window), last and last.turn_id)


async def start(desk: Desk, params: ThreadStartParams) -> ThreadStartResponse:
    """A new thread, which this client follows. Cancelled, it may have been started, and ends with the server."""
    config = await trio.to_thread.run_sync(
        partial(config_for, desk.server.configs, params, ephemeral=bool(params.ephemeral))
    )
    calls = tools_of(desk.server, params.dynamic_tools)
    thread = await desk.server.codex.start_thread(config, tools=calls)
    feed = desk.server.open_feed(thread)
    shown = living_thread(feed, thread_source=params.thread_source, originator=desk.profile.name)
    desk.tell_afterwards("thread/started", ThreadStartedNotification(thread=shown))
    desk.afterwards(partial(feed.follow, desk.client))
    return ThreadStartResponse(thread=shown, **settings_facts(thread.config))


async def resume(desk: Desk, params: ThreadResumeParams) -> ThreadResumeResponse:
    """Load a stored thread, or join one that is loaded, also in mid-turn; this client follows it from now on.

    Cancelled, it may have been loaded.
    """
    wanted = checked_id(params.thread_id, what="session")
    if params.history is not None or params.path is not None:
        raise RpcError("thread/resume: `history` and `path` are not supported by this server; name the thread")
    if not params.exclude_turns:
        desk.tell("deprecationNotice", DeprecationNoticeNotification(summary=FULL_HISTORY))
    feed = desk.server.find(wanted)
    loaded_now = feed is None
    if feed is None:
        await find_stored(desk.server, wanted)
        loading = _Loading(desk, params)
        feed = desk.server.open_feed(await desk.server.codex.resume_thread(wanted, settings=loading))
        loading.take_usage(feed)
        status = ThreadStatusChangedNotification(thread_id=wanted, status=IdleThreadStatus())
        desk.tell("thread/status/changed", status)
    shown = await described(desk, feed)
    turns = await joined_turns(desk.server, feed)
    # From here to the answer nothing waits: what the client is shown is where it goes on.
    _tell_usage(desk, feed)
    desk.afterwards(partial(feed.follow, desk.client))
    if loaded_now and feed.agenda is not None:
        desk.afterwards(partial(feed.agenda.resumed, desk.tell))
    told = turns()
    shown = attrs.evolve(shown, status=feed.translator.status, turns=() if params.exclude_turns else told)
    items = [item.id for turn in told for item in turn.items]
    return ThreadResumeResponse(
        thread=shown,
        **settings_facts(feed.thread.config),
        collaboration_mode=shown_settings(feed.thread.config).collaboration_mode,
        initial_turns_page=None if params.initial_turns_page is None else first_turns(told, params.initial_turns_page),
        turns_backwards_cursor=f"={told[-1].id}" if told else None,
        items_backwards_cursor=f"={items[-1]}" if items else None,
    )


async def fork(desk: Desk, params: ThreadForkParams) -> ThreadForkResponse:
    """A new thread that begins as another one did. Cancelled, it may have been made."""
    wanted = checked_id(params.thread_id, what="session")
    if params.path is not None or params.ephemeral:
        raise RpcError("thread/fork: `path` and `ephemeral` are not supported by this server")
    if not params.exclude_turns:
        desk.tell("deprecationNotice", DeprecationNoticeNotification(summary=FULL_HISTORY))
    source = await find_stored(desk.server, wanted)
    loading = _Loading(desk, params)
    with _turns_named():
        thread = await desk.server.codex.fork_thread(
            wanted, turn=params.last_turn_id, before=params.before_turn_id, settings=loading
        )
    if source.name:
        await desk.server.codex.name_thread(thread.thread_id, source.name)
    feed = desk.server.open_feed(thread)
    loading.take_usage(feed)
    shown = await described(desk, feed)
    turns = await joined_turns(desk.server, feed)
    shown = attrs.evolve(shown, thread_source=params.thread_source, originator=desk.profile.name)
    _tell_usage(desk, feed)
    desk.tell_afterwards("thread/started", ThreadStartedNotification(thread=shown))
    desk.afterwards(partial(feed.follow, desk.client))
    shown = attrs.evolve(shown, turns=() if params.exclude_turns else turns())
    return ThreadForkResponse(thread=shown, **settings_facts(thread.config))


async def archive(desk: Desk, params: ThreadArchiveParams) -> ThreadArchiveResponse:
    """Put a thread away; one that is loaded is ended first. Cancelled, what was begun is finished."""
    stored = await find_stored(desk.server, checked_id(params.thread_id, what="session"))
    await desk.server.codex.archive_thread(stored.thread_id)
    told = ThreadArchivedNotification(thread_id=stored.thread_id)
    desk.afterwards(partial(desk.server.broadcast, "thread/archived", told))
    return ThreadArchiveResponse()


async def unarchive(desk: Desk, params: ThreadUnarchiveParams) -> ThreadUnarchiveResponse:
    """Bring a thread back. Cancelled, what was begun is finished."""
    wanted = checked_id(params.thread_id, what="session")
    if not (await _stored_or_archived(desk, wanted)).archived:
        raise RpcError(f"no archived rollout found for thread id {wanted}")
    await desk.server.codex.unarchive_thread(wanted)
    told = ThreadUnarchivedNotification(thread_id=wanted)
    desk.afterwards(partial(desk.server.broadcast, "thread/unarchived", told))
    return ThreadUnarchiveResponse(thread=await shown_stored(await find_stored(desk.server, wanted)))


async def delete(desk: Desk, params: ThreadDeleteParams) -> ThreadDeleteResponse:
    """Remove a thread for ever; one that is loaded is ended first. Cancelled, what was begun is finished."""
    wanted = checked_id(params.thread_id)
    feed = desk.server.find(wanted)
    if feed is not None and not feed.stored:
        await feed.thread.stop()
    else:
        await find_stored(desk.server, wanted)
        await desk.server.codex.delete_thread(wanted)
        write_agenda(desk.server.codex.config.codex_home, wanted, None, ())
    told = ThreadDeletedNotification(thread_id=wanted)
    desk.afterwards(partial(desk.server.broadcast, "thread/deleted", told))
    return ThreadDeleteResponse()


async def unsubscribe(desk: Desk, params: ThreadUnsubscribeParams) -> ThreadUnsubscribeResponse:
    """Tell this client nothing more of a thread. Does not wait."""
    feed = desk.server.find(checked_id(params.thread_id))
    if feed is None:
        return ThreadUnsubscribeResponse(status="notLoaded")
    return ThreadUnsubscribeResponse(status="unsubscribed" if desk.server.leave(feed, desk.client) else "notSubscribed")


async def set_name(desk: Desk, params: ThreadSetNameParams) -> ThreadSetNameResponse:
    """Give a thread a name. Cancelled, it may have it."""
    wanted = checked_id(params.thread_id)
    if not params.name.strip():
        raise RpcError("thread name must not be empty")
    stored = await find_stored(desk.server, wanted)
    await desk.server.codex.name_thread(stored.thread_id, params.name)
    told = ThreadNameUpdatedNotification(thread_id=wanted, thread_name=params.name)
    desk.afterwards(partial(desk.server.broadcast, "thread/name/updated", told))
    return ThreadSetNameResponse()


async def revert(desk: Desk, params: ThreadRevertParams) -> ThreadRevertResponse:
    """Go on with a thread as it was before a turn. Cancelled, what was begun is finished."""
    wanted = checked_id(params.thread_id)
    await find_stored(desk.server, wanted)
    before = desk.server.find(wanted)
    clients = before.clients if before is not None else ()
    params_of = ThreadResumeParams(thread_id=wanted)
    loading = _Loading(desk, params_of)
    with _turns_named():
        thread = await desk.server.codex.revert_thread(wanted, params.before_turn_id, settings=loading)
    feed = desk.server.open_feed(thread)
    for client in clients:
        feed.follow(client)
    feed.tell("thread/status/changed", ThreadStatusChangedNotification(thread_id=wanted, status=IdleThreadStatus()))
    shown = await described(desk, feed)
    desk.afterwards(partial(feed.tell, "thread/reverted", ThreadRevertedNotification(thread_id=wanted)))
    return ThreadRevertResponse(thread=shown)


@contextmanager
def _turns_named() -> Generator[None]:
    """A turn that the thread does not have is told in Codex's words."""
    try:
        yield
    except TurnNotFound as fault:
        raise RpcError(f"turn not found: {fault.turn}") from fault


async def _stored_or_archived(desk: Desk, wanted: str) -> StoredThread:
    try:
        return await find_stored(desk.server, wanted)
    except RpcError:
        raise RpcError(f"no archived rollout found for thread id {wanted}") from None


async def described(desk: Desk, feed: Feed) -> Thread:
    """A loaded thread with what its rollout says of it, if there is one."""
    living = living_thread(feed)
    if not feed.stored:
        return living
    try:
        stored = await find_stored(desk.server, feed.thread.thread_id)
    except RpcError:  # nothing was said in it yet
        return living
    return as_loaded(await shown_stored(stored), living)


def _tell_usage(desk: Desk, feed: Feed) -> None:
    usage, turn_id = feed.translator.usage, feed.translator.usage_turn
    if usage is not None:
        told = ThreadTokenUsageUpdatedNotification(
            thread_id=feed.thread.thread_id, turn_id=turn_id or "", token_usage=usage
        )
        desk.tell_afterwards("thread/tokenUsage/updated", told)


HANDLERS = {
    "thread/start": start,
    "thread/resume": resume,
    "thread/fork": fork,
    "thread/archive": archive,
    "thread/unarchive": unarchive,
    "thread/delete": delete,
    "thread/unsubscribe": unsubscribe,
    "thread/name/set": set_name,
    "thread/revert": revert,
}
