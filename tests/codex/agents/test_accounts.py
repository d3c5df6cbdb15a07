"""What a tree of agents may use: reserved before, booked after, limited at every level."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from codex.agents.accounts import RESOURCES, Accounts, Overrun, Refused, Reservation, Resource
from codex.protocol.budget import Budget


def reserved(accounts: Accounts, account: str, **amounts: int) -> Reservation:
    reservation = accounts.reserve(account, {name: amounts[name] for name in RESOURCES if name in amounts})
    assert isinstance(reservation, Reservation)
    return reservation


def family() -> Accounts:
    accounts = Accounts("/root", Budget(tokens=1_000))
    accounts.open("/root/a", "/root", Budget(tokens=600, model_calls=2))
    accounts.open("/root/a/b", "/root/a", Budget())
    return accounts


def test_what_a_child_may_use_is_the_smaller_of_its_own_and_what_is_left_above() -> None:
    accounts = family()
    reserved(accounts, "/root", tokens=700)
    assert accounts.left("/root/a", "tokens") == 300
    assert accounts.left("/root/a/b", "model_calls") == 2
    assert accounts.left("/root/a/b", "tool_calls") is None


def test_the_refusal_names_the_account_whose_limit_it_is() -> None:
    accounts = family()
    refused = accounts.reserve("/root/a/b", {"tokens": 601})
    assert refused == Refused("/root/a", "tokens", 600, 600, 601)
    assert str(refused) == ("the budget of /root/a allows 600 tokens, 600 are left, and 601 would be needed")
    assert accounts.reserved("/root") == accounts.reserved("/root/a/b") == dict.fromkeys(RESOURCES, 0)


def test_what_was_not_used_is_free_again_and_what_was_used_is_used_by_all_above() -> None:
    accounts = family()
    assert (
        accounts.settle(reserved(accounts, "/root/a/b", tokens=500, model_calls=1), {"tokens": 80, "model_calls": 1})
        == []
    )
    for account in ("/root", "/root/a", "/root/a/b"):
        assert (accounts.used(account)["tokens"], accounts.reserved(account)["tokens"]) == (80, 0)
    assert accounts.left("/root/a", "model_calls") == 1


def test_a_call_that_used_more_than_it_was_given_is_told_with_every_limit_it_broke() -> None:
    accounts = family()
    overruns = accounts.settle(reserved(accounts, "/root/a/b", tokens=600), {"tokens": 1_200})
    assert overruns == [Overrun("/root/a", "tokens", 600, 1_200), Overrun("/root", "tokens", 1_000, 1_200)]
    assert isinstance(accounts.reserve("/root/a", {"tokens": 1}), Refused)


def test_a_closed_agent_holds_nothing_and_its_use_stays() -> None:
    accounts = family()
    accounts.settle(reserved(accounts, "/root/a", tokens=10), {"tokens": 10})
    held = reserved(accounts, "/root/a/b", tool_calls=1, tokens=100)
    accounts.close("/root/a")
    assert accounts.reserved("/root") == dict.fromkeys(RESOURCES, 0)
    assert accounts.used("/root")["tokens"] == 10
    accounts.settle(held, {"tokens": 100})
    assert accounts.used("/root")["tokens"] == 10


def test_an_agent_that_comes_back_has_used_what_it_had_used() -> None:
    accounts = family()
    accounts.settle(reserved(accounts, "/root/a", tokens=500), {"tokens": 500})
    accounts.open("/root/a", "/root", Budget(tokens=600))
    assert accounts.left("/root/a", "tokens") == 100


@pytest.mark.parametrize("wrong", [{"tokens": -1}, {"seconds": -1}])
def test_a_limit_below_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"a limit is 0 or more, or None"):
        Budget(**wrong)  # pyright: ignore[reportArgumentType]


limits = st.none() | st.integers(0, 50)
amounts = st.dictionaries(st.sampled_from(RESOURCES), st.integers(0, 30), max_size=3)


class TreeOfAccounts(RuleBasedStateMachine):
    """Against a model that adds everything up anew."""

    accounts_ = Bundle("accounts_")
    open_reservations = Bundle("open_reservations")

    def __init__(self) -> None:
        super().__init__()
        self.budgets = {"/root": Budget(tokens=100, tool_calls=5)}
        self.accounts = Accounts("/root", self.budgets["/root"])
        self.reserved: dict[int, tuple[str, dict[Resource, int]]] = {}
        self.used: list[tuple[str, dict[Resource, int]]] = []
        self.overrun: set[tuple[str, Resource]] = set()

    @rule(target=accounts_)
    def root(self) -> str:
        return "/root"

    @rule(target=accounts_, parent=accounts_, tokens=limits, calls=limits, nano_usd=limits, processes=limits)
    def open(
        self, parent: str, tokens: int | None, calls: int | None, nano_usd: int | None, processes: int | None
    ) -> str:
        name = f"{parent}/{len(self.budgets)}"
        money = None if nano_usd is None else nano_usd / 1_000_000_000
        self.budgets[name] = Budget(tokens=tokens, model_calls=calls, usd=money, processes=processes)
        self.accounts.open(name, parent, self.budgets[name])
        return name

    @rule(target=open_reservations, account=accounts_, wanted=amounts)
    def reserve(self, account: str, wanted: dict[Resource, int]) -> Reservation | None:
        fits = all(
            limit is None or self.taken(owner, resource) + amount <= limit
            for owner in self.budgets
            if within(account, owner)
            for resource, amount in wanted.items()
            for limit in [getattr(self.budgets[owner], resource)]
        )
        found = self.accounts.reserve(account, wanted)
        assert isinstance(found, Reservation) == fits
        if isinstance(found, Refused):
            return None
        self.reserved[found.number] = (account, wanted)
        return found

    @rule(reservation=consumes(open_reservations), used=amounts)
    def settle(self, reservation: Reservation | None, used: dict[Resource, int]) -> None:
        if reservation is None:
            return
        overruns = self.accounts.settle(reservation, used)
        if self.reserved.pop(reservation.number, None) is None:
            assert overruns == []
            return
        self.used.append((reservation.account, used))
        self.overrun |= {(overrun.account, overrun.resource) for overrun in overruns}

    @rule(account=accounts_)
    def close(self, account: str) -> None:
        self.accounts.close(account)
        self.reserved = {number: kept for number, kept in self.reserved.items() if not within(kept[0], account)}

    def taken(self, account: str, resource: Resource) -> int:
        booked = [*self.reserved.values(), *self.used]
        return sum(amounts.get(resource, 0) for owner, amounts in booked if within(owner, account))

    @invariant()
    def every_account_is_the_sum_of_all_below_it(self) -> None:
        for account in self.budgets:
            used, held = self.accounts.used(account), self.accounts.reserved(account)
            assert {name: used[name] + held[name] for name in RESOURCES} == {
                name: self.taken(account, name) for name in RESOURCES
            }

    @invariant()
    def a_parents_account_is_its_own_use_and_that_of_its_children(self) -> None:
        for account in self.budgets:
            children = [name for name in self.budgets if name.rpartition("/")[0] == account]
            for resource in RESOURCES:
                own = sum(used.get(resource, 0) for owner, used in self.used if owner == account)
                below = sum(self.accounts.used(child)[resource] for child in children)
                assert self.accounts.used(account)[resource] == own + below

    @invariant()
    def no_limit_is_exceeded_without_a_word(self) -> None:
        for account, budget in self.budgets.items():
            for resource in RESOURCES:
                limit: int | None = getattr(budget, resource)
                if limit is not None and (account, resource) not in self.overrun:
                    assert self.taken(account, resource) <= limit


def within(account: str, owner: str) -> bool:
    return account == owner or account.startswith(owner + "/")


TestTreeOfAccounts = TreeOfAccounts.TestCase
