"""The machine of a supervisor against its laws, driven by a world that fails at random."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors import Exit
from supervisors import ChildSpec, SupervisorError, SupervisorSpec
from supervisors._errors import StartFailed
from supervisors._machine import Child, Intensity, Plan, Supervision


async def never(mailbox: Any) -> None:
    raise AssertionError


RESTARTS = ["permanent", "transient", "temporary"]
EXITS = [Exit("normal"), Exit("shutdown"), Exit("crash", ValueError()), Exit("killed")]


class Supervising(RuleBasedStateMachine):
    """Performs the plans with a set of what runs, in the order started."""

    @initialize(
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one", "dynamic"]),
        children=st.lists(st.sampled_from(RESTARTS), max_size=4),
        max_restarts=st.integers(0, 3),
    )
    def begin(self, strategy: Any, children: list[Any], max_restarts: int) -> None:
        specs = [ChildSpec(id=f"{n}", start=never, restart=restart) for n, restart in enumerate(children)]
        self.machine = Supervision(SupervisorSpec(strategy, specs, max_restarts=max_restarts, period=10.0))
        self.running: list[str] = []
        self.order: list[str] = []  # of the specs: a child that was restarted by hand keeps its place
        self.fail_next = 0
        self.later: list[Child] = []
        self.restarts: list[float] = []
        self.now = 0.0
        self.over = False
        assert self.perform(self.machine.begin()) is None

    def perform(self, plan: Plan[Any]) -> Any:
        outcome = None
        while True:
            try:
                effect = plan.send(outcome)
            except StopIteration as end:
                return end.value
            outcome = None
            match effect:
                case ("start", child):
                    assert child.spec.id not in self.running, "two incarnations"
                    if child.spec.id not in self.order:
                        self.order.append(child.spec.id)
                    if self.fail_next:
                        self.fail_next -= 1
                        outcome = StartFailed(child.spec.id, Exit("crash", ValueError()))
                    else:
                        self.running.append(child.spec.id)
                case ("stop", child):
                    latest = max(self.running, key=self.order.index)
                    alone = self.machine.spec.strategy in ("one_for_one", "dynamic") or self.asked == child.spec.id
                    assert alone or child.spec.id == latest, "not in reverse"
                    self.running.remove(child.spec.id)
                case ("remove", child):
                    assert child.spec.id not in self.running
                    self.order.remove(child.spec.id)
                case ("later", child, _):
                    self.later.append(child)
                case _:
                    pass

    asked: str | None = None

    def settle(self, result: Any) -> None:
        self.over = self.over or result is not None

    @precondition(lambda self: not self.over and self.running)
    @rule(data=st.data(), exit=st.sampled_from(EXITS), fails=st.integers(0, 2))
    def a_child_ends(self, data: st.DataObject, exit: Exit, fails: int) -> None:
        id = self.running[data.draw(st.integers(0, len(self.running) - 1))]
        self.running.remove(id)
        self.fail_next = fails
        child = self.machine.children[id]
        restarts = child.spec.restart == "permanent" or (
            child.spec.restart == "transient" and exit.kind in ("crash", "killed")
        )
        self.count(restarts, self.machine.exited(id, exit, self.now))
        if child.spec.restart == "temporary":
            assert id not in self.machine.children

    def count(self, restarts: bool, plan: Plan[Any]) -> None:
        """More than so many restarts in the period give up, and nothing else does."""
        if restarts:
            self.restarts.append(self.now)
        recent = [at for at in self.restarts if at >= self.now - 10.0]
        self.settle(self.perform(plan))
        assert self.over == (restarts and len(recent) > self.machine.spec.max_restarts)

    @precondition(lambda self: not self.over and self.later)
    @rule(fails=st.integers(0, 1))
    def a_retry_is_due(self, fails: int) -> None:
        child = self.later.pop(0)
        self.fail_next = fails
        valid = self.machine.children.get(child.spec.id) is child and child.state == "restarting"
        self.count(valid, self.machine.retry(child, self.now))

    @rule(seconds=st.floats(0, 8))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.over)
    @rule(
        what=st.sampled_from(["start", "terminate", "restart", "delete"]),
        id=st.sampled_from("012345"),
        restart=st.sampled_from(RESTARTS),
        fails=st.integers(0, 1),
    )
    def somebody_asks(self, what: str, id: str, restart: Any, fails: int) -> None:
        self.fail_next, self.asked = fails, id
        before = set(self.running)
        plans = {
            "start": lambda: self.machine.start_child(ChildSpec(id=id, start=never, restart=restart)),
            "terminate": lambda: self.machine.terminate_child(id),
            "restart": lambda: self.machine.restart_child(id),
            "delete": lambda: self.machine.delete_child(id),
        }
        try:
            self.perform(plans[what]())
        except SupervisorError:
            assert set(self.running) == before
        self.asked = None

    @invariant()
    def what_runs_is_what_the_machine_says(self) -> None:
        if hasattr(self, "machine") and not self.over:
            states = {id: child.state for id, child in self.machine.children.items()}
            assert {id for id, state in states.items() if state == "running"} == set(self.running)
            for child in self.machine.children.values():
                assert child.state != "restarting" or child in self.later
                assert child.state != "stopped" or child.spec.restart != "temporary"


TestSupervising = Supervising.TestCase
TestSupervising.settings = settings(max_examples=200, deadline=None)


class Restarts(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.intensity, self.now, self.seen = Intensity(max_restarts=3, period=5.0), 0.0, list[float]()

    @rule(seconds=st.floats(0, 10))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def child_crashes(self) -> None:
        self.seen.append(self.now)
        recent = [at for at in self.seen if at >= self.now - 5.0]
        assert self.intensity.allow(self.now) == (len(recent) <= 3)


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(deadline=None)
