"""What a supervisor understands. `Supervisor` has a method for each.

Questions are neither compared nor shown: without that, attrs makes their classes in a third of the time, and every
program with a supervisor waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import attrs

from actors import Ref, Reply, Vacated

from ._spec import ChildSpec, SupervisorSpec


@attrs.frozen
class ChildInfo:
    """One child, as it is now."""

    id: str
    ref: Ref[Any]
    state: Literal["running", "restarting", "stopped"]
    restarts: int
    supervisor: bool


@attrs.frozen
class ChildCounts:
    """How many specs there are, and how many of them run, are supervisors, are workers."""

    specs: int
    active: int
    supervisors: int
    workers: int


@attrs.frozen(eq=False, repr=False)
class StartChildren:
    """Add children and start them, in order; the answer has their refs."""

    specs: Sequence[ChildSpec]
    reply: Reply[list[Ref[Any]]]


@attrs.frozen(eq=False, repr=False)
class TerminateChild:
    """Stop a child."""

    child: str | Ref[Any]
    reply: Reply[None]


@attrs.frozen(eq=False, repr=False)
class RestartChild:
    """Start a stopped child again."""

    id: str
    reply: Reply[Ref[Any]]


@attrs.frozen(eq=False, repr=False)
class DeleteChild:
    """Forget a stopped child."""

    id: str
    reply: Reply[None]


@attrs.frozen(eq=False, repr=False)
class WhichChildren:
    """List the children in start order."""

    reply: Reply[list[ChildInfo]]


@attrs.frozen(eq=False, repr=False)
class GetSpec:
    """The spec of a child."""

    child: str | Ref[Any]
    reply: Reply[ChildSpec]


@attrs.frozen(eq=False, repr=False)
class ChangeSpec:
    """Take other rules and child specs, without stopping anybody."""

    spec: SupervisorSpec
    reply: Reply[None]


Message: TypeAlias = (
    StartChildren | TerminateChild | RestartChild | DeleteChild | WhichChildren | GetSpec | ChangeSpec | Vacated
)
