"""The agents of one root thread at work: which there are, what they do, and what follows from their events."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import trio

from actors import Mailbox
from codex.agents.admission import Admission
from codex.agents.cancels import interrupt_subtree, interrupt_turn
from codex.agents.changes import Changes
from codex.agents.ends import Ends
from codex.agents.limits import TreeLimits
from codex.agents.mail import ThreadMail
from codex.agents.metering import Metering
from codex.agents.post import PostOffice
from codex.agents.record import NO_BUDGET, Agent, is_final
from codex.agents.registry import Registry
from codex.agents.waits import Waits, refused
from codex.base.jsontext import JsonObject
from codex.ports.agents import AgentFailure, AgentInfo, Spawned, SpawnRequest, Waited
from codex.protocol.budget import Budget
from codex.protocol.event import EventMsg, ShutdownComplete
from codex.protocol.item import AgentState
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.user_input import TextInput
from codex.session import Inbox, Services
from codex.threads import Thread, ThreadManager

if TYPE_CHECKING:
    from codex.agents.dormant import Dormant
    from codex.agents.restore import RestoredTree
    from codex.agents.starts import Starts
    from codex.agents.supervision import Supervision

_CLOSE_WITHIN = 30.0


class AgentTree:
    """All sub-agents of one root thread, shared by the threads of the tree.

    Args:
      limits: what the configuration allows, and which generation of tools the agents have.
      budget: the root thread's own, which limits all agents too.
      restored: the tree as an earlier run has left it.
    """

    def __init__(
        self,
        manager: ThreadManager,
        root_id: str,
        limits: TreeLimits,
        *,
        budget: Budget = NO_BUDGET,
        restored: "RestoredTree | None" = None,
    ) -> None:
        self._manager = manager
        self._limits = limits
        self._registry = Registry(
            root_id, max_agents=limits.max_agents, max_depth=limits.max_depth, limit=limits.limit, budget=budget
        )
        self._restored = restored
        self._registry.adopt(restored.agents if restored else ())
        self._post = PostOffice(restored.letters if restored else None) if limits.generation == "v2" else None
        self._mailboxes: dict[str, Mailbox[Inbox]] = {}
        self._threads: dict[str, Thread] = {}
        self._changes = Changes()
        self._admission = Admission(self._registry)
        self._metering = Metering(manager, self._registry, limits.model_prices, restored)
        self._ends = Ends(manager, self._registry, self._post)
        self._opened_starts: Starts | None = None
        self._opened_dormant: Dormant | None = None
        self._opened_supervision: Supervision | None = None
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

    def may_spawn(self, thread_id: str) -> bool:
        """Whether the depth lets this thread have children."""
        return self._registry.may_spawn(thread_id)

    def open_mail(self, thread_id: str, mailbox: Mailbox[Inbox]) -> ThreadMail | None:
        """A thread's letters, from now on brought to its session; None in the first generation."""
        self._mailboxes[thread_id] = mailbox
        if self._post is None:
            return None
        mail = self._mail(thread_id, self._post)
        self._post.open(thread_id, mailbox)
        return mail

    def _mail(self, thread_id: str, post: PostOffice) -> ThreadMail:
        return ThreadMail(thread_id, self._registry, self._manager, post, self._changes, self.wake)

    def root_services(self) -> Services | None:
        """What the root thread works with where its budget limits its use; None where it does not."""
        return self._metering.root()

    def state(self, target: str) -> AgentState:
        """Where an agent stands."""
        agent = self._registry.find(target)
        return agent.state if agent else AgentState("not_found")

    def below(self, thread_id: str) -> Sequence[AgentInfo]:
        """All agents below a thread, each after its parent."""
        used = self._registry.usage_below()
        below = {agent.agent_id for agent in self._registry.below(thread_id)} - {thread_id}
        return [
            AgentInfo(
                agent.agent_id,
                agent.parent_id,
                agent.path,
                agent.nickname,
                agent.role or "default",
                self._model(agent.agent_id),
                agent.state,
                agent.budget,
                agent.usage,
                used[agent.agent_id],
                self._metering.cost(self._model(agent.agent_id), agent.usage),
                agent.cause,
                agent.last_words,
                agent.last_action,
                agent.restarts,
                agent.replaced_by,
                agent.detached,
            )
            for agent in self._registry.agents
            if agent.agent_id in below
        ]

    async def spawn(self, parent_id: str, mailbox: Mailbox[Inbox], request: SpawnRequest) -> Spawned:
        """Start a child of a thread. Cancelled, or over its deadline, nothing is left of it."""
        return await self._starts.spawn(parent_id, mailbox, request)

    async def resume(self, parent_id: str, mailbox: Mailbox[Inbox], target: str) -> AgentState:
        """Start a closed child of a thread again. Cancelled, or over its deadline, nothing is left of it."""
        agent, ended = self._registry.find(target), self._threads.get(target)
        if agent is None or agent.parent_id != parent_id:
            raise AgentFailure(f"agent with id {target} not found")
        if not agent.closed and (ended is None or ended.alive):
            await self.wake(agent)
            return agent.state
        parent = self._manager.find(parent_id)
        if parent is not None and parent.config.ephemeral:
            raise AgentFailure(f"agent with id {target} cannot be resumed: this session keeps nothing on disk")
        await self._starts.resume(parent_id, mailbox, agent, self._dormant.load)
        return self.state(target)

    async def wake(self, agent: Agent) -> Thread:
        """The thread of an agent that was not closed, loaded now where it is not; nothing starts in it.

        Cancel-safe: cancelled, it may be loaded later. Raises: AgentFailure when it cannot be loaded.
        """
        return self._manager.find(agent.agent_id) or await self._dormant.wake(agent)

    async def wake_for_tasks(self) -> None:
        """Load the agents to which a task is under way: they start on it, as far as there are places."""
        for agent in self.agents:
            if (
                self._post
                and not agent.closed
                and any(one.kind == "NEW_TASK" for one in self._post.unread(agent.agent_id))
            ):
                with suppress(AgentFailure):  # the letter stays under way
                    self._registry.start_again(agent.agent_id)
                    await self.wake(agent)

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
                    await self._changes.wait([*targets, *self._current(targets)])
                    final = self._final(targets)
        finally:
            self._waits.leave(entered)
        return Waited(final, timed_out=not final)

    async def send_input(
        self, target: str, message: str, *, interrupt: bool, output_schema: JsonObject | None = None
    ) -> str:
        """Hand a message to an agent."""
        thread = await self._spoken_to(target)
        agent = self._registry.find(target)
        if interrupt:
            if agent is not None:
                agent.interrupted_for()
            await thread.submit(Interrupt())
        if agent is not None and is_final(agent.state):
            agent.state = AgentState("running")
        return await thread.submit(TurnInput((TextInput(message),), output_schema=output_schema))

    async def interrupt(self, target: str, *, subtree: bool) -> AgentState:
        """End an agent's turn, or all work of its subtree; where it stood before."""
        agent = self._found(target)
        before = agent.state
        if subtree:
            await interrupt_subtree(agent, self._registry, self._manager, self._changes)
        else:
            agent.interrupted()
            thread = self._manager.find(agent.agent_id)
            if thread is not None:
                await interrupt_turn(agent, thread, self._changes)
        self._admission.hand_out()
        return before

    async def detach(self, target: str) -> AgentState:
        """Let an agent belong to the root thread."""
        agent, root = self._found(target), self._mailboxes.get(self._registry.root.agent_id)
        if root is None or agent.closed:
            raise AgentFailure(f"{agent.path} is closed; resume it first")
        await self._starts.detach(agent, root)
        self._supervision.watch(agent.parent_id)
        self._changes.tell(agent.agent_id)
        self._admission.hand_out()
        return agent.state

    async def close(self, target: str) -> AgentState:
        """End an agent and all below it."""
        agent = self._found(target)
        target = agent.agent_id
        agent.give_up_reviving()
        before, above = agent.state, self._mailboxes.get(agent.parent_id)
        if above is not None and not agent.closed:
            await self._starts.keep_closed(above, agent)
        for one in self._registry.below(target):
            thread = self._manager.find(one.agent_id)
            if thread is not None:
                await thread.stop()
            else:
                self._told(one.agent_id, ShutdownComplete())
        with trio.move_on_after(_CLOSE_WITHIN):
            while not agent.closed:
                await self._changes.wait((target,))
        return before

    @property
    def _starts(self) -> "Starts":
        if self._opened_starts is None:
            from codex.agents.starts import Starts

            self._opened_starts = Starts(
                self._manager,
                self._registry,
                self._admission,
                self._metering,
                self._post,
                self._changes,
                self._follow,
                self.wake,
            )
        return self._opened_starts

    @property
    def _supervision(self) -> "Supervision":
        if self._opened_supervision is None:
            from codex.agents.supervision import Supervision

            self._opened_supervision = Supervision(
                self._manager,
                self._registry,
                self._mailboxes,
                resume=self.resume,
                begin_anew=self._begin_anew,
                lost=self._lost,
            )
        return self._opened_supervision

    async def _begin_anew(self, agent: Agent, mailbox: Mailbox[Inbox]) -> None:
        await self._starts.begin_anew(agent, mailbox)
        self._changes.tell(agent.agent_id)

    @property
    def _dormant(self) -> "Dormant":
        if self._opened_dormant is None:
            from codex.agents.dormant import Dormant

            self._opened_dormant = Dormant(self._manager, self._registry, self._metering, self._mailboxes, self._loaded)
            if self._restored is not None:
                self._opened_dormant.know(self._restored.settings)
        return self._opened_dormant

    def _model(self, agent_id: str) -> str:
        thread = self._threads.get(agent_id)
        return (thread.config.model or "") if thread is not None else self._dormant.model(agent_id)

    def _follow(self, thread: Thread, record: Agent) -> None:
        self._registry.commit(record)
        self._loaded(thread)
        self._changes.tell(record.agent_id)

    def _loaded(self, thread: Thread) -> None:
        self._threads[thread.thread_id] = thread
        thread.outbox.listen(partial(self._told, thread.thread_id))
        if thread.identity.parent_id is not None:
            self._supervision.watch(thread.identity.parent_id)

    def _told(self, agent_id: str, msg: EventMsg) -> None:
        agent = self._registry.record(agent_id)
        if agent is None:
            return
        agent.liveness.told(msg, trio.current_time())
        told = agent.told(msg)
        if told == "nothing":
            return
        # Before anybody else looks: who is to start again has not ended.
        again = told == "ended" and self._supervision.ended(agent)
        self._changes.tell(agent_id)
        if self._opened_starts is not None and not agent.working:
            self._opened_starts.work_ended(agent_id)
        if agent.closed:
            self._metering.close(agent.path)
            if self._post is not None:
                self._post.close(agent_id)
            self._forget(agent_id)
        self._admission.hand_out()
        if told == "ended" and not again:
            self._ends.announce(agent_id, getattr(msg, "turn_id", None))

    def _forget(self, agent_id: str) -> None:
        """Of an agent that has ended, only its record and what it worked with are kept."""
        thread = self._threads.get(agent_id)
        if thread is not None and not thread.alive:
            self._dormant.ended(thread)
            del self._threads[agent_id]
            self._mailboxes.pop(agent_id, None)
            self._supervision.forget(agent_id)

    def _lost(self, agent_id: str) -> None:
        """An agent that was to start again could not."""
        self._changes.tell(agent_id)
        self._admission.hand_out()
        self._ends.announce(agent_id)

    def _current(self, targets: Sequence[str]) -> list[str]:
        """The agents that began anew in the place of these, or themselves."""
        found = [self._registry.find(target) for target in targets]
        return [agent.agent_id for agent in found if agent is not None]

    def _final(self, targets: Sequence[str]) -> dict[str, AgentState]:
        states = {target: self.state(target) for target in targets}
        return {target: state for target, state in states.items() if is_final(state)}

    async def _spoken_to(self, target: str) -> Thread:
        agent = self._registry.find(target)
        thread = None if agent is None or agent.closed else await self.wake(agent)
        if thread is None or not thread.alive:
            raise AgentFailure(f"agent with id {target} not found")
        return thread

    def _found(self, target: str) -> Agent:
        agent = self._registry.find(target)
        if agent is None:
            raise AgentFailure(f"agent with id {target} not found")
        return agent
