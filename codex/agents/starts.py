"""Agents are started, and started again: with a place, below their parents, or not at all."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Never

import attrs
import trio

import codex.rollout as rollout
from actors import ActorGone, ActorRestarted, Mailbox
from codex.agents.admission import Admission
from codex.agents.changes import Changes
from codex.agents.forks import said_in
from codex.agents.mail import ThreadMail
from codex.agents.metering import Metering
from codex.agents.placed import placed
from codex.agents.post import PostOffice
from codex.agents.record import Agent
from codex.agents.registry import Registry
from codex.agents.roles import agent_config, find_role, kept_role
from codex.base.errors import UserError
from codex.base.ids import uuid7
from codex.config.role import Role
from codex.config.schema import Config
from codex.ports.agents import AgentFailure, Spawned, SpawnRequest
from codex.ports.placement import WorkerLost
from codex.protocol.budget import Budget
from codex.protocol.item import AgentState
from codex.protocol.op import TurnInput
from codex.protocol.response_item import ResponseItem
from codex.protocol.user_input import TextInput
from codex.rollout.agents import StartedAgent, agent_closed, agent_spawned
from codex.session import Inbox, Publish
from codex.threads import Thread, ThreadManager

if TYPE_CHECKING:
    from codex.agents.leasing import AgentLeases, Leasing

_START_WITHIN = 30.0


class AboveIsEnding(AgentFailure):
    """The session that an agent stands below has crashed, or is being stopped."""

    def __init__(self) -> None:
        super().__init__("the agent above is ending, or is being started again after a crash")


class Starts:
    """Starts the agents of one tree. Cancelled, or over its deadline, a start leaves nothing.

    `follow` is told of every thread that has started, with its record; `wake` gives an agent's thread.
    """

    def __init__(
        self,
        manager: ThreadManager,
        registry: Registry,
        admission: Admission,
        metering: Metering,
        post: PostOffice | None,
        changes: Changes,
        follow: Callable[[Thread, Agent], None],
        wake: Callable[[Agent], Awaitable[Thread]],
    ) -> None:
        self._manager = manager
        self._registry = registry
        self._admission = admission
        self._metering = metering
        self._post = post
        self._changes = changes
        self._follow = follow
        self._wake = wake
        self._leasing: Leasing | None = None

    async def spawn(self, parent_id: str, mailbox: Mailbox[Inbox], request: SpawnRequest) -> Spawned:
        """Start a child of a thread."""
        parent = self._manager.find(parent_id)
        if parent is None:
            raise AgentFailure("collab spawn failed: the thread it would stand below has ended")
        role = find_role(parent.config, request.role)
        placement = placed(self._manager, parent.config, role, request.placement)
        if (request.isolation or role.isolation, placement) == ("lease", "worker"):
            raise AgentFailure("collab spawn failed: agents with leases work in this process; take placement = 'here'")
        await self._admission.reserve(parent_id, queue=request.queue)
        nickname = self._registry.nickname(role.nicknames)
        try:
            path = self._registry.claim_path(parent_id, request.task_name or nickname)
        except AgentFailure:
            self._admission.release(parent_id)
            raise
        try:
            return await self._spawn_at(path, nickname, parent, mailbox, request, role)
        finally:
            self._registry.unclaim_path(path)

    async def begin_anew(self, agent: Agent, mailbox: Mailbox[Inbox]) -> None:
        """Start another agent in the place of one that has failed, with the same task and nothing else.

        Raises: AgentFailure where there is no place, or it does not start.
        """
        parent, request = self._manager.find(agent.parent_id), agent.request
        thread = self._manager.find(agent.agent_id)
        if parent is None or request is None:
            raise AgentFailure("the thread above it has ended")
        if thread is not None:
            await thread.stop()
        await self.keep_closed(mailbox, agent)
        await self._admission.reserve(agent.parent_id, queue=True)
        try:
            path = self._registry.claim(agent.path)
        except AgentFailure:
            self._admission.release(agent.parent_id)
            raise
        try:
            role = kept_role(parent.config, agent.role)
            await self._spawn_at(path, agent.nickname, parent, mailbox, request, role, failed=agent)
        finally:
            self._registry.unclaim_path(path)

    async def resume(
        self,
        parent_id: str,
        mailbox: Mailbox[Inbox],
        agent: Agent,
        load: Callable[[Agent, Mailbox[Inbox]], Awaitable[Thread]],
    ) -> None:
        """Start a closed child of a thread again.

        Raises: AgentFailure where there is no place, or its rollout cannot be read.
        """
        with trio.move_on_after(_START_WITHIN):
            while not agent.closed:
                await self._changes.wait((agent.agent_id,))
        record = Agent(
            agent.agent_id,
            parent_id,
            agent.nickname,
            agent.path,
            agent.depth,
            agent.budget,
            agent.role,
            placement=agent.placement,
            usage=agent.usage,
            wakes_parent=agent.wakes_parent,
            restarts=agent.restarts,
            detached=agent.detached,
            request=agent.request,
        )

        async def start() -> Thread:
            await self._keep(mailbox, _spawned(record))
            return await load(record, mailbox)

        path = self._registry.claim(agent.path)
        try:
            self._registry.reserve(parent_id)
            await self._begin(start, record, mailbox)
        except UserError as error:
            raise AgentFailure(f"agent with id {agent.agent_id} cannot be resumed: {error}") from error
        finally:
            self._registry.unclaim_path(path)

    def work_ended(self, agent_id: str) -> None:
        """An agent rests, or has ended: others may have what was leased to it."""
        if self._leasing is not None:
            self._leasing.release(agent_id)

    async def _leased(self, agent: Agent, cwd: str, paths: Sequence[str]) -> "AgentLeases":
        if self._leasing is None:
            from codex.agents.leasing import Leasing

            self._leasing = Leasing()
        leases = self._leasing.of(agent, cwd, paths)
        await leases.take(())
        return leases

    async def keep_closed(self, above: Mailbox[Inbox], agent: Agent) -> None:
        """Tell the rollout of an agent's parent that the agent is ended for good, before it is.

        A parent that is ending itself tells nothing; that must not keep the agent.
        """
        with suppress(AboveIsEnding):
            await self._keep(above, agent_closed(agent.agent_id, AgentState("shutdown"), time.time()))

    async def _spawn_at(
        self,
        path: str,
        nickname: str,
        parent: Thread,
        mailbox: Mailbox[Inbox],
        request: SpawnRequest,
        role: Role,
        failed: Agent | None = None,
    ) -> Spawned:
        """`failed` is the agent in whose place this one begins anew."""
        parent_id, budget = parent.thread_id, _budget(request.budget, role)
        depth = self._registry.depth(parent_id) + 1
        record = Agent(
            uuid7(), parent_id, nickname, path, depth, budget, request.role, wakes_parent=request.wakes_parent
        )
        record.placement = request.placement
        if failed is not None:
            record.restarts, record.detached = failed.restarts, failed.detached
        if role.restart == "on_crash" and not role.restart_history:
            record.request = attrs.evolve(request, task_name=None, keep=None, fork_turns="none", fork_context=False)
        config = agent_config(
            parent.config,
            role,
            model=request.model,
            reasoning_effort=request.reasoning_effort,
            tmpdir=self._manager.services.environ.get("TMPDIR"),
        )
        services = self._metering.of(parent_id, path, budget)
        start_child = partial(
            self._manager.start_child,
            parent_id,
            mailbox,
            thread_id=record.agent_id,
            nickname=nickname,
            agent_path=path,
            depth=depth,
            role=request.role,
            fork=_fork(request),
            placement=placed(self._manager, parent.config, role, request.placement),
        )

        async def start() -> Thread:
            await self._keep(mailbox, _spawned(record, request))
            isolation, shared = request.isolation or role.isolation, services or self._manager.services
            if isolation == "lease":
                leases = await self._leased(record, config.cwd, request.paths)
                return await start_child(config=config, services=attrs.evolve(shared, leases=leases))
            if isolation == "worktree":
                from codex.agents.isolation import start_in_worktree

                return await start_in_worktree(start_child, config, shared, record, self._manager.find)
            return await start_child(config=config, services=services)

        thread = await self._begin(start, record, mailbox, partial(self._first_task, parent_id, request))
        if failed is not None:
            failed.replaced_by, failed.reviving = record.agent_id, False
            failed.state = AgentState("errored", "it failed, and another one began anew in its place")
        return Spawned(thread.thread_id, nickname, path)

    async def _first_task(self, parent_id: str, request: SpawnRequest, thread: Thread) -> None:
        if self._post is None or request.task_name is None or request.keep is None:
            await thread.submit(TurnInput((TextInput(request.message),), output_schema=request.output_schema))
        else:
            registry, manager = self._registry, self._manager
            mail = ThreadMail(parent_id, registry, manager, self._post, self._changes, self._wake)
            await mail.send(thread.thread_id, request.message, kind="NEW_TASK", keep=request.keep)

    async def _keep(self, parent: Mailbox[Inbox], line: rollout.Line) -> None:
        """Put a line into the rollout of an agent's parent: an agent nobody knows of is never there."""
        try:
            await parent.ref.ask(partial(Publish, (), (), None, lines=(line,)))
        except rollout.RolloutWriteError as error:
            raise AgentFailure(f"this cannot be kept on disk: {error}") from error
        except (ActorGone, ActorRestarted) as error:
            raise AboveIsEnding from error

    async def _begin(
        self,
        start: Callable[[], Awaitable[Thread]],
        record: Agent,
        mailbox: Mailbox[Inbox],
        task: Callable[[Thread], Awaitable[None]] | None = None,
    ) -> Thread:
        """Start an agent for which a place is reserved, and follow it. On any failure nothing is left of it."""
        thread: Thread | None = None
        try:
            with trio.move_on_after(_START_WITHIN) as scope:
                thread = await start()
                self._follow(thread, record)
                if task is not None:
                    await _give(thread, task)
                if record.budget.seconds is not None:
                    record.ends_at = trio.current_time() + record.budget.seconds
                    self._guard(record, thread, mailbox)
            if scope.cancelled_caught:
                raise AgentFailure(f"collab spawn failed: the agent did not start within {_START_WITHIN:g} s")
        except BaseException:
            record.give_up_reviving()
            self.work_ended(record.agent_id)
            if thread is None:
                self._admission.release(record.parent_id)
            else:
                with trio.move_on_after(_START_WITHIN, shield=True):
                    await thread.stop()
            raise
        assert thread is not None
        return thread

    async def detach(self, agent: Agent, root: Mailbox[Inbox]) -> None:
        """Hand an agent, with all below it, over to the root thread, whose session's mailbox this is.

        Raises: AgentFailure where it cannot go on without the agent above it, or the disk does not take it.
        """
        parent, thread = self._manager.find(agent.parent_id), await self._wake(agent)
        if parent is None or _works_in_worktree(parent.config):
            raise AgentFailure(f"{agent.path} works in a worktree that ends with the agent above it; close neither")
        await self._keep(root, _spawned(agent, detached=True))
        owner = self._manager.find(self._registry.root.agent_id)
        if owner is None or not self._manager.hand_over(thread, owner, root):
            raise AgentFailure(f"{agent.path} is ending")
        self._registry.detach(agent)
        if agent.ends_at is not None:
            self._guard(agent, thread, root)

    def _guard(self, agent: Agent, thread: Thread, mailbox: Mailbox[Inbox]) -> None:
        """Have an agent ended when its time is over, by the thread that it belongs to."""
        assert agent.ends_at is not None
        end = partial(self._end_at, thread=thread, at=agent.ends_at)
        try:
            mailbox.spawn(end, name=f"deadline-{agent.nickname}", shutdown=0)
        except ActorGone as gone:
            raise AboveIsEnding from gone

    async def _end_at(self, _mailbox: Mailbox[Never], *, thread: Thread, at: float) -> None:
        """End an agent, with all below it, that is still there when its time is over."""
        with trio.move_on_at(at):
            await thread.place.wait()
            return
        agent = self._registry.record(thread.thread_id)
        if agent is not None and agent.working:
            agent.doom = ("deadline", f"its time is over: the budget allows {agent.budget.seconds:g} seconds")
        await thread.stop()


