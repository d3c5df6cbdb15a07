"""The threads of an engine: started, found, stopped; each below its owner."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Never, Protocol, TypeAlias

import trio

import codex.rollout as rollout
from actors import ActorGone, Down, Exit, Mailbox, Ref, Runtime
from codex.base.errors import CodexError
from codex.base.ids import uuid7
from codex.config.rules_directories import rules_directories
from codex.config.schema import Config
from codex.model import lookup_model
from codex.ports.agents import AgentControl
from codex.protocol.budget import Budget
from codex.protocol.event import ErrorNotice, ShutdownComplete
from codex.protocol.response_item import ResponseItem
from codex.session import (
    Identity,
    Inbox,
    InForce,
    Narrow,
    Outbox,
    Places,
    Restored,
    Services,
    SessionContext,
    restored_from,
)
from codex.session import run as run_session
from codex.threads.thread import Thread, ThreadEnded
from codex.tools.rulebook import RuleBook, read_rules
from supervisors import ChildSpec, StartFailed, SupervisorSpec, start_supervisor

if TYPE_CHECKING:
    from codex.ports.dynamic_tools import DynamicTools
    from codex.ports.placement import Placement, Workers
    from codex.session import Message

_STOP_WITHIN = 5.0
_HAND_IN_WITHIN = 25.0
_RESTARTS = 3
# Longer than three questions that are asked in vain, or a session that hangs again and again would never be given up.
_RESTART_PERIOD = 300.0

Fork: TypeAlias = Callable[[Sequence[ResponseItem]], tuple[ResponseItem, ...]]
AgentsOf: TypeAlias = Callable[[Mailbox[Inbox]], AgentControl | None]


class AgentsFactory(Protocol):
    """Gives a new thread its agents, or None where it may not have any."""

    def __call__(self, identity: Identity, config: Config) -> AgentsOf | None:
        """Called once a thread, before it starts."""
        ...


class ThreadManager:
    """All living threads by id. Each is a supervisor of two: the writer of its rollout, and its session."""

    def __init__(self, runtime: Runtime, services: Services) -> None:
        self.services = services
        self._runtime = runtime
        self._threads: dict[str, Thread] = {}
        self._at: dict[Ref[Never], Thread] = {}
        self._living: Counter[str] = Counter()  # of each tree
        self._root: Ref[Down] = runtime.spawn(self._own, name="threads", shutdown=_STOP_WITHIN)
        self._mailbox: Mailbox[Down] | None = None
        self._ready = trio.Event()
        self._rules: dict[str, RuleBook] = {}
        self._dynamic: dict[str, DynamicTools] = {}
        self.agents_of: AgentsFactory | None = None
        self.narrow: Narrow | None = None
        """Settings with no more authority than others have; what limits threads below others."""
        self.on_child: Callable[[Thread], None] | None = None
        """Told of every thread that was started below another one; it must neither wait nor raise."""
        self.workers: Callable[[], Workers] | None = None
        """Opens the place where threads run that are not to run in this process; None where all do."""

    @property
    def threads(self) -> Sequence[Thread]:
        """Those that live, in the order of their start."""
        return tuple(thread for thread in self._threads.values() if thread.alive)

    def find(self, thread_id: str) -> Thread | None:
        """The living thread of this id."""
        return self._threads.get(thread_id)

    async def start(
        self,
        config: Config,
        *,
        thread_id: str | None = None,
        services: Services | None = None,
        tools: "DynamicTools | None" = None,
        budget: Budget | None = None,
    ) -> Thread:
        """Start a root thread.

        Args:
          services: others than the engine's, for a thread whose use is limited.
          budget: the limits that `services` keep, for the rollout.
          tools: more than the engine's own, for this thread and all below it.

        Raises: UserError when no model is configured, the model's data cannot be read, or a rules file is broken.
        """
        thread_id = thread_id or uuid7()
        self._bring(thread_id, tools)
        identity = Identity(thread_id, thread_id, budget=budget)
        return await self._start(identity, config, Restored(), services=services)

    def _bring(self, session_id: str, tools: "DynamicTools | None") -> None:
        if tools is not None:
            self._dynamic[session_id] = tools

    async def resume(
        self,
        config: Config,
        stored: "rollout.Restored",
        *,
        services: Services | None = None,
        tools: "DynamicTools | None" = None,
    ) -> Thread:
        """Go on with a stored thread in its own rollout, as a root."""
        self._bring(stored.thread_id, tools)
        identity = Identity(stored.thread_id, stored.thread_id)
        return await self._start(identity, config, restored_from(stored), services=services)

    async def start_child(
        self,
        parent_id: str,
        mailbox: Mailbox[Inbox],
        *,
        thread_id: str,
        nickname: str,
        agent_path: str,
        depth: int,
        role: str | None,
        config: Config,
        fork: Fork | None,
        services: Services | None = None,
        moved: Callable[[Config], Config] | None = None,
        placement: "Placement" = "here",
    ) -> Thread:
        """Start a thread below another one; it cannot outlive it.

        Args:
          config: what it works with, which must not allow more than its parent's.
          fork: makes of the parent's history what the thread starts with; None is nothing.
          services: others than the engine's, for a thread whose use is limited.
          moved: makes of its parent's settings those for a directory of its own.
          placement: where it runs.

        Cancel-safe: cancelled, no thread was started.
        """
        parent = self._threads.get(parent_id)
        if parent is None:
            raise ThreadEnded(parent_id)
        restored = Restored() if fork is None else Restored(fork(await parent.history()))
        identity = Identity(
            thread_id,
            parent.identity.session_id,
            parent_id=parent_id,
            agent_path=agent_path,
            nickname=nickname,
            depth=depth,
            role=role,
            forked_from=None if fork is None else parent_id,
        )
        return await self._start(
            identity, config, restored, mailbox, services=services, moved=moved, placement=placement
        )

    async def resume_child(
        self,
        identity: Identity,
        mailbox: Mailbox[Inbox],
        *,
        config: Config,
        stored: bool,
        services: Services | None = None,
        placement: "Placement" = "here",
    ) -> Thread:
        """Go on with a child that is not loaded, below its parent, which owns the mailbox and lives.

        Args:
          config: what it works with, which must not allow more than its parent's.
          stored: it has a rollout to go on with; else it starts in a new one.
          services: others than the engine's, for a thread whose use is limited.
          placement: where it runs.

        Cancel-safe: cancelled, no thread was started. Raises: CodexError when its rollout cannot be read.
        """
        restored = Restored()
        if stored and placement == "worker":
            find = partial(rollout.find_rollout, config.codex_home, identity.thread_id)
            restored = Restored(path=(await trio.to_thread.run_sync(find)).path)
        elif stored:
            load = partial(rollout.load, config.codex_home, identity.thread_id)
            restored = restored_from(await trio.to_thread.run_sync(load))
        return await self._start(identity, config, restored, mailbox, services=services, placement=placement)

    async def start_for(
        self,
        identity: Identity,
        config: Config,
        restored: Restored,
        *,
        parent: "Ref[Message]",
        agents: "AgentsOf | None",
        path: str | None,
        tools: "DynamicTools | None",
    ) -> Thread:
        """Start a thread here, at a worker, whose parent is in another process.

        Args:
          parent: where its questions climb to. `agents`: what it may do with agents.
          path: its rollout; None where it keeps nothing.
        """
        self._bring(identity.session_id, tools)
        self.agents_of = lambda identity, config: agents
        return await self._start(identity, config, restored, parent=parent, path=path)

    def hand_over(self, thread: Thread, owner: Thread, mailbox: Mailbox[Inbox]) -> bool:
        """Let a child go on below another thread, whose session's mailbox this is, and end with that one.

        False, and nothing has changed, where either is ending.
        """
        handed = self._runtime.hand_over(thread.place, mailbox.ref)
        if handed:
            thread.belong_to(owner)
        return handed

    async def stop_all(self) -> None:
        """End all root threads, and with them all others; returns when nothing is left of them."""
        roots = [thread for thread in self._threads.values() if thread.identity.parent_id not in self._threads]
        async with trio.open_nursery() as nursery:
            for thread in roots:
                nursery.start_soon(thread.stop)
        await self._root.stop(within=_STOP_WITHIN)
        for thread in tuple(self._threads.values()):
            self._end(thread)

    async def _own(self, mailbox: Mailbox[Down]) -> None:
        """Own the root threads, and see every thread's end."""
        self._mailbox = mailbox
        self._ready.set()
        async for down in mailbox:
            thread = self._at.get(down.ref)
            if thread is not None:
                self._end(thread, down.exit)

    async def _rules_of(self, identity: Identity, config: Config) -> RuleBook:
        """Those of the tree that the thread belongs to, read when its first thread starts."""
        book = self._rules.get(identity.session_id)
        if book is None:
            home = "" if config.ignore_rules else config.codex_home
            has_rules = config.owner_rules_file or any(map(os.path.isdir, rules_directories(config)))
            book = await trio.to_thread.run_sync(read_rules, config) if has_rules else RuleBook(None, home)
            self._rules[identity.session_id] = book
        return book

    def _in_force(self, identity: Identity, config: Config, moved: Callable[[Config], Config] | None) -> InForce:
        parent = self._threads.get(identity.parent_id or "")

        def narrow(own: Config, limit: Config) -> Config:
            assert self.narrow is not None, "there are threads below others, and nothing that limits them"
            return self.narrow(own, limit if moved is None else moved(limit))

        return InForce(config, parent.in_force if parent is not None else None, narrow)

    def _end(self, thread: Thread, ended: Exit | None = None) -> None:
        del self._at[thread.place]
        if self._threads.get(thread.thread_id) is thread:  # else it was resumed before its end was heard
            del self._threads[thread.thread_id]
        self._living[thread.identity.session_id] -= 1
        self._forget(thread.identity.session_id)
        if ended is not None and ended.kind == "crash":
            thread.outbox.publish([ErrorNotice(None, f"the thread crashed: {ended.error}")])
        thread.outbox.publish([ShutdownComplete()])

    def _forget(self, session_id: str) -> None:
        """Let go of what a tree shares, where none of its threads is left."""
        if not self._living[session_id]:
            del self._living[session_id]
            self._rules.pop(session_id, None)
            self._dynamic.pop(session_id, None)

    async def _start(
        self,
        identity: Identity,
        config: Config,
        restored: Restored,
        owner: Mailbox[Inbox] | None = None,
        *,
        services: Services | None = None,
        moved: Callable[[Config], Config] | None = None,
        placement: "Placement" = "here",
        parent: "Ref[Message] | None" = None,
        path: str | None = None,
    ) -> Thread:
        await self._ready.wait()
        assert self._mailbox is not None
        if restored.path is not None:
            path = restored.path.removesuffix(".zst")  # unpacked before it is written
        if path is None and not config.ephemeral:
            path = rollout.rollout_path(config.codex_home, identity.thread_id, datetime.now())
        context = SessionContext(
            identity=identity,
            config=config,
            model=lookup_model(config),
            services=services or self.services,
            outbox=Outbox(identity.thread_id),
            places=Places(
                in_force=self._in_force(identity, config, moved),
                parent=owner.ref if owner is not None else parent,
            ),
            rollout_path=path,
            restored=restored,
            agents=self.agents_of(identity, config) if self.agents_of else None,
            rules=await self._rules_of(identity, config),
            dynamic=self._dynamic.get(identity.session_id),
        )
        try:
            supervisor = await start_supervisor(
                self._mailbox if owner is None else owner,
                _spec(context, self.workers() if placement == "worker" and self.workers else None),
                name=f"thread-{identity.thread_id}",
            )
        except ActorGone as gone:
            raise ThreadEnded(identity.parent_id or identity.thread_id) from gone
        except StartFailed as failed:
            self._forget(identity.session_id)
            if isinstance(failed.__cause__, CodexError):
                raise failed.__cause__ from None
            raise
        if context.places.session is None:  # its owner was being stopped: it never ran
            raise ThreadEnded(identity.parent_id or identity.thread_id)
        thread = Thread(identity, config, supervisor.ref, context.places, context.outbox, path, self.services.processes)
        self._threads[identity.thread_id] = self._at[thread.place] = thread
        self._living[identity.session_id] += 1
        self._mailbox.watch(supervisor.ref)
        if identity.parent_id is not None and self.on_child is not None:
            self.on_child(thread)
        return thread


