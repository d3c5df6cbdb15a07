"""What the engine itself saw of the work: the plan and the files that were changed.  Pure.

    PlanUpdate                the plan is the newest one
    FileChange completed      its paths, each once, the one changed last at the end

Law: every fact comes from an event of the engine, none from the model's words about it. A resume finds them in the
history: in its ledger (`ledger`), and in the plans that were set after it.
"""

from collections.abc import Iterable, Mapping

from codex.base.jsontext import JsonObject, decode_object, get_int, get_list, get_str
from codex.protocol.contextual import LEDGER_OPEN
from codex.protocol.event import EventMsg, ItemCompleted, PlanUpdate
from codex.protocol.item import ChangeKind, FileChange, PlanStep, StepStatus
from codex.protocol.response_item import ResponseItem, is_output

MAX_FILES = 80
_STATUSES: Mapping[str, StepStatus] = {"pending": "pending", "in_progress": "in_progress", "completed": "completed"}
_PLAN_TAKEN = "Plan updated"

_CHANGES: Mapping[str, ChangeKind] = {"add": "add", "delete": "delete", "update": "update"}


class WorkLog:
    """The plan and the changed files of a thread, by absolute path; `note` takes its events.

    The files changed longest ago are forgotten and only counted, in `forgotten`, once there are too many.

    Args:
      items: the history that the thread starts with; its ledger and the plans set in it are taken up again.
      changed: paths that are known to have been changed beside those.
    """

    def __init__(self, items: Iterable[ResponseItem] = (), changed: Mapping[str, ChangeKind] | None = None) -> None:
        self.plan: tuple[PlanStep, ...] = ()
        self.files: dict[str, ChangeKind] = {}
        self.forgotten = 0
        self._take_up(items)
        for path, change in (changed or {}).items():
            self._touch(path, change)

    def note(self, msg: EventMsg) -> None:
        """Take in one more event."""
        match msg:
            case PlanUpdate(plan=plan):
                self.plan = plan
            case ItemCompleted(item=FileChange(status="completed", changes=changes)):
                for change in changes:
                    if change.move_path is not None and change.move_path != change.path:
                        self._touch(change.path, "delete")
                        self._touch(change.move_path, "add")
                    else:
                        self._touch(change.path, change.kind)
            case _:
                pass

    def _touch(self, path: str, change: ChangeKind) -> None:
        before = self.files.pop(path, None)
        # Made and then changed is still new to whoever knew the directory before.
        self.files[path] = "add" if (before, change) == ("add", "update") else change
        if len(self.files) > 2 * MAX_FILES:
            del self.files[next(iter(self.files))]
            self.forgotten += 1

    def _take_up(self, items: Iterable[ResponseItem]) -> None:
        asked: dict[str, str] = {}
        for item in items:
            if item.get("type") == "message" and item.get("role") == "user":
                self._take_ledger(item)
            elif item.get("type") == "function_call" and item.get("name") == "update_plan":
                asked[get_str(item, "call_id")] = get_str(item, "arguments")
            elif is_output(item) and item.get("output") == _PLAN_TAKEN and get_str(item, "call_id") in asked:
                self.plan = _plan(_decoded(asked.pop(get_str(item, "call_id"))), "plan")

    def _take_ledger(self, item: ResponseItem) -> None:
        facts = read_ledger(item)
        if facts is None:
            return
        self.plan, self.forgotten = _plan(facts, "plan"), get_int(facts, "changed_files_left_out")
        for entry in get_list(facts, "changed_files"):
            if isinstance(entry, dict) and (change := _CHANGES.get(get_str(entry, "change"))) is not None:
                self._touch(get_str(entry, "path"), change)


def read_ledger(item: ResponseItem) -> JsonObject | None:
    """The facts in a message, where it is a ledger."""
    parts = [get_str(part, "text") for part in get_list(item, "content") if isinstance(part, dict)]
    if len(parts) != 1 or not parts[0].startswith(LEDGER_OPEN):
        return None
    lines = parts[0].split("\n")
    return _decoded(lines[2]) if len(lines) == 4 else None


def _decoded(text: str) -> JsonObject:
    try:
        return decode_object(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        return {}


def _plan(facts: JsonObject, key: str) -> tuple[PlanStep, ...]:
    steps = [step for step in get_list(facts, key) if isinstance(step, dict)]
    return tuple(
        PlanStep(get_str(step, "step"), status)
        for step in steps
        if (status := _STATUSES.get(get_str(step, "status"))) is not None
    )
