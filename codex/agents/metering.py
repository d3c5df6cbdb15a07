"""The accounts of one tree, opened where a budget limits what its agents use."""

from typing import TYPE_CHECKING

from codex.agents.registry import Registry
from codex.protocol.budget import Budget
from codex.protocol.event import Warning
from codex.protocol.usage import TokenUsage
from codex.session import Services
from codex.threads import ThreadManager

if TYPE_CHECKING:
    from codex.agents.metered import Till
    from codex.agents.prices import Prices
    from codex.agents.restore import RestoredTree


class Metering:
    """Gives threads services that book what they use, and tells those who watch of what was exceeded.

    `restored` has what was used in an earlier run, `prices` are those of the configuration.
    """

    def __init__(
        self, manager: ThreadManager, registry: Registry, prices: "Prices", restored: "RestoredTree | None" = None
    ) -> None:
        self._manager = manager
        self._registry = registry
        self._prices = prices
        self._restored = restored
        self._till: Till | None = None

    def root(self) -> Services | None:
        """What the root thread works with where its budget limits its use; None where it does not."""
        return self._services("/root") if self._registry.root.budget.limits_use else None

    def of(self, parent_id: str, path: str, budget: Budget) -> Services | None:
        """What an agent works with where anything limits its use; None where nothing does."""
        owners = [*self._registry.upwards(parent_id)]
        if not any(limits.limits_use for limits in (budget, *(owner.budget for owner in owners))):
            return None
        accounts = self._opened().accounts
        for owner in reversed(owners[:-1]):
            accounts.open(owner.path, accounts.above(owner.path), owner.budget)
        accounts.open(path, accounts.above(path), budget)
        return self._services(path)

    def close(self, path: str) -> None:
        """The agent has ended: what it had set aside is free again."""
        if self._till is not None:
            self._till.accounts.close(path)
            self._till.freed.tell()

    def cost(self, model: str, usage: TokenUsage) -> float | None:
        """What the use of a model costs, in USD; None where its price is not known."""
        if model not in self._prices:
            return None
        from codex.agents.prices import in_usd, price_of

        price = price_of(self._prices, model)
        return None if price is None else in_usd(price.nano_usd(usage))

    def _services(self, path: str) -> Services:
        from codex.agents.metered import metered

        return metered(self._manager.services, self._opened(), path)

    def _opened(self) -> "Till":
        if self._till is None:
            from codex.agents.accounts import Accounts
            from codex.agents.metered import Till

            accounts = Accounts("/root", self._registry.root.budget)
            if self._restored is not None:
                self._restored.carry_on(accounts, self._prices)
            self._till = Till(accounts, self._prices, self._warn)
        return self._till

    def _warn(self, path: str, text: str) -> None:
        """Tell those who watch the agent, and those who watch its parent."""
        for agent in (self._registry.root, *self._registry.agents):
            if agent.path == path:
                for thread_id in (agent.agent_id, agent.parent_id):
                    thread = self._manager.find(thread_id)
                    if thread is not None:
                        thread.outbox.publish([Warning(text)])
