"""Which events are kept on disk, and as which lines.

Kept: the beginning and the end of turns, items in their last form, token counts. Everything else (deltas, beginnings of
items, diffs, warnings, retries) is for the screen only.
"""

from codex.protocol.event import EventMsg, ItemCompleted, TaskComplete, TaskStarted, TokenCount, TurnAborted, TurnFailed
from codex.protocol.item import CommandExecution
from codex.rollout import lines
from codex.rollout.lines import Line, TurnIds


def event_line(msg: EventMsg, ids: TurnIds, at: float, *, started_at: float | None = None) -> Line | None:
    """The line for an event, or None when it is not kept.

    Args:
      started_at: when the turn (or, for an item, the item) began; `at` where unknown.
    """
    began = at if started_at is None else started_at
    match msg:
        case ItemCompleted(item=CommandExecution(stopped_at_once=True)):
            return None
        case ItemCompleted(item=item):
            return lines.item_completed(ids, item, at, started_at=began)
        case TokenCount(total=total, last=last, model_context_window=window):
            return lines.token_count(total, last, at, model_context_window=window)
        case TaskStarted(model_context_window=window):
            return lines.task_started(ids, at, model_context_window=window)
        case TaskComplete(last_agent_message=text, time_to_first_token_ms=first):
            return lines.task_complete(ids, at, started_at=began, last_agent_message=text, time_to_first_token_ms=first)
        case TurnFailed(message=text, error_kind=kind):
            return lines.task_complete(ids, at, started_at=began, last_agent_message=None, error=text, error_kind=kind)
        case TurnAborted(reason=reason):
            return lines.turn_aborted(ids, at, started_at=began, reason=reason)
        case _:
            return None
