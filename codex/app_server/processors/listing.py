"""Which threads there are: stored ones page by page, and those that are loaded."""

from codex.app_server.api.thread import Thread
from codex.app_server.api.thread_list import (
    ThreadListParams,
    ThreadListResponse,
    ThreadLoadedListParams,
    ThreadLoadedListResponse,
    ThreadSearchParams,
    ThreadSearchResponse,
    ThreadSearchResult,
    ThreadSourceKind,
)
from codex.app_server.desk import Desk
from codex.app_server.pages import page
from codex.app_server.rpc import RpcError
from codex.app_server.stored_threads import as_loaded, shown_list
from codex.app_server.threads import living_thread
from codex.ports.store import StoredThread, ThreadPage, ThreadQuery
from codex.state.queries import cursor_after

_LIMIT = 25
_INTERACTIVE: tuple[ThreadSourceKind, ...] = ("cli", "vscode")
_AGENTS = ("subAgent", "subAgentReview", "subAgentCompact", "subAgentThreadSpawn", "subAgentOther")


async def list_threads(desk: Desk, params: ThreadListParams) -> ThreadListResponse:
    """A page of stored threads, the one used last first unless asked otherwise. Cancelled, nothing has happened."""
    kinds = params.source_kinds or _INTERACTIVE
    cwds = (params.cwd,) if isinstance(params.cwd, str) else params.cwd
    query = ThreadQuery(
        cwd=cwds[0] if cwds and len(cwds) == 1 else None,
        search=params.search_term,
        archived=bool(params.archived),
        agents=any(kind in _AGENTS for kind in kinds),
        sort="updated_at" if params.sort_key in ("updated_at", "recency_at") else "created_at",
        limit=params.limit or _LIMIT,
        cursor=params.cursor,
        sources=None if params.parent_thread_id else _sources(kinds),
        providers=params.model_providers or None,
        parent=params.parent_thread_id,
        ascending=params.sort_direction == "asc",
    )
    found = await desk.server.codex.list_threads(query)
    kept = [
        stored
        for stored in found.threads
        if (not cwds or stored.cwd in cwds)
        and stored.thread_id not in (params.excluded_thread_ids or ())
        and (not params.originators or stored.originator in params.originators)
    ]
    return ThreadListResponse(
        data=await _shown(desk, kept), next_cursor=found.next_cursor, backwards_cursor=_backwards(found, query)
    )


async def list_loaded(desk: Desk, params: ThreadLoadedListParams) -> ThreadLoadedListResponse:
    """The ids of the threads that are loaded here. Does not wait."""
    ids = sorted(feed.thread.thread_id for feed in desk.server.feeds.values() if feed.thread.alive)
    chosen, following, _ = page(
        ids, key=str, cursor=params.cursor, limit=params.limit or max(1, len(ids)), ascending=True
    )
    return ThreadLoadedListResponse(data=tuple(chosen), next_cursor=following)


async def search(desk: Desk, params: ThreadSearchParams) -> ThreadSearchResponse:
    """Threads whose name or first words hold a text. Cancelled, nothing has happened."""
    if not params.search_term.strip():
        raise RpcError("thread/search requires a non-empty searchTerm")
    query = ThreadQuery(
        search=params.search_term,
        archived=bool(params.archived),
        sort="created_at" if params.sort_key == "created_at" else "updated_at",
        limit=params.limit or _LIMIT,
        cursor=params.cursor,
        sources=_sources(params.source_kinds) if params.source_kinds else None,
        ascending=params.sort_direction == "asc",
    )
    found = await desk.server.codex.list_threads(query)
    shown = await _shown(desk, list(found.threads))
    return ThreadSearchResponse(
        data=tuple(ThreadSearchResult(thread=thread, snippet=thread.name or thread.preview) for thread in shown),
        next_cursor=found.next_cursor,
        backwards_cursor=_backwards(found, query),
    )


def _sources(kinds: tuple[ThreadSourceKind, ...]) -> tuple[str, ...]:
    """The sources as the index has them."""
    sources: list[str] = []
    for kind in kinds:
        sources += ["subagent"] if kind in _AGENTS else ["mcp", "appServer"] if kind == "appServer" else [kind]
    return tuple(dict.fromkeys(sources))


async def _shown(desk: Desk, kept: list[StoredThread]) -> tuple[Thread, ...]:
    shown: list[Thread] = []
    for thread in await shown_list(tuple(kept)):
        feed = desk.server.find(thread.id)
        shown.append(thread if feed is None else as_loaded(thread, living_thread(feed)))
    return tuple(shown)


def _backwards(found: ThreadPage, query: ThreadQuery) -> str | None:
    """Where a page in the other direction begins."""
    return cursor_after(found.threads[0], query) if found.threads else None


HANDLERS = {"thread/list": list_threads, "thread/loaded/list": list_loaded, "thread/search": search}
