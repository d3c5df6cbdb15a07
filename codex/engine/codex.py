"""The engine: one supervision tree with everything in it."""

import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import trio

from actors import Runtime, open_runtime
from codex.agents import AgentTree, open_control, tree_limits
from codex.base.ids import uuid7
from codex.config.schema import Config
from codex.engine.installation import installation_id
from codex.engine.processes import Processes
from codex.model import open_model_client
from codex.ports.approvals import Reviewer
from codex.ports.model import ModelClient
from codex.ports.process import Launcher
from codex.protocol.budget import Budget
from codex.sandbox.zygote import Zygote
from codex.session import Identity, Services
from codex.threads import AgentsOf, Thread, ThreadManager

if TYPE_CHECKING:
    from codex.engine.stored import StoredThreads
    from codex.ports.dynamic_tools import DynamicTools
    from codex.ports.goals import Goals
    from codex.ports.placement import Workers
    from codex.ports.store import ThreadPage, ThreadQuery
    from codex.rollout import Restored, StoredTurn

    SettingsOf: TypeAlias = Callable[[Restored], Config]

_STOP_WITHIN = 15.0


class Codex:
    """A running engine; `open_codex` makes one."""

    def __init__(self, config: Config, manager: ThreadManager, runtime: Runtime, processes: Processes) -> None:
        self._config = config
        self._processes = processes
        self._manager = manager
        self._runtime = runtime
        self._opened_store: StoredThreads | None = None
        self._trees: dict[str, AgentTree] = {}
        self.recovered: tuple[str, ...] = ()
        """What was kept of agents' worktrees that a program before this one has left, as sentences for the user."""
        manager.agents_of = self._agents_of
        manager.narrow = self._narrow

    @property
    def config(self) -> Config:
        """What new threads start with."""
        return self._config

    @property
    def threads(self) -> tuple[Thread, ...]:
        """All living threads, sub-agents too."""
        return tuple(self._manager.threads)

    def export_spans(self, tracer: Any) -> AbstractContextManager[None]:  # Any: OpenTelemetry need not be there
        """Within the block threads, turns, requests to the model, calls and sub-agents are OpenTelemetry spans.

        Each is below the one that started it. Needs the extra `otel`; see `actors.export_spans`.
        """
        from actors import export_spans

        return export_spans(self._runtime, tracer)

    def find_living(self, thread_id: str) -> Thread | None:
        """The living thread of this id, a sub-agent's too."""
        return self._manager.find(thread_id)

    def watch_children(self, told: Callable[[Thread], None]) -> None:
        """Call this with every thread that is started below another one; it must neither wait nor raise."""
        self._manager.on_child = told

    async def open_launcher(self) -> Launcher:
        """What starts processes, for those that belong to no thread. Cancel-safe: it opens all the same."""
        return await self._processes.open_launcher()

    async def start_thread(
        self, config: Config | None = None, *, budget: Budget | None = None, tools: "DynamicTools | None" = None
    ) -> Thread:
        """Start a thread, with other settings if given.

        Args:
          budget: what the thread and all its sub-agents may use, within that of the configuration; its `seconds`
            count for agents only.
          tools: more than the engine's own, for the thread and its sub-agents.

        Raises: UserError when no model is configured.
        """
        config = config or self._config
        own = budget or Budget()
        budget = own.within(config.budget)
        if budget == Budget():
            return await self._manager.start(config, tools=tools)
        thread_id = uuid7()
        tree = self._trees[thread_id] = self._tree(thread_id, config, budget)
        services = tree.root_services()
        return await self._manager.start(config, thread_id=thread_id, services=services, tools=tools, budget=own)

    async def resume_thread(
        self, thread_id: str, *, tools: "DynamicTools | None" = None, settings: "SettingsOf | None" = None
    ) -> Thread:
        """Go on with the stored thread of this id or this name, or join the living one.

        Its sub-agents are there as they were left; one is loaded when somebody speaks to it. A sub-agent itself is gone
        on with below the root of its tree, which is resumed for it.

        Args:
          settings: what holds for it, made of what it stored; it may block. Without it, the engine's settings hold.
          tools: more than the engine's own; a living thread keeps those it has.

        Raises: UserError when there is none, it cannot be read, or is archived.
        """
        wanted = await self._store.find(thread_id)
        living = self._manager.find(wanted)
        if living is not None:
            return living
        stored = await self._store.load(wanted)
        if stored.parent_thread_id is not None:
            agent = await self._resume_agent(stored)
            if agent is not None:
                return agent
        restored = await self._store.tree(wanted)
        limits = tree_limits(self._config, restored.generation)
        budget = restored.budget.within(self._config.budget)
        tree = AgentTree(self._manager, wanted, limits, budget=budget, restored=restored)
        self._trees[wanted] = tree
        config = self._config if settings is None else await trio.to_thread.run_sync(settings, stored)
        thread = await self._manager.resume(config, stored, services=tree.root_services(), tools=tools)
        await tree.wake_for_tasks()
        return thread

    async def _resume_agent(self, stored: "Restored") -> Thread | None:
        """An agent below the root of its tree; None where that is gone, or does not know it."""
        from codex.rollout import RolloutNotFound

        try:
            await self.resume_thread(stored.session_id)
        except RolloutNotFound:
            return None
        tree = self._trees.get(stored.session_id)
        known = (
            [agent for agent in tree.agents if agent.agent_id == stored.thread_id and not agent.closed] if tree else []
        )
        return await tree.wake(known[0]) if tree and known else None

    async def resume_last(self) -> Thread:
        """Go on with the newest stored thread of the working directory; a new one where there is none."""
        import codex.rollout as rollout

        newest = rollout.newest(self._config.codex_home, cwd=self._config.cwd)
        return await (self.start_thread() if newest is None else self.resume_thread(newest))

    async def fork_thread(
        self,
        thread_id: str,
        *,
        turn: str | None = None,
        before: str | None = None,
        settings: "SettingsOf | None" = None,
    ) -> Thread:
        """Start a thread with the history of a stored or living one; that one goes on as it was.

        Args:
          thread_id: an id or a name.
          turn: the last turn that comes along, by its id or its number from 1; all of them without it.
          before: the first turn that does not, instead.
          settings: as of `resume_thread`.

        Raises: UserError when there is no such thread or turn, or it cannot be read.
        """
        services = self._manager.services
        made = await self._store.fork(
            await self._store.find(thread_id),
            turn=turn,
            before=before,
            originator=services.originator,
            source=services.source,
        )
        return await self.resume_thread(made, settings=settings)

    async def revert_thread(self, thread_id: str, before: str, *, settings: "SettingsOf | None" = None) -> Thread:
        """Go on with a thread as it was before a turn; files that it changed since stay as they are.

        A living thread is ended first, with the turn it works on; but not for a turn that it does not have.

        Args:
          before: the turn, by its id or its number from 1; it and all after it leave the history.
          settings: as of `resume_thread`.

        Raises: UserError when there is no such thread or turn.
        """
        await self._store.check_revert(await self._store.find(thread_id), before)
        wanted = await self._ended(thread_id)
        await self._store.revert(wanted, before)
        return await self.resume_thread(wanted, settings=settings)

    def known_as(self, originator: str) -> None:
        """Let servers know threads that are started from now on as those of this program."""
        self._manager.services = attrs.evolve(self._manager.services, originator=originator)

    async def list_threads(self, query: "ThreadQuery | None" = None) -> "ThreadPage":
        """A page of the stored threads, the one that was used last first.

        Raises: UserError when the cursor is none.
        """
        return await self._store.page(query)

    async def read_turns(self, thread_id: str) -> "Sequence[StoredTurn]":
        """The turns of a stored thread, the oldest first. Raises: UserError when it cannot be read."""
        return await self._store.turns(await self._store.find(thread_id))

    async def name_thread(self, thread_id: str, name: str) -> None:
        """Give a stored thread a name, by which it is found too. Raises: UserError when there is none."""
        await self._store.name(await self._store.find(thread_id), name)

    async def archive_thread(self, thread_id: str) -> None:
        """Put a thread and its sub-agents away; a living one is ended first. Raises: CodexError."""
        await self._store.archive(await self._ended(thread_id))

    async def unarchive_thread(self, thread_id: str) -> None:
        """Bring a thread and its sub-agents back from the archive. Raises: CodexError."""
        await self._store.unarchive(await self._store.find(thread_id))

    async def delete_thread(self, thread_id: str) -> None:
        """Remove a thread and its sub-agents for ever; a living one is ended first.

        Raises: CodexError, also when forks begin with its history.
        """
        await self._store.delete(await self._ended(thread_id))

    async def _ended(self, thread_id: str) -> str:
        wanted = await self._store.find(thread_id)
        living = self._manager.find(wanted)
        if living is not None:
            await living.stop()
        return wanted

    @property
    def _store(self) -> "StoredThreads":
        if self._opened_store is None:
            from codex.engine.stored import StoredThreads

            self._opened_store = StoredThreads(self._runtime, self._config)
        return self._opened_store

    def agents(self, thread: Thread) -> AgentTree | None:
        """The sub-agents of a root thread, once it has been started here."""
        return self._trees.get(thread.identity.session_id)

    @property
    def agents_at_work(self) -> tuple[str, ...]:
        """The paths of all sub-agents that are at work now."""
        return tuple(agent.path for tree in self._trees.values() for agent in tree.agents if agent.working)

    def _agents_of(self, identity: Identity, config: Config) -> AgentsOf | None:
        tree = self._trees.get(identity.session_id)
        if tree is None:
            tree = self._trees[identity.session_id] = self._tree(identity.session_id, config, Budget())
        return partial(open_control, tree, identity.thread_id) if tree.is_open_to(identity.depth) else None

    def _narrow(self, config: Config, above: Config) -> Config:
        from codex.agents.authority import narrowed

        return narrowed(config, above, tmpdir=self._manager.services.environ.get("TMPDIR"))

    def _tree(self, root_id: str, config: Config, budget: Budget) -> AgentTree:
        return AgentTree(self._manager, root_id, tree_limits(config), budget=budget)


