"""The agents of one root thread at work: started below their parents, followed by their events."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Never

import trio

import codex.rollout as rollout
from actors import Mailbox
from codex.agents.final_answer import final_text
from codex.agents.forks import said_in
from codex.agents.limits import TreeLimits
from codex.agents.mail import ThreadMail
from codex.agents.post import PostOffice
from codex.agents.queue import PlaceQueue, Waiter
from codex.agents.registry import NO_BUDGET, Agent, Registry, is_final
from codex.agents.waits import Waits, refused
from codex.base.errors import UserError
from codex.base.ids import uuid7
from codex.context import subagent_notification
from codex.ports.agents import AgentFailure, AgentInfo, Spawned, SpawnRequest, Waited, state_json
from codex.protocol.budget import Budget
from codex.protocol.event import EventMsg, Warning
from codex.protocol.item import AgentState
from codex.protocol.letter import Letter
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.response_item import ResponseItem
from codex.protocol.user_input import TextInput
from codex.session import Inbox, Services
from codex.threads import Thread, ThreadManager

if TYPE_CHECKING:
    from codex.agents.accounts import Accounts

_SPAWN_WITHIN = 30.0


class AgentTree:
    """All sub-agents of one root thread, shared by the threads of the tree.

    Args:
      limits: what the configuration allows, and which generation of tools the agents have.
      budget: the root thread's own, which limits all agents too.
    """

    def __init__(self, manager: ThreadManager, root_id: str, limits: TreeLimits, *, budget: Budget = NO_BUDGET) -> None:
        self._manager = manager
        self._limits = limits
        self._registry = Registry(
            root_id, max_agents=limits.max_agents, max_depth=limits.max_depth, limit=limits.limit, budget=budget
        )
        self._post = PostOffice() if limits.generation == "v2" else None
        self._accounts: Accounts | None = None
        self._threads: dict[str, Thread] = {}
        self._changed = trio.Event()
        self._queue = PlaceQueue()
        self._waits = Waits()

    @property
    def agents(self) -> Sequence[Agent]:
        """The records of all agents, in the order of their start."""
        return tuple(self._registry.agents)

    def is_open_to(self, depth: int) -> bool:
        """Whether a thread of this depth has anything to do with agents."""
        limits = self._limits
        if limits.max_agents <= 0 or limits.max_depth == 0:
            return False
        return limits.generation == "v2" or limits.max_depth is None or depth < limits.max_depth

    def control(self, thread_id: str, mailbox: Mailbox[Inbox]) -> "Control | None":
        """What the tools of one thread may do with agents; None where the depth forbids them.

        In the second generation all threads of a tree write to each other, also those that may not start any.
        """
        mail = None
        if self._post is not None:
            mail = ThreadMail(thread_id, self._registry, self._manager, self._post, lambda: self._changed)
            self._post.open(thread_id, mailbox)
        return Control(self, thread_id, mailbox, mail) if mail or self._registry.may_spawn(thread_id) else None

    def state(self, target: str) -> AgentState:
        """Where an agent stands."""
        agent = self._registry.find(target)
        return agent.state if agent else AgentState("not_found")

    def below(self, thread_id: str) -> Sequence[AgentInfo]:
        """All agents below a thread, each after its parent."""
        used = self._registry.usage_below()
        return [
            AgentInfo(
                agent.agent_id,
                agent.parent_id,
                agent.path,
                agent.nickname,
                self._threads[agent.agent_id].config.model or "",
                agent.state,
                agent.budget,
                agent.usage,
                used[agent.agent_id],
            )
            for agent in self._registry.agents
            if self._registry.is_below(agent.agent_id, thread_id)
        ]

    async def spawn(self, parent_id: str, mailbox: Mailbox[Inbox], request: SpawnRequest) -> Spawned:
        """Start a child of a thread. Cancelled, or over its deadline, nothing is left of it."""
        await self._reserve(parent_id, queue=request.queue)
        nickname = self._registry.nickname()
        try:
            path = self._registry.claim_path(parent_id, request.task_name or nickname)
        except AgentFailure:
            self._release(parent_id)
            raise
        try:
            return await self._spawn_at(path, nickname, parent_id, mailbox, request)
        finally:
            self._registry.unclaim_path(path)

    async def _spawn_at(
        self, path: str, nickname: str, parent_id: str, mailbox: Mailbox[Inbox], request: SpawnRequest
    ) -> Spawned:
        depth = self._registry.depth(parent_id) + 1
        start = partial(
            self._manager.start_child,
            parent_id,
            mailbox,
            nickname=nickname,
            agent_path=path,
            depth=depth,
            model=request.model,
            reasoning_effort=request.reasoning_effort,
            fork=_fork(request),
            services=self._metered(parent_id, path, request.budget),
        )
        record = Agent("", parent_id, nickname, path, depth, request.budget)
        thread = await self._begin(start, record, mailbox, partial(self._first_task, parent_id, request))
        return Spawned(thread.thread_id, nickname, path)

    async def _first_task(self, parent_id: str, request: SpawnRequest, thread: Thread) -> None:
        if self._post is None or request.task_name is None or request.keep is None:
            await thread.submit(TurnInput((TextInput(request.message),)))
        else:
            mail = ThreadMail(parent_id, self._registry, self._manager, self._post, lambda: self._changed)
            await mail.send(thread.thread_id, request.message, kind="NEW_TASK", keep=request.keep)

    async def resume(self, parent_id: str, mailbox: Mailbox[Inbox], target: str) -> AgentState:
        """Start a closed child of a thread again. Cancelled, or over its deadline, nothing is left of it."""
        agent, ended = self._registry.find(target), self._threads.get(target)
        if agent is None or ended is None or agent.parent_id != parent_id:
            raise AgentFailure(f"agent with id {target} not found among your own; known: {self._known()}")
        if ended.alive:
            return agent.state
        if ended.rollout_path is None:
            raise AgentFailure(f"agent with id {target} cannot be resumed: this session keeps nothing on disk")
        with trio.move_on_after(_SPAWN_WITHIN):
            while not agent.closed:
                await self._changed.wait()
        self._registry.reserve(parent_id)
        services = self._metered(parent_id, agent.path, agent.budget)
        record = Agent("", parent_id, agent.nickname, agent.path, agent.depth, agent.budget, usage=agent.usage)
        try:
            await self._begin(partial(self._manager.resume_child, ended, mailbox, services=services), record, mailbox)
        except UserError as error:
            raise AgentFailure(f"agent with id {target} cannot be resumed: {error}") from error
        return self.state(target)

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
            with trio.move_on_after(_SPAWN_WITHIN) as scope:
                thread = await start()
                self._follow(thread, record)
                if task is not None:
                    await task(thread)
                if record.budget.seconds is not None:
                    end = partial(self._end_after, thread=thread, seconds=record.budget.seconds)
                    mailbox.spawn(end, name=f"deadline-{record.nickname}", shutdown=0)
            if scope.cancelled_caught:
                raise AgentFailure(f"collab spawn failed: the agent did not start within {_SPAWN_WITHIN:g} s")
        except BaseException:
            if thread is None:
                self._release(record.parent_id)
            else:
                with trio.move_on_after(_SPAWN_WITHIN, shield=True):
                    await thread.stop()
            raise
        assert thread is not None
        return thread

    def _follow(self, thread: Thread, record: Agent) -> None:
        record.agent_id = thread.thread_id
        self._registry.commit(record)
        self._threads[thread.thread_id] = thread
        thread.outbox.listen(partial(self._told, thread.thread_id))

    async def _end_after(self, _mailbox: Mailbox[Never], *, thread: Thread, seconds: float) -> None:
        """End an agent, with all below it, that is still there when its time is over."""
        with trio.move_on_after(seconds):
            await thread.place.wait()
            return
        working = self._registry.is_working(thread.thread_id)
        if working:
            self._registry.fail(thread.thread_id, f"its time is over: the budget allows {seconds:g} seconds")
        await thread.stop()
        if working:
            self._announce(thread.thread_id)

    async def _reserve(self, parent_id: str, *, queue: bool) -> None:
        """Take a place, or wait for one. Cancel-safe: none is taken then."""
        if not queue:
            self._registry.reserve(parent_id)
            return
        if not self._queue and self._registry.reserve_if_free(parent_id):
            return
        ready = trio.Event()
        waiter = Waiter(parent_id, ready.set)
        self._queue.join(waiter, self._registry.working)
        try:
            await ready.wait()
        except trio.Cancelled:
            self._queue.leave(waiter)
            if waiter.granted:
                self._release(parent_id)
            raise
        if waiter.failure is not None:
            raise waiter.failure

    def _release(self, parent_id: str) -> None:
        self._registry.release(parent_id)
        self._queue.grant(self._registry.reserve_if_free)

    def root_services(self) -> Services | None:
        """What the root thread works with where its budget limits its use; None where it does not."""
        budget = self._registry.root.budget
        if not budget.limits_use:
            return None
        from codex.agents.accounts import Accounts
        from codex.agents.metered import metered

        self._accounts = Accounts("/root", budget)
        return metered(self._manager.services, self._accounts, "/root", partial(self._warn, "/root"))

    def _metered(self, parent_id: str, path: str, budget: Budget) -> Services | None:
        """What an agent works with where anything limits its use; None where nothing does."""
        budgets = (budget, *(owner.budget for owner in self._registry.upwards(parent_id)))
        if not any(limits.limits_use for limits in budgets):
            return None
        from codex.agents.accounts import Accounts
        from codex.agents.metered import metered

        if self._accounts is None:
            self._accounts = Accounts("/root", self._registry.root.budget)
        for owner in reversed([*self._registry.upwards(parent_id)][:-1]):
            self._accounts.open(owner.path, owner.path.rpartition("/")[0], owner.budget)
        self._accounts.open(path, path.rpartition("/")[0], budget)
        return metered(self._manager.services, self._accounts, path, partial(self._warn, path))

    def _warn(self, path: str, text: str) -> None:
        """Tell those who watch the agent, and those who watch its parent."""
        for agent in (self._registry.root, *self._registry.agents):
            if agent.path == path:
                for thread_id in (agent.agent_id, agent.parent_id):
                    thread = self._manager.find(thread_id)
                    if thread is not None:
                        thread.outbox.publish([Warning(text)])

    async def wait(self, waiter_id: str, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets is final. Cancel-safe.

        Raises: AgentFailure where all of the targets wait for the one that asks.
        """
        final = self._final(targets)
        if final:
            return Waited(final, timed_out=False)
        entered = self._waits.enter(waiter_id, targets)
        if isinstance(entered, tuple):
            raise refused([self._registry.path(agent_id) for agent_id in entered])
        try:
            with trio.move_on_after(within):
                while not final:
                    await self._changed.wait()
                    final = self._final(targets)
        finally:
            self._waits.leave(entered)
        return Waited(final, timed_out=not final)

    def _final(self, targets: Sequence[str]) -> dict[str, AgentState]:
        states = {target: self.state(target) for target in targets}
        return {target: state for target, state in states.items() if is_final(state)}

    async def send_input(self, target: str, message: str, *, interrupt: bool) -> str:
        """Hand a message to an agent."""
        thread = self._living(target)
        if interrupt:
            await thread.submit(Interrupt())
        agent = self._registry.find(target)
        if agent is not None and is_final(agent.state):
            agent.state = AgentState("running")
        return await thread.submit(TurnInput((TextInput(message),)))

    async def close(self, target: str) -> AgentState:
        """End an agent and all below it."""
        agent = self._registry.find(target)
        if agent is None:
            raise AgentFailure(f"agent with id {target} not found; known: {self._known()}")
        before = agent.state
        for one in self._registry.below(target):
            thread = self._manager.find(one.agent_id)
            if thread is not None:
                await thread.stop()
        with trio.move_on_after(_SPAWN_WITHIN):
            while not agent.closed:
                await self._changed.wait()
        return before

    def _living(self, target: str) -> Thread:
        thread = self._manager.find(target)
        if self._registry.find(target) is None or thread is None or not thread.alive:
            raise AgentFailure(f"agent with id {target} not found or closed; known: {self._known()}")
        return thread

    def _known(self) -> str:
        return ", ".join(agent.agent_id for agent in self._registry.agents if not agent.closed) or "none"

    def _told(self, agent_id: str, msg: EventMsg) -> None:
        told = self._registry.told(agent_id, msg)
        if told == "nothing":
            return
        changed, self._changed = self._changed, trio.Event()
        changed.set()
        agent = self._registry.find(agent_id)
        if agent is not None and agent.closed and self._accounts is not None:
            self._accounts.close(agent.path)
        if agent is not None and agent.closed and self._post is not None:
            self._post.close(agent_id)
        self._queue.grant(self._registry.reserve_if_free)
        if told == "ended":
            self._announce(agent_id, getattr(msg, "turn_id", None))

    def _announce(self, agent_id: str, turn_id: str | None = None) -> None:
        """Put the end of an agent's work into its parent's history."""
        agent = self._registry.find(agent_id)
        parent = self._manager.find(agent.parent_id) if agent is not None else None
        if agent is None or parent is None:
            return
        if self._post is None:
            parent.inject_nowait([subagent_notification(agent_id, state_json(agent.state))])
            return
        owner = self._registry.find(agent.parent_id) or self._registry.root
        wake = parent.config.features.get("background_wake", False)
        # The agent's rollout has the end of this turn already: that line is the letter's.
        self._post.post(
            Letter(
                f"amsg_{turn_id or uuid7()}",
                "FINAL_ANSWER",
                agent.path,
                owner.path,
                owner.agent_id,
                final_text(agent.state),
                wake,
            )
        )


