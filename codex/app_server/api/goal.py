"""The goal of a thread, which starts turns by itself."""

from typing import Literal, TypeAlias

from codex.app_server.wire import UNSET, Unset, null
from codex.base.frozen import frozen

ThreadGoalMutationOrigin: TypeAlias = Literal["user", "automatic"]

ThreadGoalStatus: TypeAlias = Literal["active", "paused", "blocked", "usageLimited", "budgetLimited", "complete"]


@frozen(kw_only=True)
class ThreadGoalSetParams:
    """Asks `thread/goal/set`: set what is given of the goal; an active one starts turns by itself."""

    thread_id: str
    origin: ThreadGoalMutationOrigin | None = None
    objective: str | None = None
    status: ThreadGoalStatus | None = None
    token_budget: int | None | Unset = UNSET


@frozen(kw_only=True)
class ThreadGoal:
    """What a thread works for until it is reached, and what that has cost."""

    thread_id: str
    objective: str
    status: ThreadGoalStatus
    token_budget: int | None = null()
    tokens_used: int
    time_used_seconds: int
    created_at: int
    updated_at: int


@frozen(kw_only=True)
class ThreadGoalSetResponse:
    """Answers `thread/goal/set`."""

    goal: ThreadGoal


@frozen(kw_only=True)
class ThreadGoalGetParams:
    """Asks `thread/goal/get`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadGoalGetResponse:
    """Answers `thread/goal/get`."""

    goal: ThreadGoal | None = null()


@frozen(kw_only=True)
class ThreadGoalClearParams:
    """Asks `thread/goal/clear`."""

    thread_id: str
    origin: ThreadGoalMutationOrigin | None = None


@frozen(kw_only=True)
class ThreadGoalClearResponse:
    """Answers `thread/goal/clear`."""

    cleared: bool


@frozen(kw_only=True)
class ThreadGoalUpdatedNotification:
    """Tells `thread/goal/updated`."""

    thread_id: str
    turn_id: str | None = null()
    goal: ThreadGoal


@frozen(kw_only=True)
class ThreadGoalClearedNotification:
    """Tells `thread/goal/cleared`."""

    thread_id: str