def _works_in_worktree(config: Config) -> bool:
    return config.cwd.startswith(os.path.join(config.codex_home, "worktrees", ""))


async def _give(thread: Thread, task: Callable[[Thread], Awaitable[None]]) -> None:
    """Give an agent its first task. Raises: AgentFailure where its worker is lost before it has taken it."""
    try:
        await task(thread)
    except WorkerLost as lost:
        raise AgentFailure(f"collab spawn failed: {lost}") from lost


def _spawned(agent: Agent, request: SpawnRequest | None = None, *, detached: bool = False) -> rollout.Line:
    """What the rollout of its parent tells of an agent that is about to start, or comes to it from another one."""
    started = StartedAgent(
        agent.agent_id, agent.path, agent.nickname, role=agent.role, budget=agent.budget, detached=detached
    )
    if request is not None:
        started = attrs.evolve(started, model=request.model, reasoning_effort=request.reasoning_effort)
    return agent_spawned(started, time.time())


def _budget(asked: Budget, role: Role) -> Budget:
    """With the role's deadline, where that is sooner."""
    if role.deadline_seconds is None or (asked.seconds is not None and asked.seconds <= role.deadline_seconds):
        return asked
    return attrs.evolve(asked, seconds=role.deadline_seconds)


def _fork(request: SpawnRequest) -> Callable[[Sequence[ResponseItem]], tuple[ResponseItem, ...]] | None:
    """What an agent starts with of its parent's history; None is nothing."""
    if request.fork_context:
        return rollout.forkable
    if request.fork_turns == "none":
        return None
    return partial(said_in, turns=None if request.fork_turns == "all" else request.fork_turns)
