"""The accounts of one tree, opened where a budget limits what its agents use."""

from functools import partial
from typing import TYPE_CHECKING

from codex.agents.registry import Registry
from codex.protocol.budget import Budget
from codex.protocol.event import Warning
from codex.session import Services
from codex.threads import ThreadManager

if TYPE_CHECKING:
    from codex.agents.accounts import Accounts
    from codex.agents.restore import RestoredTree


class Metering:
    """Gives threads services that book what they use, and tells those who watch of what was exceeded.

    `restored` has what was used in an earlier run.
    """

    def __init__(self, manager: ThreadManager, registry: Registry, restored: "RestoredTree | None" = None) -> None:
        self._manager = manager
        self._registry = registry
        self._restored = restored
        self._accounts: Accounts | None = None

    def root(self) -> Services | None:
        """What the root thread works with where its budget limits its use; None where it does not."""
        return self._services("/root") if self._registry.root.budget.limits_use else None

    def of(self, parent_id: str, path: str, budget: Budget) -> Services | None:
        """What an agent works with where anything limits its use; None where nothing does."""
        owners = [*self._registry.upwards(parent_id)]
        if not any(limits.limits_use for limits in (budget, *(owner.budget for owner in owners))):
            return None
        accounts = self._opened()
        for owner in reversed(owners[:-1]):
            accounts.open(owner.path, owner.path.rpartition("/")[0], owner.budget)
        accounts.open(path, path.rpartition("/")[0], budget)
        return self._services(path)

    def close(self, path: str) -> None:
        """The agent has ended: what it had set aside is free again."""
        if self._accounts is not None:
            self._accounts.close(path)

    def _services(self, path: str) -> Services:
        from codex.agents.metered import metered

        return metered(self._manager.services, self._opened(), path, partial(self._warn, path))

    def _opened(self) -> "Accounts":
        if self._accounts is None:
            from codex.agents.accounts import Accounts

            self._accounts = Accounts("/root", self._registry.root.budget)
            if self._restored is not None:
                self._restored.carry_on(self._accounts)
        return self._accounts

    def _warn(self, path: str, text: str) -> None:
        """Tell those who watch the agent, and those who watch its parent."""
        for agent in (self._registry.root, *self._registry.agents):
            if agent.path == path:
                for thread_id in (agent.agent_id, agent.parent_id):
                    thread = self._manager.find(thread_id)
                    if thread is not None:
                        thread.outbox.publish([Warning(text)])
