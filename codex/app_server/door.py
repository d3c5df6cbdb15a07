"""The door for front-ends in this process: `codex exec`, the demo, a program with an engine inside.

It speaks two languages. Threads in the engine's own words, operations and events, cost nothing beside the engine: that
is what a front-end of ours uses. `open_client` gives the API's words, the same typed client that a remote server has;
what it needs is loaded then, and not before. Both are the same threads.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from codex.config.schema import Config
from codex.engine import Codex, open_codex
from codex.ports.thread_client import ThreadClient
from codex.sandbox.zygote import Zygote

if TYPE_CHECKING:
    from codex.app_server.client import Client
    from codex.app_server.server import ConfigSource


class Door:
    """A way into an engine; `open_door` makes one."""

    def __init__(self, codex: Codex, environ: Mapping[str, str]) -> None:
        self._codex = codex
        self._environ = environ

    @property
    def config(self) -> Config:
        """What new threads start with."""
        return self._codex.config

    @property
    def agents_at_work(self) -> tuple[str, ...]:
        """See `Codex.agents_at_work`."""
        return self._codex.agents_at_work

    async def start_thread(self) -> ThreadClient:
        """See `Codex.start_thread`."""
        return await self._codex.start_thread()

    async def resume_thread(self, thread_id: str) -> ThreadClient:
        """See `Codex.resume_thread`."""
        return await self._codex.resume_thread(thread_id)

    async def fork_thread(self, thread_id: str, *, turn: str | None = None, before: str | None = None) -> ThreadClient:
        """See `Codex.fork_thread`."""
        return await self._codex.fork_thread(thread_id, turn=turn, before=before)

    def open_client(self, configs: "ConfigSource", **options: Any) -> "AbstractAsyncContextManager[Client]":
        """A client with the API's words, and a server for it; leaving the block ends both, and no thread.

        Args:
          configs: where the settings of the threads that it starts come from.
          options: of `codex.app_server.client.in_process.open_in_process`.
        """
        from codex.app_server.client.in_process import open_client_of

        return open_client_of(self._codex, configs, self._environ, **options)


@asynccontextmanager
async def open_door(
    config: Config, *, environ: Mapping[str, str], originator: str, zygote: Zygote | None = None
) -> AsyncGenerator[Door, None]:
    """An engine, and the way into it; leaving the block stops all its threads. Cancelled, it does the same."""
    async with open_codex(config, environ=environ, originator=originator, zygote=zygote) as codex:
        yield Door(codex, environ)
