"""The agents of one root thread at work: started below their parents, followed by their events."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio

from actors import Mailbox
from codex.agents.registry import Agent, Registry, is_final
from codex.base.errors import UserError
from codex.context import subagent_notification
from codex.ports.agents import AgentFailure, Spawned, Waited, state_json
from codex.protocol.event import EventMsg
from codex.protocol.item import AgentState
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.user_input import TextInput
from codex.session import Inbox
from codex.threads import Thread, ThreadManager

_SPAWN_WITHIN = 30.0


class AgentTree:
    """All sub-agents of one root thread, shared by the threads of the tree."""

    def __init__(self, manager: ThreadManager, root_id: str, *, max_agents: int, max_depth: int) -> None:
        self._manager = manager
        self._registry = Registry(root_id, max_agents=max_agents, max_depth=max_depth)
        self._threads: dict[str, Thread] = {}
        self._changed = trio.Event()

    @property
    def agents(self) -> Sequence[Agent]:
        """The records of all agents, in the order of their start."""
        return tuple(self._registry.agents)

    def control(self, thread_id: str, mailbox: Mailbox[Inbox]) -> "Control | None":
        """What the tools of one thread may do with agents; None where the depth forbids them."""
        return Control(self, thread_id, mailbox) if self._registry.may_spawn(thread_id) else None

    def state(self, target: str) -> AgentState:
        """Where an agent stands."""
        agent = self._registry.find(target)
        return agent.state if agent else AgentState("not_found")

    async def spawn(
        self,
        parent_id: str,
        mailbox: Mailbox[Inbox],
        message: str,
        *,
        model: str | None,
        reasoning_effort: str | None,
        fork_context: bool,
    ) -> Spawned:
        """Start a child of a thread. Cancelled, or over its deadline, nothing is left of it."""
        self._registry.reserve(parent_id)
        nickname = self._registry.nickname()
        path, depth = self._registry.path(parent_id, nickname), self._registry.depth(parent_id) + 1
        start = partial(
            self._manager.start_child,
            parent_id,
            mailbox,
            nickname=nickname,
            agent_path=path,
            depth=depth,
            model=model,
            reasoning_effort=reasoning_effort,
            fork_context=fork_context,
        )
        thread = await self._begin(start, parent_id, nickname, path, TurnInput((TextInput(message),)))
        return Spawned(thread.thread_id, nickname)

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
        try:
            await self._begin(
                partial(self._manager.resume_child, ended, mailbox), parent_id, agent.nickname, agent.path
            )
        except UserError as error:
            raise AgentFailure(f"agent with id {target} cannot be resumed: {error}") from error
        return self.state(target)

    async def _begin(
        self,
        start: Callable[[], Awaitable[Thread]],
        parent_id: str,
        nickname: str,
        path: str,
        task: TurnInput | None = None,
    ) -> Thread:
        """Start an agent for which a place is reserved, and follow it. On any failure nothing is left of it."""
        thread: Thread | None = None
        committed = False
        try:
            with trio.move_on_after(_SPAWN_WITHIN) as scope:
                thread = await start()
                depth = self._registry.depth(parent_id) + 1
                self._registry.commit(Agent(thread.thread_id, parent_id, nickname, path, depth))
                committed = True
                self._threads[thread.thread_id] = thread
                thread.outbox.listen(partial(self._told, thread.thread_id))
                if task is not None:
                    await thread.submit(task)
            if scope.cancelled_caught:
                raise AgentFailure(f"collab spawn failed: the agent did not start within {_SPAWN_WITHIN:g} s")
        except BaseException:
            if not committed:
                self._registry.release()
            if thread is not None:
                with trio.move_on_after(_SPAWN_WITHIN, shield=True):
                    await thread.stop()
            raise
        assert thread is not None
        return thread

    async def wait(self, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets is final. Cancel-safe."""
        with trio.move_on_after(within):
            while True:
                states = {target: self.state(target) for target in targets}
                final = {target: state for target, state in states.items() if is_final(state)}
                if final:
                    return Waited(final, timed_out=False)
                await self._changed.wait()
        return Waited({}, timed_out=True)

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
        return before

    def _living(self, target: str) -> Thread:
        thread = self._manager.find(target)
        if self._registry.find(target) is None or thread is None or not thread.alive:
            raise AgentFailure(f"agent with id {target} not found or closed; known: {self._known()}")
        return thread

    def _known(self) -> str:
        return ", ".join(agent.agent_id for agent in self._registry.agents if not agent.closed) or "none"

    def _told(self, agent_id: str, msg: EventMsg) -> None:
        ended = self._registry.told(agent_id, msg)
        changed, self._changed = self._changed, trio.Event()
        changed.set()
        agent = self._registry.find(agent_id)
        if ended and agent is not None and agent.state.status != "shutdown":
            parent = self._manager.find(agent.parent_id)
            if parent is not None:
                parent.inject_nowait([subagent_notification(agent_id, state_json(agent.state))])


class Control:
    """Implements `codex.ports.agents.AgentControl` for one thread."""

    def __init__(self, tree: AgentTree, thread_id: str, mailbox: Mailbox[Inbox]) -> None:
        self._tree = tree
        self._thread_id = thread_id
        self._mailbox = mailbox

    async def spawn(
        self, message: str, *, model: str | None, reasoning_effort: str | None, fork_context: bool
    ) -> Spawned:
        """Start an agent below this thread."""
        return await self._tree.spawn(
            self._thread_id,
            self._mailbox,
            message,
            model=model,
            reasoning_effort=reasoning_effort,
            fork_context=fork_context,
        )

    async def wait(self, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets has ended."""
        return await self._tree.wait(targets, within=within)

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
