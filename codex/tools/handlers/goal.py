"""`get_goal`, `create_goal`, `update_goal`: the model and what its thread works for."""

from typing import Literal

from codex.base.jsontext import Json, JsonObject, encode
from codex.protocol.goal import Goal
from codex.tools.arguments import Arguments, BadArguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite

_ENDS: dict[str, Literal["complete", "blocked", "paused"]] = {
    "complete": "complete",
    "blocked": "blocked",
    "paused": "paused",
}


async def get(call: ToolCall, site: CallSite) -> OutputBody:
    """Show the goal."""
    Arguments(call.payload, ())
    context = site.context
    assert context.goals is not None
    return _told(context.thread_id, context.goals.get_goal(context.thread_id))


async def create(call: ToolCall, site: CallSite) -> OutputBody:
    """Give the thread a goal."""
    arguments, context = Arguments(call.payload, ("objective", "token_budget")), site.context
    assert context.goals is not None
    objective, budget = arguments.required_text("objective"), arguments.whole("token_budget")
    return _told(context.thread_id, context.goals.create_goal(context.thread_id, objective, budget))


async def update(call: ToolCall, site: CallSite) -> OutputBody:
    """Say how far the goal is."""
    arguments, context = Arguments(call.payload, ("status",)), site.context
    assert context.goals is not None
    status = _ENDS.get(arguments.choice("status", [*_ENDS]) or "")
    if status is None:
        raise BadArguments("missing field `status`")
    return _told(context.thread_id, context.goals.end_goal(context.thread_id, status))


def _told(thread_id: str, goal: Goal | None) -> str:
    """As JSON: the goal, what may still be used, and what to do at its end."""
    shown: Json = None
    if goal is not None:
        fields: JsonObject = {"threadId": thread_id, "objective": goal.objective, "status": goal.status}
        fields |= {} if goal.token_budget is None else {"tokenBudget": goal.token_budget}
        fields |= {"tokensUsed": goal.tokens_used, "timeUsedSeconds": int(goal.seconds_used)}
        shown = {**fields, "createdAt": goal.created_at, "updatedAt": goal.updated_at}
    report = "The goal is reached. Tell the user what it took, from the fields of `goal`."
    is_complete = goal is not None and goal.status == "complete"
    return encode(
        {
            "goal": shown,
            "remainingTokens": None if goal is None else goal.remaining_tokens,
            "completionBudgetReport": report if is_complete else None,
        }
    )
