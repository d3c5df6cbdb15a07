"""What the model is told when a turn begins for a goal, without a word of the user's.  Pure."""

from codex.protocol.contextual import GOAL_CLOSE, GOAL_OPEN
from codex.protocol.goal import Goal
from codex.protocol.response_item import ResponseItem, message

_TEXT = """
This thread has a goal that is not reached yet, so a turn begins by itself.

The goal, in the user's words:
<objective>
{objective}
</objective>

Used so far: {used} tokens of {budget}.

Go on where the work stands now: look at the files and at what runs before you rely on what was said before.
Do the whole of it, not a smaller task that is easier to finish. Work that needs another turn may be left for that one.
When all of it is done and you have checked it, call `update_goal` with `complete`.
When nothing can be done without the user, and trying again has not helped, call it with `blocked` and say why.
"""


def continuation(goal: Goal) -> ResponseItem:
    """The message that begins such a turn."""
    budget = "an unlimited budget" if goal.token_budget is None else f"{goal.token_budget:,}"
    text = _TEXT.format(objective=goal.objective, used=f"{goal.tokens_used:,}", budget=budget)
    return message("user", [{"type": "input_text", "text": f"{GOAL_OPEN}{text}{GOAL_CLOSE}"}])