def local_workers() -> "Workers":
    """Worker processes on this machine, each of which runs `codex.engine.worker`."""
    from codex.placement.local import LocalWorkers

    return LocalWorkers("codex.engine.worker")


@asynccontextmanager
async def open_codex(
    config: Config,
    *,
    environ: Mapping[str, str] | None = None,
    originator: str = "codex_python",
    client: ModelClient | None = None,
    zygote: Zygote | None = None,
    reviewer: Reviewer | None = None,
    source: str = "exec",
    goals: "Goals | None" = None,
    late_login: bool = False,
) -> AsyncGenerator[Codex, None]:
    """Open an engine; leaving the block stops every thread, process and connection, and returns when all are gone.

    Cancelled, it does the same within its shutdown seconds.

    Args:
      originator: the name under which servers know the program.
      client: another model client than the one that `config.model_provider` names; the caller closes it. Agents
        cannot run in worker processes then, which would not have it.
      zygote: the helper that starts processes, where the program started one early; the engine ends it.
      source: which front-end this is, as the rollouts of its threads name it.
      reviewer: answers the questions of all threads, instead of whoever watches them.
      goals: keeps the goals of threads; root threads have tools for them then.
      late_login: open also without a key: turns fail until somebody logs in, and a new login holds at once.
    """
    env = dict(os.environ if environ is None else environ)
    async with open_runtime(name="codex") as runtime, AsyncExitStack() as stack:
        may_place = client is None
        if client is None:
            client = await stack.enter_async_context(open_model_client(config, environ=env, late_login=late_login))
        processes = Processes(runtime, zygote)
        try:
            services = Services(
                client, processes, env, originator, installation_id(config.codex_home), reviewer, source, goals=goals
            )
            manager = ThreadManager(runtime, services)
            if may_place:
                manager.workers = local_workers
            try:
                codex = Codex(config, manager, runtime, processes)
                if os.path.isdir(os.path.join(config.codex_home, "worktrees")):
                    from codex.agents.isolation import recover_worktrees

                    codex.recovered = tuple(await recover_worktrees(config.codex_home))
                yield codex
            finally:
                with trio.move_on_after(_STOP_WITHIN, shield=True):
                    await manager.stop_all()
        finally:
            with trio.move_on_after(_STOP_WITHIN, shield=True):
                await processes.aclose()
