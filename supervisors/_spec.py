"""What a supervisor is told: its children and its rules, checked before anything starts."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from actors import Mailbox, Overflow

from ._errors import BadSpec

if TYPE_CHECKING:
    from ._backoff import Backoff  # made by those who use it only

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one", "dynamic"]
AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]
Run: TypeAlias = Callable[[Mailbox[Any]], Awaitable[None]]

_RESTARTS: Final = ("permanent", "transient", "temporary")
_STRATEGIES: Final = ("one_for_one", "one_for_all", "rest_for_one", "dynamic")
_OVERFLOWS: Final = ("wait", "fail", "drop_oldest", "drop_newest")
_AUTO_SHUTDOWNS: Final = ("never", "any_significant", "all_significant")


@attrs.frozen
class ChildSpec:
    """One child of a supervisor.

        ChildSpec(id="writer", start=run, restart="transient", shutdown=2.0)

    Args:
      id: unique among its siblings.
      start: `async def run(mailbox)`, or a SupervisorSpec for a supervisor below this one. It has started when it says
        `mailbox.started()` or first looks into its mailbox; an end before that is a failed start.
      restart: permanent: always; transient: after a crash or a kill; temporary: never, and its spec goes with it.
      shutdown: seconds between the polite stop and force; 0: at once; `math.inf`: never; default 5, for supervisors
      infinity.
      significant: its own, final end may end the supervisor, see `SupervisorSpec.auto_shutdown`.
      start_timeout: seconds until a start that has not been acknowledged has failed.
      capacity, overflow, key: of its mailbox, as of `Runtime.spawn`.
      redeliver: the message in hand at a crash is read once more by the next incarnation, unless it was a question.
      backoff: how long to wait before a restart; default: not at all.
    """

    id: str
    start: Run | SupervisorSpec
    restart: Restart = "permanent"
    shutdown: float | None = None
    significant: bool = False
    start_timeout: float = 30.0
    capacity: int = 256
    overflow: Overflow = "wait"
    key: Callable[[Any], object] | None = None
    redeliver: bool = False
    backoff: Backoff | None = None

    @property
    def is_supervisor(self) -> bool:
        """Whether it supervises others."""
        return isinstance(self.start, SupervisorSpec)

    @property
    def shutdown_seconds(self) -> float:
        """`shutdown` with its default."""
        if self.shutdown is not None:
            return self.shutdown
        return math.inf if self.is_supervisor else 5.0


@attrs.frozen
class SupervisorSpec:
    """A supervisor: its children in start order, and what follows when one ends.

    Args:
      strategy: what is restarted with a child. one_for_one: nothing else; one_for_all: all its siblings; rest_for_one:
        those started after it; dynamic: nothing else, and the children, added at run time, are stopped all at once.
      max_restarts: more than this many restarts within `period` seconds end the supervisor.
      auto_shutdown: whether the final end of any, or of the last, significant child ends the supervisor.
    """

    strategy: Strategy = "one_for_one"
    children: Sequence[ChildSpec] = ()
    max_restarts: int = 1
    period: float = 5.0
    auto_shutdown: AutoShutdown = "never"


def check_spec(spec: SupervisorSpec, path: str = "supervisor") -> None:
    """Refuse a spec that cannot work: raises BadSpec, naming path and field. Looks below, too, however deep."""
    work = [(spec, path)]
    for one, at in work:
        _check_rules(one, at)
        seen: set[str] = set()
        for child in one.children:
            if child.id in seen:
                raise BadSpec(at, "id", child.id, "an id no sibling has")
            seen.add(child.id)
            _check_child(child, one, at)
            if isinstance(child.start, SupervisorSpec):
                work.append((child.start, f"{at}/{child.id}"))


def check_child(child: ChildSpec, spec: SupervisorSpec, above: Mailbox[Any]) -> None:
    """Refuse a child that cannot work below the supervisor with this spec and mailbox."""
    _check_child(child, spec, above)
    if isinstance(child.start, SupervisorSpec):
        check_spec(child.start, f"{above.ref.path}/{child.id}")


def check_change(new: SupervisorSpec, old: SupervisorSpec, known: Collection[str], path: str) -> None:
    """Refuse a spec that cannot work for a supervisor that runs with the old one and has these children."""
    check_spec(new, path)
    if new.strategy != old.strategy and "dynamic" in (new.strategy, old.strategy):
        others = "dynamic" if old.strategy == "dynamic" else ", ".join(one for one in _STRATEGIES if one != "dynamic")
        raise BadSpec(
            path, "strategy", new.strategy, f"{others}: a dynamic supervisor stays one, and no other becomes one"
        )
    added = [child.id for child in new.children if child.id not in known]
    if new.strategy == "dynamic" and added:
        raise BadSpec(path, "children", added, "children that run; start_children() adds others")


def _check_rules(spec: SupervisorSpec, path: str) -> None:
    if spec.strategy not in _STRATEGIES:
        raise BadSpec(path, "strategy", spec.strategy, f"one of {', '.join(_STRATEGIES)}")
    if spec.auto_shutdown not in _AUTO_SHUTDOWNS:
        raise BadSpec(path, "auto_shutdown", spec.auto_shutdown, f"one of {', '.join(_AUTO_SHUTDOWNS)}")
    if not _is_int(spec.max_restarts) or spec.max_restarts < 0:
        raise BadSpec(path, "max_restarts", spec.max_restarts, "a whole number from 0 on")
    if not _is_number(spec.period) or not 0 < spec.period < math.inf:
        raise BadSpec(path, "period", spec.period, "seconds, more than 0 and finite")


def _check_child(child: ChildSpec, spec: SupervisorSpec, above: str | Mailbox[Any]) -> None:
    fault = _fault(child, spec)
    if fault is not None:
        field, value, expected = fault
        path = above if isinstance(above, str) else above.ref.path
        raise BadSpec(f"{path}/{child.id}", field, value, expected)


def _fault(child: ChildSpec, spec: SupervisorSpec) -> tuple[str, object, str] | None:
    if not isinstance(child.id, str) or not child.id:  # pyright: ignore[reportUnnecessaryIsInstance]
        return "id", child.id, "a text that is not empty"
    if not isinstance(child.start, SupervisorSpec) and not callable(child.start):  # pyright: ignore[reportUnnecessaryComparison]
        return "start", child.start, "an async function of a mailbox, or a SupervisorSpec"
    if child.restart not in _RESTARTS:
        return "restart", child.restart, f"one of {', '.join(_RESTARTS)}"
    if child.shutdown is not None and not (_is_number(child.shutdown) and child.shutdown >= 0):
        return "shutdown", child.shutdown, "seconds from 0 on, or math.inf"
    if not (_is_number(child.start_timeout) and child.start_timeout > 0):
        return "start_timeout", child.start_timeout, "seconds, more than 0"
    if not _is_int(child.capacity) or child.capacity < 1:
        return "capacity", child.capacity, "a whole number from 1 on"
    if child.overflow not in _OVERFLOWS:
        return "overflow", child.overflow, f"one of {', '.join(_OVERFLOWS)}"
    if child.key is not None and not callable(child.key):
        return "key", child.key, "a function of a message"
    if child.backoff is not None and (fault := _backoff_fault(child.backoff)) is not None:
        return fault
    if child.significant and child.restart == "permanent":
        return "significant", True, "False for a permanent child: it has no final end"
    if child.significant and spec.auto_shutdown == "never":
        return "significant", True, "False where auto_shutdown is never"
    return None


def _backoff_fault(backoff: Backoff) -> tuple[str, object, str] | None:
    if not (_is_number(backoff.first) and 0 < backoff.first < math.inf):
        return "backoff.first", backoff.first, "seconds, more than 0 and finite"
    if not (_is_number(backoff.limit) and backoff.first <= backoff.limit < math.inf):
        return "backoff.limit", backoff.limit, "finite seconds, from `first` on"
    if not (_is_number(backoff.jitter) and 0 <= backoff.jitter < math.inf):
        return "backoff.jitter", backoff.jitter, "a share from 0 on"
    if backoff.reset is not None and not (_is_number(backoff.reset) and backoff.reset >= 0):
        return "backoff.reset", backoff.reset, "seconds from 0 on, or None"
    return None


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