def _fork(request: SpawnRequest) -> Callable[[Sequence[ResponseItem]], tuple[ResponseItem, ...]] | None:
    """What an agent starts with of its parent's history; None is nothing."""
    if request.fork_context:
        return rollout.forkable
    if request.fork_turns == "none":
        return None
    return partial(said_in, turns=None if request.fork_turns == "all" else request.fork_turns)


class Control:
    """Implements `codex.ports.agents.AgentControl` for one thread."""

    def __init__(self, tree: AgentTree, thread_id: str, mailbox: Mailbox[Inbox], mail: ThreadMail | None) -> None:
        self.mail = mail
        self._tree = tree
        self._thread_id = thread_id
        self._mailbox = mailbox

    async def spawn(self, request: SpawnRequest) -> Spawned:
        """Start an agent below this thread."""
        return await self._tree.spawn(self._thread_id, self._mailbox, request)

    def below(self) -> Sequence[AgentInfo]:
        """All agents below this thread."""
        return self._tree.below(self._thread_id)

    async def wait(self, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets has ended."""
        return await self._tree.wait(self._thread_id, targets, within=within)

    async def send_input(self, target: str, message: str, *, interrupt: bool) -> str:
        """Hand a message to an agent."""
        return await self._tree.send_input(target, message, interrupt=interrupt)

    async def resume(self, target: str) -> AgentState:
        """Start a closed agent of this thread again."""
        return await self._tree.resume(self._thread_id, self._mailbox, target)

    async def close(self, target: str) -> AgentState:
        """End an agent and all below it."""
        return await self._tree.close(target)

    def state(self, target: str) -> AgentState:
        """Where an agent stands."""
        return self._tree.state(target)
