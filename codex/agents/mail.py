"""One thread's letters: what it may do with all agents of its tree."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

import codex.rollout as rollout
from codex.agents import addresses
from codex.agents.cancels import interrupt_turn
from codex.agents.changes import Changes
from codex.agents.news import refused
from codex.agents.post import PostOffice
from codex.agents.record import Agent
from codex.agents.registry import Registry
from codex.base.ids import uuid7
from codex.ports.agents import AgentFailure, Keep, Listed
from codex.protocol.item import AgentState
from codex.protocol.letter import Letter, LetterKind

if TYPE_CHECKING:
    from codex.threads import Thread, ThreadManager


class ThreadMail:
    """Implements `codex.ports.agents.Mail` for one thread of a tree.

    `wake` loads an agent's thread.
    """

    def __init__(
        self,
        thread_id: str,
        registry: Registry,
        manager: "ThreadManager",
        post: PostOffice,
        changes: Changes,
        wake: "Callable[[Agent], Awaitable[Thread]]",
    ) -> None:
        self._thread_id = thread_id
        self._registry = registry
        self._manager = manager
        self._post = post
        self._changes = changes
        self._wake = wake

    async def find(self, target: str) -> Listed:
        """The living agent that is meant."""
        return self._listed(addresses.find(self._living(), self._path, target))

    async def list(self, path_prefix: str | None) -> Sequence[Listed]:
        """All living agents, or those at and below a path."""
        return [self._listed(agent) for agent in addresses.at_and_below(self._living(), self._path, path_prefix)]

    async def send(self, target: str, text: str, *, kind: LetterKind, keep: Keep) -> None:
        """Write a letter."""
        agent = addresses.find(self._living(), self._path, target)
        task = kind == "NEW_TASK"
        if task and agent is self._registry.root:
            raise AgentFailure("Follow-up tasks can't target the root agent")
        if task and agent.agent_id == self._thread_id:
            raise AgentFailure("Follow-up tasks can't target yourself")
        self._post.check_room(agent.agent_id, agent.path)
        before = agent.state
        if task:
            self._registry.start_again(agent.agent_id)
        wake = task or self._wakes(agent)
        letter = Letter(f"amsg_{uuid7()}", kind, self._path, agent.path, agent.agent_id, text, wake=wake)
        try:
            if task:
                await self._wake(agent)
            # What the author's rollout has is brought: nothing may come in between. What a full disk refuses it will
            # have, too, since its writer holds on to that; the author hears of the disk by the next thing it does.
            with trio.CancelScope(shield=True), suppress(rollout.RolloutWriteError):
                await keep(letter)
        except BaseException:
            agent.state = before
            raise
        self._post.post(letter)

    def _wakes(self, agent: Agent) -> bool:
        """Whether a mere message starts a turn of an idle agent: what comes from below does, where that is on."""
        own, thread = self._registry.find(self._thread_id), self._thread(agent)
        below = own is not None and own.parent_id == agent.agent_id
        return below and thread is not None and thread.config.background_wake

    async def wait(self, *, within: float) -> bool:
        """Wait until there is anything new to read."""
        waits = self._post.waits
        if not self._is_spoken_to():
            at_work = self._at_work()
            circle = waits.enter(self._thread_id, at_work, self._post.with_news(at_work))
            if circle:
                raise refused([self._registry.path(agent_id) for agent_id in circle])
        try:
            return await self._post.wait(self._thread_id, within=within)
        finally:
            waits.leave(self._thread_id)

    def _is_spoken_to(self) -> bool:
        """Whether there is a conversation with the root: then its user can always say something."""
        root = self._thread(self._registry.root)
        return root is None or root.config.background_wake

    def _at_work(self) -> Sequence[str]:
        root = self._thread(self._registry.root)
        busy = root is not None and root.outbox.open_turn is not None
        return [*([self._registry.root.agent_id] if busy else ()), *self._registry.working]

    async def interrupt(self, target: str) -> AgentState:
        """End an agent's turn."""
        agent = addresses.find(self._living(), self._path, target)
        if agent is self._registry.root:
            raise AgentFailure("root is not a spawned agent")
        before, thread = agent.state, self._thread(agent)
        if thread is not None:
            await interrupt_turn(agent, thread, self._changes)
        return before

    def read(self, letter_ids: Collection[str], *, requested: bool) -> None:
        """The thread's rollout has these."""
        self._post.read(self._thread_id, letter_ids, requested=requested)

    def steered(self) -> None:
        """The user has said something."""
        self._post.steered(self._thread_id)

    @property
    def _path(self) -> str:
        return self._registry.path(self._thread_id)

    def _living(self) -> Sequence[Agent]:
        return [self._registry.root, *(agent for agent in self._registry.agents if not agent.closed)]

    def _thread(self, agent: Agent) -> "Thread | None":
        return self._manager.find(agent.agent_id)

    def _listed(self, agent: Agent) -> Listed:
        state = agent.state
        if agent is self._registry.root:
            thread = self._thread(agent)
            working = thread is not None and thread.outbox.open_turn is not None
            state = AgentState("running" if working else "completed")
        return Listed(agent.agent_id, agent.path, state)
