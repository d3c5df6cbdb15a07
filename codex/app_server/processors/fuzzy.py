"""`fuzzyFileSearch`: files by parts of their names, once or while somebody types."""

import os
from collections.abc import Callable
from functools import partial
from typing import Never

import trio

from actors import Mailbox
from codex.app_server.api.fuzzy import (
    FuzzyFileSearchParams,
    FuzzyFileSearchResponse,
    FuzzyFileSearchResult,
    FuzzyFileSearchSessionCompletedNotification,
    FuzzyFileSearchSessionStartParams,
    FuzzyFileSearchSessionStartResponse,
    FuzzyFileSearchSessionStopParams,
    FuzzyFileSearchSessionStopResponse,
    FuzzyFileSearchSessionUpdatedNotification,
    FuzzyFileSearchSessionUpdateParams,
    FuzzyFileSearchSessionUpdateResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.file_lists import list_paths
from codex.app_server.fuzzy import Cancelled, rank
from codex.app_server.rpc import RpcError

MAX_RESULTS = 50
MAX_SESSIONS = 16
_threads = trio.CapacityLimiter(2)


class _Search:
    """One search at work, which the next one with its token ends."""

    def __init__(self) -> None:
        self.over = False

    def is_over(self) -> bool:
        return self.over


async def search(desk: Desk, params: FuzzyFileSearchParams) -> FuzzyFileSearchResponse:
    """The files that fit best. Cancelled, or followed by one with the same token, it ends soon, with nothing found."""
    mine, it, token = desk.server.belongings(desk.client), _Search(), params.cancellation_token
    if token is not None:
        before = mine.find(_Search, token)
        if before is not None:
            before.over = True
        mine.keep(token, it)
    try:
        found = await _in_thread(partial(_find, params.query, params.roots, None, it.is_over))
    except Cancelled:
        found = ()
    finally:
        it.over = True
        if token is not None:
            mine.forget(token, it)
    return FuzzyFileSearchResponse(files=found)


async def _in_thread(
    call: Callable[[], tuple[FuzzyFileSearchResult, ...]],
) -> tuple[FuzzyFileSearchResult, ...]:
    """Cancelled, the thread is left to itself: it ends at its next look at who wants it."""
    return await trio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=_threads)


def _find(
    query: str, roots: tuple[str, ...], known: dict[str, dict[str, bool]] | None, over: Callable[[], bool]
) -> tuple[FuzzyFileSearchResult, ...]:
    """Search the roots. What is below each is looked up in `known`, and kept there."""
    results: list[FuzzyFileSearchResult] = []
    for root in roots:
        paths = None if known is None else known.get(root)
        if paths is None:
            paths = list_paths(root, over)
            if known is not None and not over():
                known[root] = paths
        for match in rank(query, paths, limit=MAX_RESULTS, cancelled=over):
            results.append(
                FuzzyFileSearchResult(
                    root=root,
                    path=match.path,
                    match_type="directory" if paths[match.path] else "file",
                    file_name=os.path.basename(match.path),
                    score=match.score,
                    indices=match.indices,
                )
            )
    results.sort(key=lambda result: (-result.score, len(result.path), result.path))
    return tuple(results[:MAX_RESULTS])


class _Session:
    """Searches while somebody types: what is below the roots is looked up once."""

    def __init__(self, desk: Desk, session_id: str, roots: tuple[str, ...]) -> None:
        self._desk, self._id, self._roots = desk, session_id, roots
        self._known: dict[str, dict[str, bool]] = {}
        self._search = _Search()
        self._wanted, self._change, self._over = "", trio.Event(), trio.CancelScope()

    def want(self, query: str) -> None:
        """Search for this from now on."""
        self._search.over = True
        self._wanted = query
        self._change.set()

    def end(self) -> None:
        """Search no more."""
        self._search.over = True
        self._over.cancel()

    async def run(self, mailbox: Mailbox[Never]) -> None:
        """Tell what is found for the last query, until stopped."""
        mailbox.started()
        try:
            with self._over:
                while True:
                    await self._change.wait()
                    self._change = trio.Event()
                    await self._answer(self._wanted)
        finally:
            self._search.over = True

    async def _answer(self, query: str) -> None:
        it = self._search = _Search()
        try:
            files = await _in_thread(partial(_find, query, self._roots, self._known, it.is_over))
        except Cancelled:
            return
        if it.over:
            return
        told = FuzzyFileSearchSessionUpdatedNotification(session_id=self._id, query=query, files=files)
        self._desk.tell("fuzzyFileSearch/sessionUpdated", told)
        done = FuzzyFileSearchSessionCompletedNotification(session_id=self._id)
        self._desk.tell("fuzzyFileSearch/sessionCompleted", done)


async def start_session(desk: Desk, params: FuzzyFileSearchSessionStartParams) -> FuzzyFileSearchSessionStartResponse:
    """Begin to search while somebody types; a session of the same id is ended. Does not wait."""
    mine = desk.server.belongings(desk.client)
    if not params.session_id:
        raise RpcError("sessionId must not be empty")
    before = mine.find(_Session, params.session_id)
    if before is not None:
        before.end()
    elif mine.count(_Session) >= MAX_SESSIONS:
        raise RpcError(f"{MAX_SESSIONS} searches are open already; end one with fuzzyFileSearch/sessionStop first")
    session = _Session(desk, params.session_id, params.roots)
    mine.keep(params.session_id, session)
    mine.spawn(session.run, f"search-{params.session_id}")
    return FuzzyFileSearchSessionStartResponse()


async def update_session(
    desk: Desk, params: FuzzyFileSearchSessionUpdateParams
) -> FuzzyFileSearchSessionUpdateResponse:
    """Search for something else; what was searched for is not told any more. Does not wait."""
    session = desk.server.belongings(desk.client).find(_Session, params.session_id)
    if session is None:
        raise RpcError(f"fuzzy file search session not found: {params.session_id}")
    session.want(params.query)
    return FuzzyFileSearchSessionUpdateResponse()


async def stop_session(desk: Desk, params: FuzzyFileSearchSessionStopParams) -> FuzzyFileSearchSessionStopResponse:
    """Search no more; a session that there is not has ended. Does not wait."""
    mine = desk.server.belongings(desk.client)
    session = mine.find(_Session, params.session_id)
    if session is not None:
        session.end()
        mine.forget(params.session_id, session)
    return FuzzyFileSearchSessionStopResponse()


HANDLERS = {
    "fuzzyFileSearch": search,
    "fuzzyFileSearch/sessionStart": start_session,
    "fuzzyFileSearch/sessionUpdate": update_session,
    "fuzzyFileSearch/sessionStop": stop_session,
}
