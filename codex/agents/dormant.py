"""Agents of the tree that are not loaded as threads: those of an earlier run, until somebody speaks to them."""

from collections.abc import Callable, Mapping

import trio

from actors import Mailbox
from codex.agents.metering import Metering
from codex.agents.placed import placed
from codex.agents.record import Agent
from codex.agents.registry import Registry
from codex.agents.restore import Settings
from codex.agents.roles import agent_config, kept_role
from codex.base.errors import CodexError
from codex.ports.agents import AgentFailure
from codex.session import Identity, Inbox
from codex.threads import Thread, ThreadManager

_LOADED_WITHIN = 30.0
_UNKNOWN = Settings()


class Dormant:
    """Loads agents from their rollouts, each after the agents above it, once however many ask for it.

    Args:
      mailboxes: those of the sessions of all threads that live, below which agents are loaded.
      loaded: is told of every thread that was.
    """

    def __init__(
        self,
        manager: ThreadManager,
        registry: Registry,
        metering: Metering,
        mailboxes: Mapping[str, Mailbox[Inbox]],
        loaded: Callable[[Thread], None],
    ) -> None:
        self._manager = manager
        self._registry = registry
        self._metering = metering
        self._mailboxes = mailboxes
        self._loaded = loaded
        self._settings: dict[str, Settings] = {}
        self._loading: dict[str, trio.Event] = {}

    def know(self, settings: Mapping[str, Settings]) -> None:
        """What agents of an earlier run worked with, by their ids."""
        self._settings.update(settings)

    def model(self, agent_id: str) -> str:
        """The model it worked with last; empty where that is not known."""
        return self._settings.get(agent_id, _UNKNOWN).model or ""

    def ended(self, thread: Thread) -> None:
        """The agent's thread has ended; it can be loaded again with what it worked with."""
        config = thread.config
        stored = thread.rollout_path is not None
        role = thread.identity.role
        settings = Settings(config.model, config.model_reasoning_effort, role, stored=stored)
        self._settings[thread.thread_id] = settings

    async def wake(self, agent: Agent) -> Thread:
        """The agent's thread, loaded now where it is not; nothing starts in it.

        Cancel-safe: cancelled, it may be loaded later. Raises: AgentFailure when it cannot be loaded in time.
        """
        while agent.agent_id in self._loading:
            await self._loading[agent.agent_id].wait()
        thread = self._manager.find(agent.agent_id)
        if thread is not None and thread.alive:
            return thread
        done = self._loading[agent.agent_id] = trio.Event()
        try:
            with trio.move_on_after(_LOADED_WITHIN):
                return await self._wake_below(agent)
        except CodexError as error:
            raise AgentFailure(f"{agent.path} cannot be resumed: {error}") from error
        finally:
            del self._loading[agent.agent_id]
            done.set()
        raise AgentFailure(f"{agent.path} cannot be resumed: it did not start within {_LOADED_WITHIN:g} s")

    async def _wake_below(self, agent: Agent) -> Thread:
        parent = self._registry.find(agent.parent_id)
        if parent is not None:
            await self.wake(parent)
        mailbox = self._mailboxes.get(agent.parent_id)
        if mailbox is None:
            raise AgentFailure(f"the agent above it, {agent.path.rpartition('/')[0]}, has ended")
        thread = await self.load(agent, mailbox)
        self._loaded(thread)
        return thread

    async def load(self, agent: Agent, mailbox: Mailbox[Inbox]) -> Thread:
        """Start the thread of an agent again, below the session that the mailbox is of.

        Cancel-safe: cancelled, it was not started. Raises: CodexError when its rollout cannot be read.
        """
        settings = self._settings.get(agent.agent_id, _UNKNOWN)
        identity = Identity(
            agent.agent_id,
            self._registry.root.agent_id,
            parent_id=agent.parent_id,
            agent_path=agent.path,
            nickname=agent.nickname,
            depth=agent.depth,
            role=agent.role,
        )
        parent = self._manager.find(agent.parent_id)
        if parent is None:
            raise AgentFailure(f"the agent above it, {agent.path.rpartition('/')[0]}, has ended")
        role = kept_role(parent.config, agent.role)
        config = agent_config(
            parent.config,
            role,
            model=settings.model,
            reasoning_effort=settings.reasoning_effort,
            tmpdir=self._manager.services.environ.get("TMPDIR"),
        )
        return await self._manager.resume_child(
            identity,
            mailbox,
            config=config,
            stored=settings.stored,
            services=self._metering.of(agent.parent_id, agent.path, agent.budget),
            placement=placed(self._manager, parent.config, role, agent.placement),
        )
