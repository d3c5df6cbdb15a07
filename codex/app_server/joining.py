"""What a client that joins a thread is shown of its turns: those on disk, and the one that runs as it is told."""

from collections.abc import Callable, Sequence

from codex.app_server.api.thread import ThreadResumeInitialTurnsPageParams, TurnsPage
from codex.app_server.api.turn import Turn
from codex.app_server.feed import Feed
from codex.app_server.pages import page
from codex.app_server.server import Server
from codex.app_server.stored_threads import turns_of
from codex.app_server.stored_turns import viewed

TURNS_OF_A_PAGE = 25


async def joined_turns(server: Server, feed: Feed) -> Callable[[], tuple[Turn, ...]]:
    """Read the turns; what is returned gives them as they are at the moment of its call, and does not wait.

    A turn that began and ended while the rollout was read is read again.
    """
    while True:
        ended = feed.translator.turns_ended
        stored = await turns_of(server.codex.config.codex_home, feed.thread.thread_id) if feed.stored else ()
        if feed.translator.turns_ended == ended:
            return lambda: _with_running(stored, feed)


def first_turns(turns: Sequence[Turn], wanted: ThreadResumeInitialTurnsPageParams) -> TurnsPage:
    """The page of turns that a client wants along with its resume, the newest first unless it says otherwise."""
    chosen, following, back = page(
        turns,
        key=lambda turn: turn.id,
        cursor=None,
        limit=wanted.limit or TURNS_OF_A_PAGE,
        ascending=wanted.sort_direction == "asc",
    )
    shown = tuple(viewed(turn, wanted.items_view or "summary") for turn in chosen)
    return TurnsPage(data=shown, next_cursor=following, backwards_cursor=back)


def _with_running(stored: tuple[Turn, ...], feed: Feed) -> tuple[Turn, ...]:
    """The disk is ahead of what clients were told: of the open turn counts what they know."""
    running = feed.translator.running_turn()
    open_ids = {feed.thread.outbox.open_turn, running.id if running is not None else None}
    ended = tuple(turn for turn in stored if turn.id not in open_ids)
    return ended if running is None else (*ended, running)
