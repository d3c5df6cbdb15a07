"""What the index of stored threads understands."""

from typing import TypeAlias

import attrs

from actors import Reply
from codex.ports.store import Family, ThreadPage, ThreadQuery


@attrs.frozen
class ReadPage:
    """One page of stored threads; fails with BadCursor."""

    query: ThreadQuery
    reply: Reply[ThreadPage]


@attrs.frozen
class ReadFamily:
    """Who depends on a stored thread."""

    thread_id: str
    reply: Reply[Family]


Message: TypeAlias = ReadPage | ReadFamily
