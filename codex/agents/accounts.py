"""What the agents of a tree may use and have used: reserved up the tree before, booked after.  Pure.

    open account --reserve--> reservation --settle--> used (and what was not used is free again)
    reserve over a limit, here or at any ancestor --> refused; nothing has changed
Law: at every account, used plus reserved is at most the limit, but for what a reservation was overdrawn by, which
`settle` tells; an account's use is its own plus that of all accounts ever opened below it.
Not decided here: how much a call may need (budgeted client), what becomes of an agent that is refused (tree).
"""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from codex.agents.prices import usd
from codex.base.frozen import frozen
from codex.protocol.budget import Budget

Resource: TypeAlias = Literal["tokens", "model_calls", "tool_calls", "nano_usd", "processes"]

RESOURCES: tuple[Resource, ...] = ("tokens", "model_calls", "tool_calls", "nano_usd", "processes")


@frozen
class Refused:
    """A reservation that would exceed a limit: whose limit it is, and how much of it is left."""

    account: str
    resource: Resource
    limit: int
    left: int
    wanted: int

    def __str__(self) -> str:
        left = max(self.left, 0)
        if self.resource == "nano_usd":
            return (
                f"the budget of {self.account} allows {usd(self.limit)}, {usd(left)} are left, and up to "
                f"{usd(self.wanted)} would be needed"
            )
        if self.resource == "processes":
            return f"the budget of {self.account} allows {self.limit} processes at once, and {left} more"
        return (
            f"the budget of {self.account} allows {self.limit} {self.resource}, {left} are left, "
            f"and {self.wanted} would be needed"
        )


@frozen
class Overrun:
    """A limit that was exceeded although the call had been reserved: more was used than it was allowed to.

    `used` counts what others have set aside, too.
    """

    account: str
    resource: Resource
    limit: int
    used: int

    def __str__(self) -> str:
        amounts = (
            f"{usd(self.limit)} and {usd(self.used)}"
            if self.resource == "nano_usd"
            else f"{self.limit} {self.resource} and {self.used}"
        )
        return (
            f"the budget of {self.account} allows {amounts} are used: the model answered at more length than it was "
            "allowed"
        )


@frozen
class Reservation:
    """Amounts that are set aside at an account and all above it."""

    number: int
    account: str
    amounts: Mapping[Resource, int]


@attrs.define
class _Account:
    name: str
    parent: "_Account | None"
    budget: Budget
    used: dict[Resource, int] = attrs.field(factory=lambda: dict.fromkeys(RESOURCES, 0))
    reserved: dict[Resource, int] = attrs.field(factory=lambda: dict.fromkeys(RESOURCES, 0))

    def limit(self, resource: Resource) -> int | None:
        limit: int | None = getattr(self.budget, resource)
        return limit

    def left(self, resource: Resource) -> int | None:
        limit = self.limit(resource)
        return None if limit is None else limit - self.used[resource] - self.reserved[resource]


class Accounts:
    """The accounts of one tree of agents, each below its parent's."""

    def __init__(self, root: str, budget: Budget) -> None:
        self._accounts: dict[str, _Account] = {root: _Account(root, None, budget)}
        self._reservations: dict[int, Reservation] = {}
        self._number = 0

    def open(self, account: str, parent: str, budget: Budget) -> None:
        """A new agent's account; an agent that comes back keeps what it has used."""
        known = self._accounts.get(account)
        if known is None:
            self._accounts[account] = _Account(account, self._accounts[parent], budget)
        else:
            known.budget = budget

    def above(self, path: str) -> str:
        """The account that one of this path is opened below; what is not accounted for is the root's."""
        parent = path.rpartition("/")[0]
        return parent if parent in self._accounts else next(iter(self._accounts))

    def carry(self, account: str, used: Mapping[Resource, int]) -> None:
        """Book what the account itself has used in an earlier run."""
        for owner in self._chain(account):
            for resource, amount in used.items():
                owner.used[resource] += amount

    def reserve(self, account: str, amounts: Mapping[Resource, int]) -> Reservation | Refused:
        """Set amounts aside at the account and all above it, or at none of them."""
        for owner in self._chain(account):
            for resource, wanted in amounts.items():
                left, limit = owner.left(resource), owner.limit(resource)
                if left is not None and limit is not None and wanted > left:
                    return Refused(owner.name, resource, limit, left, wanted)
        for owner in self._chain(account):
            for resource, wanted in amounts.items():
                owner.reserved[resource] += wanted
        self._number += 1
        reservation = Reservation(self._number, account, dict(amounts))
        self._reservations[reservation.number] = reservation
        return reservation

    def settle(self, reservation: Reservation, used: Mapping[Resource, int]) -> list[Overrun]:
        """Book what was really used and free the rest; a second time nothing happens.

        Returns the limits that are exceeded now, the account's own first.
        """
        if self._reservations.pop(reservation.number, None) is None:
            return []
        overruns: list[Overrun] = []
        for owner in self._chain(reservation.account):
            for resource, amount in reservation.amounts.items():
                owner.reserved[resource] -= amount
            for resource, amount in used.items():
                owner.used[resource] += amount
                limit, taken = owner.limit(resource), owner.used[resource] + owner.reserved[resource]
                overdrawn = amount > reservation.amounts.get(resource, 0)
                if limit is not None and (taken > limit if overdrawn else amount and owner.used[resource] > limit):
                    overruns.append(Overrun(owner.name, resource, limit, taken))
        return overruns

    def release(self, reservation: Reservation) -> None:
        """Free all of it: nothing was used."""
        self.settle(reservation, {})

    def close(self, account: str) -> None:
        """The agent has ended: what it, and all below it, still had set aside is free again. Its use stays booked."""
        for reservation in [*self._reservations.values()]:
            if any(owner.name == account for owner in self._chain(reservation.account)):
                self.release(reservation)

    def used(self, account: str) -> dict[Resource, int]:
        """What the account and all below it have used so far."""
        return dict(self._accounts[account].used)

    def reserved(self, account: str) -> dict[Resource, int]:
        """What the account and all below it have set aside."""
        return dict(self._accounts[account].reserved)

    def left(self, account: str, resource: Resource) -> int | None:
        """The most that can be set aside now; None where nothing limits it."""
        lefts = [left for owner in self._chain(account) if (left := owner.left(resource)) is not None]
        return min(lefts, default=None)

    def unused(self, account: str, resource: Resource) -> int | None:
        """The most that could be set aside if nothing else was; None where nothing limits it."""
        limits = ((owner, owner.limit(resource)) for owner in self._chain(account))
        return min((limit - owner.used[resource] for owner, limit in limits if limit is not None), default=None)

    def _chain(self, account: str) -> Iterator[_Account]:
        owner: _Account | None = self._accounts[account]
        while owner is not None:
            yield owner
            owner = owner.parent
