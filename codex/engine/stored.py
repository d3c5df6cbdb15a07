"""What an engine does with stored threads: it joins the rollouts, their index and the threads that live."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import trio

import codex.rollout as rollout
from actors import Ref, Runtime
from codex import __version__
from codex.config.schema import Config
from codex.threads import store

if TYPE_CHECKING:
    from codex.agents.restore import RestoredTree
    from codex.ports.store import Family, ThreadPage, ThreadQuery
    from codex.state import Message

T = TypeVar("T")
_STOP_WITHIN = 10.0


class StoredThreads:
    """The stored threads of one CODEX_HOME. Files are read and moved in threads; the index is opened when first asked.

    Cancelled, what was begun in a thread is finished.
    """

    def __init__(self, runtime: Runtime, config: Config) -> None:
        self._runtime = runtime
        self._home, self._cwd = config.codex_home, config.cwd
        self._index: Ref[Message] | None = None

    async def page(self, query: "ThreadQuery | None") -> "ThreadPage":
        """One page of them, the newest first. Raises: BadCursor."""
        from codex.ports.store import ThreadQuery
        from codex.state import ReadPage

        return await self._opened_index().ask(partial(ReadPage, query or ThreadQuery()))

    async def find(self, wanted: str) -> str:
        """The id of the thread with this id or name. Raises: UserError when none has the name."""
        return await self._do(partial(store.find_thread, self._home, wanted))

    async def load(self, thread_id: str) -> "rollout.Restored":
        """A thread as a resume needs it. Raises: UserError when there is none, it cannot be read, or is archived."""
        stored = await self._do(partial(rollout.load, self._home, thread_id))
        if os.path.dirname(stored.path) == rollout.archived_dir(self._home):
            raise rollout.ThreadArchived(thread_id)
        return stored

    async def tree(self, root_id: str) -> "RestoredTree":
        """The agents below a root, as the rollouts tell them. Raises: UserError when the root's cannot be read."""
        from codex.agents.restore import load_tree

        return await self._do(partial(load_tree, self._home, root_id))

    async def turns(self, thread_id: str) -> "tuple[rollout.StoredTurn, ...]":
        """Its turns, the oldest first. Raises: UserError when there is none, or it cannot be read."""
        return await self._do(partial(rollout.stored_turns, self._home, thread_id))

    async def fork(self, thread_id: str, *, turn: str | None, before: str | None, originator: str, source: str) -> str:
        """Store a new thread that begins with the history of this one; its id."""

        def fork() -> str:
            place = store.fork_place(self._home, thread_id, turn=turn, before=before)
            facts = rollout.git_facts(self._cwd)
            by = rollout.ForkedBy(self._cwd, originator, __version__, facts, source)
            return rollout.fork(self._home, thread_id, place, by, at=time.time())

        return await self._do(fork)

    async def check_revert(self, thread_id: str, before: str) -> None:
        """Raises: UserError when it has no such turn."""
        rollout.find_turn(await self.turns(thread_id), before, thread_id)

    async def revert(self, thread_id: str, before: str) -> int:
        """Take a turn and all after it out of the history; how many that were."""
        return await self._do(partial(rollout.revert, self._home, thread_id, before, at=time.time()))

    async def name(self, thread_id: str, name: str) -> None:
        """Give it a name."""
        await self._do(partial(store.name_thread, self._home, thread_id, name))

    async def family(self, thread_id: str) -> "Family":
        """Who depends on it."""
        from codex.state import ReadFamily

        return await self._opened_index().ask(partial(ReadFamily, thread_id))

    async def archive(self, thread_id: str) -> None:
        """Put it away."""
        family = await self.family(thread_id)
        await self._do(partial(store.archive_thread, self._home, thread_id, family))

    async def unarchive(self, thread_id: str) -> None:
        """Bring it back."""
        family = await self.family(thread_id)
        await self._do(partial(store.unarchive_thread, self._home, thread_id, family))

    async def delete(self, thread_id: str) -> None:
        """Remove it for ever."""
        family = await self.family(thread_id)
        await self._do(partial(store.delete_thread, self._home, thread_id, family))

    def _opened_index(self) -> "Ref[Message]":
        if self._index is None:
            from codex.state import index_path, run_index  # SQLite is loaded only for those who ask it

            run = partial(run_index, path=index_path(self._home), source=rollout.Rollouts(self._home))
            self._index = self._runtime.spawn(run, name="index", shutdown=_STOP_WITHIN)
        return self._index

    async def _do(self, work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work)