def _spec(context: SessionContext, workers: "Workers | None" = None) -> SupervisorSpec:
    """The writer first, so that the session never speaks to nobody; the session's end is the thread's end.

    At a worker both are there, and what stands for the session is here.
    """
    session = ChildSpec(
        id="session",
        start=partial(run_session, context=context) if workers is None else _far(context, workers),
        restart="transient",
        shutdown=_STOP_WITHIN,
        significant=True,
    )
    held: list[ChildSpec] = []
    workplace = context.services.workplace
    if workplace is not None:  # first, so that it is stopped last
        held.append(ChildSpec(id="workplace", start=workplace.hold, restart="temporary", shutdown=_HAND_IN_WITHIN))
    writer: list[ChildSpec] = []
    if context.rollout_path is not None and workers is None:
        run = partial(_write, places=context.places, path=context.rollout_path, codex_home=context.config.codex_home)
        writer.append(ChildSpec(id="rollout", start=run, shutdown=_STOP_WITHIN))
    return SupervisorSpec(
        strategy="rest_for_one",
        children=(*held, *writer, session),
        max_restarts=_RESTARTS,
        period=_RESTART_PERIOD,
        auto_shutdown="any_significant",
    )


def _far(context: SessionContext, workers: "Workers") -> "Callable[[Mailbox[Inbox]], Awaitable[None]]":
    from codex.placement import run as run_far

    return partial(run_far, context=context, workers=workers, stored=context.restored.path is not None)


async def _write(mailbox: Mailbox[rollout.Message], *, places: Places, path: str, codex_home: str) -> None:
    places.writer = mailbox.ref
    await rollout.run_writer(mailbox, path=path, codex_home=codex_home)
