"""Reading a thread's turns and items, loaded or not."""

from collections.abc import Sequence

import attrs

from codex.app_server.api.item import CommandExecutionItem
from codex.app_server.api.server import DeprecationNoticeNotification
from codex.app_server.api.thread_list import (
    ThreadItemEntry,
    ThreadItemsListAnchor,
    ThreadItemsListParams,
    ThreadItemsListResponse,
    ThreadItemsReadParams,
    ThreadItemsReadResponse,
    ThreadReadParams,
    ThreadReadResponse,
    ThreadTurnsListParams,
    ThreadTurnsListResponse,
)
from codex.app_server.api.turn import Turn
from codex.app_server.desk import Desk
from codex.app_server.joining import TURNS_OF_A_PAGE, joined_turns
from codex.app_server.pages import page
from codex.app_server.processors.thread import FULL_HISTORY, described
from codex.app_server.rpc import RpcError
from codex.app_server.stored_threads import find_stored, shown_stored, turns_of
from codex.app_server.stored_turns import viewed
from codex.app_server.threads import checked_id

_ITEMS = 100


async def read(desk: Desk, params: ThreadReadParams) -> ThreadReadResponse:
    """A thread without loading it. Cancelled, nothing has happened."""
    wanted = checked_id(params.thread_id)
    if params.include_turns:
        desk.tell("deprecationNotice", DeprecationNoticeNotification(summary=FULL_HISTORY))
    feed = desk.server.find(wanted)
    try:
        thread = await described(desk, feed) if feed else await shown_stored(await find_stored(desk.server, wanted))
    except RpcError:
        raise RpcError(f"thread not loaded: {wanted}") from None
    turns = await _turns(desk, wanted) if params.include_turns else ()
    state = feed.read_state if feed is not None else None
    return ThreadReadResponse(thread=attrs.evolve(thread, turns=tuple(turns)), read_state=state)


async def list_turns(desk: Desk, params: ThreadTurnsListParams) -> ThreadTurnsListResponse:
    """A page of turns, the newest first unless asked otherwise. Cancelled, nothing has happened."""
    turns = await _turns(desk, checked_id(params.thread_id))
    chosen, following, back = page(
        turns,
        key=lambda turn: turn.id,
        cursor=params.cursor,
        limit=params.limit or TURNS_OF_A_PAGE,
        ascending=params.sort_direction == "asc",
    )
    view = params.items_view or "summary"
    return ThreadTurnsListResponse(
        data=tuple(viewed(turn, view) for turn in chosen), next_cursor=following, backwards_cursor=back
    )


async def list_items(desk: Desk, params: ThreadItemsListParams) -> ThreadItemsListResponse:
    """A page of items, the oldest first unless asked otherwise. Cancelled, nothing has happened."""
    entries = _entries(await _turns(desk, checked_id(params.thread_id)), turn_id=params.turn_id)
    anchor = params.cursor
    chosen, following, back = page(
        entries,
        key=lambda entry: entry.item.id,
        cursor=anchor.item_id if isinstance(anchor, ThreadItemsListAnchor) else anchor,
        limit=params.limit or _ITEMS,
        ascending=params.sort_direction != "desc",
    )
    if params.defer_output is not None and params.defer_output.command_execution:
        chosen = [_without_output(entry) for entry in chosen]
    return ThreadItemsListResponse(data=tuple(chosen), next_cursor=following, backwards_cursor=back)


async def read_items(desk: Desk, params: ThreadItemsReadParams) -> ThreadItemsReadResponse:
    """Items by their ids, those that are there. Cancelled, nothing has happened."""
    entries = _entries(await _turns(desk, checked_id(params.thread_id)), turn_id=params.turn_id)
    wanted = set(params.item_ids)
    return ThreadItemsReadResponse(data=tuple(entry for entry in entries if entry.item.id in wanted))


async def _turns(desk: Desk, thread_id: str) -> Sequence[Turn]:
    feed = desk.server.find(thread_id)
    if feed is not None:
        return (await joined_turns(desk.server, feed))()
    turns = await turns_of(desk.server.codex.config.codex_home, thread_id)
    if not turns:
        await _check_stored(desk, thread_id)
    return turns


async def _check_stored(desk: Desk, thread_id: str) -> None:
    try:
        await find_stored(desk.server, thread_id)
    except RpcError:
        raise RpcError(f"thread not loaded: {thread_id}") from None


def _entries(turns: Sequence[Turn], *, turn_id: str | None) -> list[ThreadItemEntry]:
    return [
        ThreadItemEntry(
            turn_id=turn.id, item=item, started_at_ms=item.started_at_ms, completed_at_ms=item.completed_at_ms
        )
        for turn in turns
        if turn_id is None or turn.id == turn_id
        for item in turn.items
    ]


def _without_output(entry: ThreadItemEntry) -> ThreadItemEntry:
    item = entry.item
    if not isinstance(item, CommandExecutionItem) or not item.aggregated_output:
        return entry
    return attrs.evolve(entry, item=attrs.evolve(item, aggregated_output=None), output_deferred=True)


HANDLERS = {
    "thread/read": read,
    "thread/turns/list": list_turns,
    "thread/items/list": list_items,
    "thread/items/read": read_items,
}
