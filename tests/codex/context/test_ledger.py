"""The ledger holds what the engine saw, within bounds, and is found again after a resume."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codex.context.ledger import MAX_PROCESSES, MAX_TEXT, Ledger, RunningProcess, SubAgent
from codex.context.worklog import MAX_FILES, WorkLog, read_ledger
from codex.protocol.contextual import is_user_turn
from codex.protocol.event import ItemCompleted, PlanUpdate
from codex.protocol.item import AgentState, FileChange, FileUpdate, PlanStep


def facts(ledger: Ledger) -> dict[str, Any]:
    item = ledger.item()
    if item is None:
        return {}
    assert not is_user_turn(item)
    read = read_ledger(item)
    assert read is not None
    return read


def changed(*updates: FileUpdate, status: Any = "completed") -> ItemCompleted:
    return ItemCompleted("t", FileChange("i", updates, status))


def test_nothing_known_is_no_message() -> None:
    assert Ledger().item() is None
    assert Ledger(plan=(PlanStep("a", "completed"),)).item() is None


def test_the_ledger_tells_plan_files_processes_agents_and_questions() -> None:
    ledger = Ledger(
        (PlanStep("a", "completed"), PlanStep("b", "in_progress")),
        {"/r/x.py": "add"},
        processes=(RunningProcess(4711, "make serve"),),
        agents=(SubAgent("id", "Ada", AgentState("completed", "found it")),),
        questions=("May I install?",),
    )
    assert facts(ledger) == {
        "plan": [{"step": "a", "status": "completed"}, {"step": "b", "status": "in_progress"}],
        "changed_files": [{"path": "/r/x.py", "change": "add"}],
        "running_processes": [{"session_id": 4711, "command": "make serve"}],
        "sub_agents": [{"agent_id": "id", "nickname": "Ada", "status": "completed", "message": "found it"}],
        "open_questions": ["May I install?"],
    }


def test_what_is_too_much_is_left_out_and_counted() -> None:
    told = facts(Ledger(processes=tuple(RunningProcess(n, "x" * 999) for n in range(MAX_PROCESSES + 3))))
    assert told["running_processes_left_out"] == 3
    assert {len(one["command"]) for one in told["running_processes"]} == {MAX_TEXT}
    assert told["running_processes"][-1]["session_id"] == MAX_PROCESSES + 2


def test_a_move_is_a_file_that_goes_and_one_that_comes_and_a_failed_patch_is_nothing() -> None:
    log = WorkLog()
    log.note(changed(FileUpdate("/a", "update", move_path="/b")))
    log.note(changed(FileUpdate("/c", "add"), status="failed"))
    assert log.files == {"/a": "delete", "/b": "add"}


def test_a_resume_takes_up_the_ledger_and_the_plan_set_after_it() -> None:
    item = Ledger((PlanStep("old", "pending"),), {"/a": "add"}, forgotten=2).item()
    assert item is not None
    log = WorkLog([item])
    assert (log.plan, log.files, log.forgotten) == ((PlanStep("old", "pending"),), {"/a": "add"}, 2)
    arguments = '{"plan":[{"step":"new","status":"pending"}]}'
    call: Any = {"type": "function_call", "name": "update_plan", "call_id": "c", "arguments": arguments}
    output: Any = {"type": "function_call_output", "call_id": "c", "output": "Plan updated"}
    assert WorkLog([item, call]).plan == log.plan
    assert WorkLog([item, call, output]).plan == (PlanStep("new", "pending"),)


def test_a_message_that_only_looks_like_a_ledger_is_none() -> None:
    for text in ("<work_ledger>", "<work_ledger>\n\nnot JSON\n</work_ledger>", "<work_ledger>\n\n[]\n</work_ledger>"):
        item: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        assert WorkLog([item]).files == {}


PATHS = st.sampled_from([f"/r/{n}" for n in range(MAX_FILES * 3)])


PLANS = st.lists(st.builds(PlanStep, st.text(max_size=20), st.sampled_from(["pending", "completed"])), max_size=4)


class Days(RuleBasedStateMachine):
    """Plans and patches in any order; a resume in between changes nothing of what is told."""

    def __init__(self) -> None:
        super().__init__()
        self.log = WorkLog()
        self.touched: dict[str, None] = {}
        self.plan: tuple[PlanStep, ...] = ()

    @rule(paths=st.lists(PATHS, max_size=40), kind=st.sampled_from(["add", "update", "delete"]))
    def files_change(self, paths: list[str], kind: Any) -> None:
        self.log.note(changed(*(FileUpdate(path, kind) for path in paths)))
        for path in paths:
            self.touched.pop(path, None)
            self.touched[path] = None

    @rule(
        steps=st.lists(st.builds(PlanStep, st.text(max_size=20), st.sampled_from(["pending", "completed"])), max_size=4)
    )
    def the_plan_is_set(self, steps: list[PlanStep]) -> None:
        self.log.note(PlanUpdate("t", None, tuple(steps)))
        self.plan = tuple(steps)

    @rule()
    def the_program_is_started_again(self) -> None:
        item = self.ledger().item()
        self.log = WorkLog([] if item is None else [item])
        if not any(step.status != "completed" for step in self.plan):
            self.plan = ()
        self.touched = dict.fromkeys([*self.touched][-MAX_FILES:])

    def ledger(self) -> Ledger:
        return Ledger(self.log.plan, self.log.files, self.log.forgotten)

    @invariant()
    def the_newest_files_and_the_open_plan_are_told(self) -> None:
        told = facts(self.ledger())
        assert [one["path"] for one in told.get("changed_files", [])] == [*self.touched][-MAX_FILES:]
        open_plan = any(step.status != "completed" for step in self.plan)
        assert len(told.get("plan", [])) == (len(self.plan) if open_plan else 0)


TestDays = Days.TestCase
TestDays.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
