"""The index of stored threads as an actor: the only one in a program that has the SQLite file open."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar, assert_never

import trio

from actors import Mailbox, Reply
from codex.base.errors import CodexError
from codex.ports.store import RolloutSource
from codex.state.index import Index
from codex.state.messages import Message, ReadFamily, ReadPage

T = TypeVar("T")


async def run_index(mailbox: Mailbox[Message], *, path: str, source: RolloutSource) -> None:
    """Answer until stopped, one question after the other, in a thread.

    Cancelled, it waits for the question in hand, which takes seconds at most unless the index is made anew.
    """
    index, limiter = Index(path, source), trio.CapacityLimiter(1)
    try:
        async for message in mailbox:
            match message:
                case ReadPage(query=query, reply=reply):
                    await _answer(reply, partial(index.page, query), limiter)
                case ReadFamily(thread_id=thread_id, reply=reply):
                    await _answer(reply, partial(index.family, thread_id), limiter)
                case _ as never:
                    assert_never(never)
    finally:
        index.close()


async def _answer(reply: Reply[T], work: Callable[[], T], limiter: trio.CapacityLimiter) -> None:
    try:
        reply.set(await trio.to_thread.run_sync(work, limiter=limiter))
    except CodexError as error:
        reply.fail(error)
