"""Stored threads, as lists show them: what an index of them is asked, what it answers, and what it is fed with."""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

import attrs

SortKey: TypeAlias = Literal["updated_at", "created_at"]
Stamp: TypeAlias = tuple[int, int]  # size in bytes, time of the last change in nanoseconds


@attrs.frozen
class StoredFile:
    """What one file of a thread says of itself. A thread's last segment is the one that counts.

    `base`: the segment it builds on; `preview`: the beginning of what the user said first.
    """

    path: str
    thread_id: str
    segment_id: str
    created_at: float
    archived: bool = False
    cwd: str = ""
    preview: str = ""
    source: str = ""
    originator: str = ""
    model_provider: str = ""
    branch: str | None = None
    parent_id: str | None = None
    forked_from: str | None = None
    base: str | None = None


@attrs.frozen
class StoredThread:
    """A stored thread. Times are unix seconds."""

    thread_id: str
    path: str
    created_at: float
    updated_at: float
    cwd: str
    preview: str
    name: str | None = None
    archived: bool = False
    source: str = ""
    originator: str = ""
    model_provider: str = ""
    branch: str | None = None
    parent_id: str | None = None
    forked_from: str | None = None


@attrs.frozen
class ThreadQuery:
    """Which threads, and how many of them.

    Args:
      cwd: only those that began in this directory.
      search: only those with this text in their name, their preview or their id; case does not matter.
      archived: the archived ones instead of the others.
      agents: sub-agents too.
      parents: only those that have sub-agents.
      sources: only those that one of these front-ends started.
      providers: only those that spoke to one of these.
      parent: only the sub-agents of this thread.
      ascending: the oldest first; a cursor then leads to newer ones.
      cursor: where the page before this one ended (`ThreadPage.next_cursor`).
    """

    cwd: str | None = None
    search: str | None = None
    archived: bool = False
    agents: bool = False
    parents: bool = False
    sort: SortKey = "updated_at"
    limit: int = 50
    cursor: str | None = None
    sources: tuple[str, ...] | None = None
    providers: tuple[str, ...] | None = None
    parent: str | None = None
    ascending: bool = False


@attrs.frozen
class ThreadPage:
    """Threads, the newest first; `next_cursor` is None on the last page."""

    threads: tuple[StoredThread, ...]
    next_cursor: str | None = None


@attrs.frozen
class Family:
    """Who depends on a thread: its sub-agents, all the way down, and the threads that build on its files."""

    agents: tuple[str, ...] = ()
    builders: tuple[str, ...] = ()


class RolloutSource(Protocol):
    """The truth that an index is made of. Everything blocks for a moment."""

    def scan(self) -> Mapping[str, Stamp]:
        """Every file of every thread, archived or not."""
        ...

    def describe(self, path: str) -> StoredFile | None:
        """What a file says; None when it is no rollout (any more)."""
        ...

    def names_stamp(self) -> Stamp | None:
        """Changes when a name was given."""
        ...

    def names(self) -> Mapping[str, str]:
        """The names that users gave, by thread."""
        ...
