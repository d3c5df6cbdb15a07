"""`update_plan`: the model writes down its steps; people see them."""

from typing import cast

from codex.base.jsontext import JsonObject
from codex.base.suggest import did_you_mean
from codex.protocol.event import PlanUpdate
from codex.protocol.item import PlanStep
from codex.tools.arguments import Arguments, BadArguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite

_STATUSES = ("pending", "in_progress", "completed")


async def run(call: ToolCall, site: CallSite) -> OutputBody:
    """Publish the plan."""
    arguments = Arguments(call.payload, ("explanation", "plan"))
    steps = arguments.items("plan")
    if steps is None:
        raise BadArguments("missing field `plan`")
    plan = tuple(_step(index, step) for index, step in enumerate(steps))
    update = PlanUpdate(site.context.turn_id, arguments.text("explanation"), plan)
    await site.context.publisher.publish([update])
    return "Plan updated"


def _step(index: int, value: object) -> PlanStep:
    if not isinstance(value, dict):
        raise BadArguments(f"`plan[{index}]` must be an object with `step` and `status`")
    fields = cast("JsonObject", value)
    text, status = fields.get("step"), fields.get("status")
    if not isinstance(text, str):
        raise BadArguments(f"`plan[{index}].step` must be a string")
    if not isinstance(status, str) or status not in _STATUSES:
        hint = did_you_mean(str(status), _STATUSES)
        raise BadArguments(f"`plan[{index}].status` is {status!r}{hint}; use one of {', '.join(_STATUSES)}")
    return PlanStep(text, status)
