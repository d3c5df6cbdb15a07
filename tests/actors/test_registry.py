"""Names for refs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from actors import ActorGone, Mailbox, NameTaken, Ref, Registry, open_runtime
from actors.testing import dead_ref


async def idle(mailbox: Mailbox[Any]) -> None:
    async for _ in mailbox:
        pass


async def test_a_name_finds_its_actor_until_it_is_gone_and_may_be_used_again() -> None:
    registry = Registry()
    async with open_runtime() as runtime:
        first, second = runtime.spawn(idle), runtime.spawn(idle)
        registry.register("writer", first)
        registry.register("writer", first)
        with pytest.raises(NameTaken):
            registry.register("writer", second)
        with pytest.raises(ActorGone):
            registry.register("other", dead_ref())
        with registry.changes.open_subscription() as changes:
            await first.stop()
            assert registry.whereis("writer") is None
            registry.register("writer", second)
            registry.unregister("writer")
            registry.unregister("writer")
            assert [dict(listing) for listing in changes.drain()] == [{}, {"writer": second}, {}]


class Names(RuleBasedStateMachine):
    """The registry against a dict; mailboxes that stand alone never end by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry()
        self.refs = [Mailbox[Any](f"{number}").ref for number in range(3)]
        self.names: dict[str, Ref[Any]] = {}

    @rule(name=st.sampled_from("abc"), which=st.integers(0, 2))
    def register(self, name: str, which: int) -> None:
        ref = self.refs[which]
        if name in self.names and self.names[name] != ref:
            with pytest.raises(NameTaken):
                self.registry.register(name, ref)
        else:
            self.registry.register(name, ref)
            self.names[name] = ref

    @rule(name=st.sampled_from("abc"))
    def unregister(self, name: str) -> None:
        self.registry.unregister(name)
        self.names.pop(name, None)

    @rule(which=st.integers(0, 2))
    def end(self, which: int) -> None:
        cell = self.refs[which]._cell
        cell.close_alone()
        self.names = {name: ref for name, ref in self.names.items() if ref._cell is not cell}
        self.refs[which] = Mailbox[Any]("new").ref

    @rule(name=st.sampled_from("abc"))
    def whereis(self, name: str) -> None:
        assert self.registry.whereis(name) == self.names.get(name)
        assert dict(self.registry.listing()) == self.names


TestNames = Names.TestCase
TestNames.settings = settings(deadline=None)
