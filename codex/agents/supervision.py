"""A parent's care for its children: those that failed are started again, those that fell silent are ended."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Never

import trio

from actors import ActorGone, AskTimeout, Mailbox
from codex.agents.record import Agent
from codex.agents.registry import Registry
from codex.agents.restarts import Restarts
from codex.agents.roles import kept_role
from codex.base.errors import CodexError
from codex.config.role import Role
from codex.config.schema import Config
from codex.ports.agents import FAILURES
from codex.protocol.event import Warning
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.user_input import TextInput
from codex.session import Inbox
from codex.threads import Thread, ThreadManager


class Supervision:
    """Supervises the agents of one tree, each parent's on its own.

    Args:
      mailboxes: those of the sessions of all threads that live; what is done for a child is done below its parent.
      resume: loads a child's thread again where it has ended. `begin_anew` starts another one in a child's place.
      lost: is told of a child that was to start again and could not.
    """

    def __init__(
        self,
        manager: ThreadManager,
        registry: Registry,
        mailboxes: Mapping[str, Mailbox[Inbox]],
        *,
        resume: Callable[[str, Mailbox[Inbox], str], Awaitable[object]],
        begin_anew: Callable[[Agent, Mailbox[Inbox]], Awaitable[None]],
        lost: Callable[[str], None],
    ) -> None:
        self._manager = manager
        self._registry = registry
        self._mailboxes = mailboxes
        self._resume = resume
        self._begin_anew = begin_anew
        self._lost = lost
        self._restarts: dict[str, Restarts] = {}
        self._watched: dict[str, Mailbox[Inbox]] = {}

    def ended(self, agent: Agent) -> bool:
        """The work of an agent has ended. Whether it will be started again; then nobody is told of its end."""
        parent, mailbox = self._manager.find(agent.parent_id), self._mailboxes.get(agent.parent_id)
        if parent is None or mailbox is None or not parent.alive:
            return False
        if agent.parent_id not in self._restarts:
            config = parent.config
            restarts = Restarts(max_restarts=config.max_restarts, period=float(config.restart_period_seconds))
            self._restarts[agent.parent_id] = restarts
        restarts = self._restarts[agent.parent_id]
        if agent.cause not in FAILURES:
            restarts.ended_well(agent.path)
            return False
        role = kept_role(parent.config, agent.role)
        match restarts.failed(agent.path, role.restart, now=trio.current_time()):
            case "given up":
                return False
            case "escalated":
                self._escalate(agent, parent)
                return False
            case wait:
                work = partial(self._start_again, agent=agent, wait=wait, mailbox=mailbox, role=role)
                return self._do(mailbox, work, f"restart-{agent.nickname}") and (agent.revive() or True)

    def watch(self, parent_id: str) -> None:
        """See that the children of this thread do not fall silent for ever."""
        mailbox = self._mailboxes.get(parent_id)
        parent = self._manager.find(parent_id)
        if mailbox is not None and parent is not None and self._watched.get(parent_id) is not mailbox:
            self._watched[parent_id] = mailbox
            self._do(mailbox, partial(self._watch, parent=parent, mailbox=mailbox), "liveness")

    def forget(self, parent_id: str) -> None:
        """The thread has ended, and its children with it."""
        self._watched.pop(parent_id, None)
        self._restarts.pop(parent_id, None)

    def _do(self, mailbox: Mailbox[Inbox], work: Callable[[Mailbox[Never]], Awaitable[None]], name: str) -> bool:
        try:
            mailbox.spawn(work, name=name, shutdown=0)
        except ActorGone:
            return False
        return True

    def _escalate(self, agent: Agent, parent: Thread) -> None:
        """The agent fails more often than its parent starts it again: the parent fails too, or its user is told."""
        config = parent.config
        allowed = f"{config.max_restarts} times in {config.restart_period_seconds} s"
        reason = f"{agent.path} failed again after the agents here were started again {allowed}: {agent.state.message}"
        above = self._registry.record(parent.thread_id)
        if above is None:
            parent.outbox.publish([Warning(reason)])
            return
        grandparent = self._mailboxes.get(above.parent_id)
        if grandparent is not None and above.doom is None:
            above.doom = ("crashed", reason)
            self._do(grandparent, partial(_stop, thread=parent), f"escalate-{above.nickname}")

    async def _start_again(
        self, _mailbox: Mailbox[Never], *, agent: Agent, wait: float, mailbox: Mailbox[Inbox], role: Role
    ) -> None:
        """Start an agent again after a while, unless somebody has ended it or given it more to do."""
        await trio.sleep(wait)
        if not agent.reviving:
            return
        cause = agent.cause
        try:
            if role.restart_history or agent.request is None:
                await self._resume(agent.parent_id, mailbox, agent.agent_id)
                thread = self._manager.find(agent.agent_id)
                if thread is not None:
                    await thread.submit(TurnInput((TextInput(_go_on(cause)),)))
            else:
                await self._begin_anew(agent, mailbox)
        except CodexError as error:
            if agent.reviving:
                agent.fail("crashed", f"it could not be started again: {error}")
                self._lost(agent.agent_id)

    async def _watch(self, _mailbox: Mailbox[Never], *, parent: Thread, mailbox: Mailbox[Inbox]) -> None:
        """End the turns of children whose model is silent for too long."""
        longest = min(_limits(parent.config), default=float(parent.config.stall_seconds))
        while True:
            now = trio.current_time()
            wake_at = now + longest
            for agent in self._registry.children(parent.thread_id):
                since = agent.liveness.silent_since()
                if since is None or agent.closed or agent.doom is not None:
                    continue
                limit = _limit(parent.config, agent)
                if since + limit > now:
                    wake_at = min(wake_at, since + limit)
                else:
                    agent.doom = ("stalled", f"it was ended: its model said nothing for {limit:g} s")
                    self._do(mailbox, partial(self._interrupt, agent=agent), f"stalled-{agent.nickname}")
            await trio.sleep_until(wake_at)

    async def _interrupt(self, _mailbox: Mailbox[Never], *, agent: Agent) -> None:
        """End the turn of an agent, or its thread where that does not listen any more."""
        thread = self._manager.find(agent.agent_id)
        if thread is None:
            return
        try:
            await thread.submit(Interrupt())
        except (CodexError, AskTimeout):
            await thread.stop()


async def _stop(_mailbox: Mailbox[Never], *, thread: Thread) -> None:
    await thread.stop()


def _limit(config: Config, agent: Agent) -> float:
    return float(kept_role(config, agent.role).stall_seconds or config.stall_seconds)


def _limits(config: Config) -> list[float]:
    """All that may count for agents below a thread with these settings."""
    of_roles = [role.stall_seconds for role in config.roles.values()]
    return [float(limit) for limit in (config.stall_seconds, *of_roles) if limit is not None]


def _go_on(cause: str | None) -> str:
    return (
        f"Your last turn was cut off ({cause or 'failed'}), and you were started again. Look first at what is done "
        "already, then go on with your task and give its whole result."
    )
