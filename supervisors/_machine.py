"""What a supervisor decides, as plans without I/O, clock or Trio.

    start      the child runs, or the error goes to whoever asked
    exited     permanent: restart; transient: restart unless it ended well; temporary: forget it
    restart    too many within the period: give up. Else by strategy: stop those that go with it, latest first, start
    them in order
    start fails during a restart: it is tried again, when the mailbox has been read, and counts again
    final end of a significant child: give up, when auto_shutdown says so

A plan is a generator: it yields what to do (start, stop, remove, later, tell) and is sent what came of it;
what it returns is its result, a `GiveUp` when the supervisor must end. Whoever performs a plan finishes it before the
next one.

Laws: no child has two incarnations; stops go in reverse order of the specs; every failed attempt counts.
Not decided here: shutdown seconds and the last stop of all (`actors`), how long one waits for `started` (`_actor`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, Final, Literal, TypeAlias, TypeVar

from actors import Exit

from ._errors import AlreadyPresent, ChildNotFound, ChildRestarting, ChildRunning, StartFailed
from ._spec import ChildSpec, SupervisorSpec

T = TypeVar("T")

ChildState: TypeAlias = Literal["running", "restarting", "stopped"]


class Child:
    """One child as the machine sees it."""

    __slots__ = ("delay", "handle", "restarted_at", "restarts", "spec", "state")

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.state: ChildState = "stopped"
        self.handle: Any = None  # Any: what the performer knows it by; the machine never looks
        self.restarts = 0
        self.delay = 0.0
        self.restarted_at = 0.0


Told: TypeAlias = Literal["crash", "restart", "start_failed", "give_up"]
Effect: TypeAlias = (
    tuple[Literal["start", "begin", "await", "stop", "remove", "apply"], Child]
    | tuple[Literal["later"], Child, float]
    | tuple[Literal["tell"], Told, Child, Exit | None]
)
"""What to do.

