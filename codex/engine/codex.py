"""The engine: one supervision tree with everything in it."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import trio

from actors import open_runtime
from codex.agents import AgentTree
from codex.config.schema import Config
from codex.engine.installation import installation_id
from codex.engine.processes import Processes
from codex.model import open_model_client
from codex.ports.approvals import Reviewer
from codex.ports.model import ModelClient
from codex.sandbox.zygote import Zygote
from codex.session import Identity, Services
from codex.threads import AgentsOf, Thread, ThreadManager

_STOP_WITHIN = 15.0


class Codex:
    """A running engine; `open_codex` makes one."""

    def __init__(self, config: Config, manager: ThreadManager) -> None:
        self._config = config
        self._manager = manager
        self._trees: dict[str, AgentTree] = {}
        manager.agents_of = self._agents_of

    @property
    def config(self) -> Config:
        """What new threads start with."""
        return self._config

    @property
    def threads(self) -> tuple[Thread, ...]:
        """All living threads, sub-agents too."""
        return tuple(self._manager.threads)

    async def start_thread(self, config: Config | None = None) -> Thread:
        """Start a thread, with other settings if given.

        Raises: UserError when no model is configured.
        """
        return await self._manager.start(config or self._config)

    async def resume_thread(self, thread_id: str) -> Thread:
        """Go on with a stored thread, or join the living one.

        Raises: UserError when no rollout has this id, or it cannot be read.
        """
        import codex.rollout as rollout

        living = self._manager.find(thread_id)
        if living is not None:
            return living
        stored = rollout.load(self._config.codex_home, thread_id)
        return await self._manager.resume(self._config, stored)

    async def resume_last(self) -> Thread:
        """Go on with the newest stored thread of the working directory; a new one where there is none."""
        import codex.rollout as rollout

        newest = rollout.newest(self._config.codex_home, cwd=self._config.cwd)
        return await (self.start_thread() if newest is None else self.resume_thread(newest))

    def agents(self, thread: Thread) -> AgentTree | None:
        """The sub-agents of a root thread, once it has been started here."""
        return self._trees.get(thread.identity.session_id)

    def _agents_of(self, identity: Identity, config: Config) -> AgentsOf | None:
        if config.max_depth <= 0 or config.max_agents <= 0:
            return None
        tree = self._trees.get(identity.session_id)
        if tree is None:
            tree = AgentTree(
                self._manager, identity.session_id, max_agents=config.max_agents, max_depth=config.max_depth
            )
            self._trees[identity.session_id] = tree
        if identity.depth >= config.max_depth:
            return None
        return partial(tree.control, identity.thread_id)


@asynccontextmanager
async def open_codex(
    config: Config,
    *,
    environ: Mapping[str, str] | None = None,
    originator: str = "codex_python",
    client: ModelClient | None = None,
    zygote: Zygote | None = None,
    reviewer: Reviewer | None = None,
) -> AsyncGenerator[Codex, None]:
    """Open an engine; leaving the block stops every thread, process and connection, and returns when all are gone.

    Cancelled, it does the same within its shutdown seconds.

    Args:
      originator: the name under which servers know the program.
      client: another model client than the one that `config.model_provider` names; the caller closes it.
      zygote: the helper that starts processes, where the program started one early; the engine ends it.
      reviewer: answers the questions of all threads, instead of whoever watches them.
    """
    env = dict(os.environ if environ is None else environ)
    async with open_runtime(name="codex") as runtime, AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(open_model_client(config, environ=env))
        processes = Processes(runtime, zygote)
        try:
            services = Services(client, processes, env, originator, installation_id(config.codex_home), reviewer)
            manager = ThreadManager(runtime, services)
            try:
                yield Codex(config, manager)
            finally:
                with trio.move_on_after(_STOP_WITHIN, shield=True):
                    await manager.stop_all()
        finally:
            with trio.move_on_after(_STOP_WITHIN, shield=True):
                await processes.aclose()
