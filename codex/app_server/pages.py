"""Pages of a list that is at hand: a cursor is the key of the entry it stands behind, seen in its direction.  Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from codex.app_server.rpc import RpcError

T = TypeVar("T")
MAX_LIMIT = 1_000


def page(
    entries: Sequence[T], *, key: Callable[[T], str], cursor: str | None, limit: int, ascending: bool
) -> tuple[list[T], str | None, str | None]:
    """Some entries; the cursor behind them, None at the end; and one to go back from where the page began.

    Args:
      entries: the oldest first.

    Raises:
      RpcError: the cursor names no entry.
    """
    ordered = list(entries) if ascending else list(reversed(entries))
    start = 0
    if cursor is not None:
        inclusive = cursor.startswith("=")
        wanted = cursor.removeprefix("=")
        places = [place for place, entry in enumerate(ordered) if key(entry) == wanted]
        if not places:
            raise RpcError(f"invalid cursor: {cursor[:80]}")
        start = places[0] if inclusive else places[0] + 1
    chosen = ordered[start : start + max(1, min(limit, MAX_LIMIT))]
    more = start + len(chosen) < len(ordered)
    following = key(chosen[-1]) if chosen and more else None
    return chosen, following, f"={key(chosen[0])}" if chosen else None