start: answered with None, why it failed, or `IGNORED`. begin, await: the two halves of start. stop: answered when
nothing of it is left. remove: its spec is gone, give up its place. apply: its spec is another one, or its place in the
order; what runs goes on. later: call `retry` after so many seconds; 0: when
the mailbox has been read. tell: report it.
"""


class Ignored:
    """The child said that it is not needed now."""


IGNORED: Final = Ignored()


GiveUp: TypeAlias = Literal["too many restarts", "auto_shutdown"]
"""Why the supervisor must end now."""


Outcome: TypeAlias = StartFailed | Ignored | None
Plan: TypeAlias = Generator[Effect, Outcome, T]


class Intensity:
    """How many restarts fall in the last `period` seconds."""

    __slots__ = ("_at", "max_restarts", "period")

    def __init__(self, max_restarts: int, period: float) -> None:
        self.max_restarts, self.period = max_restarts, period
        self._at: deque[float] = deque()

    def allow(self, now: float) -> bool:
        """Count one more; False when that is too many."""
        self._at.append(now)
        while self._at[0] < now - self.period:
            self._at.popleft()
        return len(self._at) <= self.max_restarts


class Supervision:
    """The children of one supervisor and what becomes of them."""

    def __init__(self, spec: SupervisorSpec) -> None:
        self.spec = spec
        self.children: dict[str, Child] = {}  # in start order
        self._intensity = Intensity(spec.max_restarts, spec.period)

    # -- asked -----------------------------------------------------------------------------------------

    def begin(self) -> Plan[StartFailed | None]:
        """Start the children of the spec in order; one that fails undoes those before it, latest first."""
        for spec in self.spec.children:
            child = self.children[spec.id] = Child(spec)
            failure = yield from self._start(child)
            if failure is not None:
                yield "tell", "start_failed", child, failure.exit
                for other in reversed(list(self.children.values())):
                    if other.state == "running":
                        yield "stop", other
                return failure
        return None

    def start_child(self, spec: ChildSpec) -> Plan[None]:
        """Add a child and start it. A failed start leaves no spec."""
        self._refuse_present(spec)
        child = self.children[spec.id] = Child(spec)
        failure = yield from self._start(child)
        if failure is not None:
            yield from self._forget(child)
            raise failure

    def start_together(self, specs: Sequence[ChildSpec]) -> Plan[None]:
        """Add independent children and start them all at once.

        Those that fail leave no spec; the first failure is raised.
        """
        for spec in specs:
            self._refuse_present(spec)
        begun = [Child(spec) for spec in specs]
        for child in begun:
            self.children[child.spec.id] = child
            yield "begin", child
        first: StartFailed | None = None
        for child in begun:
            failure = yield from self._settle(child, (yield "await", child))
            if failure is not None:
                yield from self._forget(child)
                first = first or failure
        if first is not None:
            raise first

    def terminate_child(self, id: str) -> Plan[None]:
        """Stop a child; its spec stays unless it is temporary."""
        child = self._find(id)
        if child.state == "running":
            yield "stop", child
        child.state = "stopped"
        if not self._keeps(child):
            yield from self._forget(child)

    def restart_child(self, id: str) -> Plan[None]:
        """Start a stopped child again. One that fails stays stopped."""
        child = self._find(id)
        if child.state != "stopped":
            raise _not_stopped(child)
        failure = yield from self._start(child)
        if failure is not None:
            raise failure

    def delete_child(self, id: str) -> Plan[None]:
        """Forget a stopped child."""
        child = self._find(id)
        if child.state != "stopped":
            raise _not_stopped(child)
        yield from self._forget(child)

    def change_spec(self, spec: SupervisorSpec) -> Plan[None]:
        """Take other rules and specs from now on; what runs goes on, and restarts that were counted stay so.

        Start order: the children of the new spec, those it adds as stopped; then those it does not name, as they were.
        """
        self.spec = spec
        self._intensity.max_restarts, self._intensity.period = spec.max_restarts, spec.period
        old, self.children = self.children, {}
        for one in spec.children:
            child = self.children[one.id] = old.pop(one.id, None) or Child(one)
            child.spec = one
        self.children.update(old)
        for child in self.children.values():
            yield "apply", child

    # -- happened --------------------------------------------------------------------------------------

    def exited(self, id: str, exit: Exit, now: float) -> Plan[GiveUp | None]:
        """A child ended by itself. One that is not known to run is none of our business any more."""
        child = self.children.get(id)
        if child is None or child.state != "running":
            return None
        child.state = "stopped"
        restart = child.spec.restart
        failed = exit.kind in ("crash", "killed")
        if failed:
            yield "tell", "crash", child, exit
        if restart == "permanent" or (restart == "transient" and failed):
            return (yield from self._restart(child, now))
        if not self._keeps(child):
            yield from self._forget(child)
        return "auto_shutdown" if self._auto_shutdown(child) else None

    def retry(self, child: Child, now: float) -> Plan[GiveUp | None]:
        """It is time to start a child again; it may have been stopped or forgotten meanwhile."""
        if self.children.get(child.spec.id) is not child or child.state != "restarting":
            return None
        if child.delay > 0:  # this attempt was counted when its delay began
            child.delay = 0.0
            return (yield from self._restart_now(child))
        return (yield from self._restart(child, now))

    # -- decided ---------------------------------------------------------------------------------------

    def _restart(self, child: Child, now: float) -> Plan[GiveUp | None]:
        if not self._intensity.allow(now):
            yield "tell", "give_up", child, None
            yield from self._forget(child)
            return "too many restarts"
        child.delay = self._delay(child, now)
        child.restarts += 1
        child.restarted_at = now
        if child.delay > 0:
            child.state = "restarting"
            yield "later", child, child.delay
            return None
        return (yield from self._restart_now(child))

    def _restart_now(self, child: Child) -> Plan[GiveUp | None]:
        group = self._group(child)
        for one in reversed(group):
            if one.state == "running":
                yield "stop", one
            one.state = "stopped"
        if len(group) > 1:
            for one in group:
                if one.spec.restart == "temporary":
                    yield from self._forget(one)
        for one in group:
            if one.spec.id not in self.children:
                continue
            failure = yield from self._start(one)
            if failure is not None:
                one.state = "restarting"
                yield "tell", "start_failed", one, failure.exit
                yield "later", one, 0.0
                return None
            yield "tell", "restart", one, None
        return None

    def _group(self, child: Child) -> list[Child]:
        match self.spec.strategy:
            case "one_for_all":
                return list(self.children.values())
            case "rest_for_one":
                group = list(self.children.values())
                return group[group.index(child) :]
            case _:
                return [child]

    def _start(self, child: Child) -> Plan[StartFailed | None]:
        return (yield from self._settle(child, (yield "start", child)))

    def _settle(self, child: Child, outcome: Outcome) -> Plan[StartFailed | None]:
        child.state = "running" if outcome is None else "stopped"
        if isinstance(outcome, Ignored):
            if not self._keeps(child):
                yield from self._forget(child)
            return None
        return outcome

    def _refuse_present(self, spec: ChildSpec) -> None:
        present = self.children.get(spec.id)
        if present is not None:
            raise AlreadyPresent(spec.id) if present.state == "stopped" else ChildRunning(spec.id)

    def _forget(self, child: Child) -> Plan[None]:
        del self.children[child.spec.id]
        yield "remove", child

    def _find(self, id: str) -> Child:
        child = self.children.get(id)
        if child is None:
            raise ChildNotFound(id)
        return child

    def _keeps(self, child: Child) -> bool:
        return child.spec.restart != "temporary" and self.spec.strategy != "dynamic"

    def _delay(self, child: Child, now: float) -> float:
        """Seconds before this restart, without jitter."""
        backoff = child.spec.backoff
        if backoff is None:
            return 0.0
        reset = (backoff.first + backoff.limit) / 2 if backoff.reset is None else backoff.reset
        if now - child.restarted_at > reset:
            child.restarts = 0
        return min(backoff.first * 2.0 ** min(child.restarts, 64), backoff.limit)

    def _auto_shutdown(self, child: Child) -> bool:
        if not child.spec.significant or self.spec.auto_shutdown == "never":
            return False
        if self.spec.auto_shutdown == "any_significant":
            return True
        return not any(other.spec.significant and other.state != "stopped" for other in self.children.values())


def _not_stopped(child: Child) -> ChildRunning | ChildRestarting:
    return ChildRunning(child.spec.id) if child.state == "running" else ChildRestarting(child.spec.id)
