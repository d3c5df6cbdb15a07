"""Pages of a list that is short and does not change: a cursor is how many were shown before.  Pure."""

from collections.abc import Sequence
from typing import TypeVar

from codex.app_server.rpc import RpcError

T = TypeVar("T")


def page(
    items: Sequence[T], *, cursor: str | None, limit: int | None, what: str = "items"
) -> tuple[tuple[T, ...], str | None]:
    """Some of the items, and where to go on; None at the end. Without a limit all that are left, and never none.

    Raises:
      RpcError: the cursor is none of ours.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise RpcError(f"invalid cursor: {cursor}")
    start = int(cursor or 0)
    if start > len(items):
        raise RpcError(f"cursor {start} exceeds total {what} {len(items)}")
    end = len(items) if limit is None else min(start + max(limit, 1), len(items))
    return tuple(items[start:end]), str(end) if end < len(items) else None
