"""`thread/goal/*`: what a thread works for by itself."""

from codex.app_server.agenda import Agenda
from codex.app_server.api.goal import (
    ThreadGoalClearParams,
    ThreadGoalClearResponse,
    ThreadGoalGetParams,
    ThreadGoalGetResponse,
    ThreadGoalSetParams,
    ThreadGoalSetResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.rpc import RpcError
from codex.app_server.threads import loaded
from codex.app_server.wire import UNSET
from codex.threads.goal import GoalMachine


def _agenda(desk: Desk, thread_id: str) -> Agenda:
    """What the thread has to do; this client is told of changes after it has its answer."""
    feed = loaded(desk, thread_id)
    agenda = feed.agenda
    if agenda is None:
        raise RpcError(f"thread {thread_id} is a sub-agent's, which does what its parent says")
    feed.hold(desk.client)
    desk.afterwards(lambda: feed.release(desk.client))
    return agenda


async def set_goal(desk: Desk, params: ThreadGoalSetParams) -> ThreadGoalSetResponse:
    """Set what is given of the goal; an active one begins turns. Does not wait."""
    agenda = _agenda(desk, params.thread_id)

    def change(goal: GoalMachine, now: float) -> None:
        if params.token_budget is UNSET:
            goal.set(now=now, objective=params.objective, status=params.status)
        else:
            goal.set(now=now, objective=params.objective, status=params.status, token_budget=params.token_budget)

    agenda.change_goal(change)
    shown = agenda.shown_goal()
    assert shown is not None
    return ThreadGoalSetResponse(goal=shown)


async def get_goal(desk: Desk, params: ThreadGoalGetParams) -> ThreadGoalGetResponse:
    """The goal and what it has cost. Does not wait."""
    return ThreadGoalGetResponse(goal=_agenda(desk, params.thread_id).shown_goal())


async def clear_goal(desk: Desk, params: ThreadGoalClearParams) -> ThreadGoalClearResponse:
    """Forget the goal; a turn that runs goes on. Does not wait."""
    return ThreadGoalClearResponse(cleared=_agenda(desk, params.thread_id).clear_goal())


HANDLERS = {"thread/goal/set": set_goal, "thread/goal/get": get_goal, "thread/goal/clear": clear_goal}
