"""The question of an agent deep in the tree: who answers it, what they are told, and what becomes of it unanswered."""

import json
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import pytest
import trio

from codex.base.errors import UserError
from codex.base.jsontext import JsonObject
from codex.protocol.approval import Approved, Denied, ExecApprovalRequest, Question, ReviewDecision
from codex.protocol.event import ApprovalResolved, Event, GuardianAssessment
from codex.protocol.op import ExecApproval, Interrupt, TurnInput
from codex.protocol.user_input import TextInput
from codex.testing import call, open_test_codex, text
from codex.testing.kit import TestCodex
from codex.threads import Thread

Msg = TypeVar("Msg")
CHILD = '${re:"agent_id":"([^"]+)"}'
TOUCH = call("exec_command", "t1", cmd="touch made", sandbox_permissions="require_escalated", justification="May I?")
SETTINGS: dict[str, Any] = {"sandbox": "read-only", "approval_policy": "on-request", "max_depth": 3}


def delegate(name: str) -> list[Any]:
    return [
        [call("spawn_agent", "s1", message=f"go [[script:{name}]]")],
        [call("wait_agent", "w1", targets=[CHILD], timeout_ms=600_000)],
        [text("done")],
    ]


def generations(*leaf: Any, **more: Any) -> JsonObject:
    scripts: dict[str, Any] = {
        "root": delegate("middle"),
        "middle": delegate("leaf"),
        "leaf": [*leaf, [text("finished")]],
        **more,
    }
    return {"scripts": scripts, "default": "root"}


def at(codex: TestCodex, depth: int) -> Thread:
    (thread,) = [thread for thread in codex.codex.threads if thread.identity.depth == depth]
    return thread


async def first(events: AsyncIterator[Event], kind: type[Msg]) -> Msg:
    """The next event of this kind."""
    async for event in events:
        if isinstance(event.msg, kind):
            return event.msg
    raise AssertionError(f"no {kind.__name__}")


async def wait_question(thread: Thread) -> ExecApprovalRequest:
    """The question, once it is shown at this thread."""
    with trio.fail_after(60):
        while not thread.open_questions:
            await trio.lowlevel.checkpoint()
    (question,) = thread.open_questions
    assert isinstance(question, ExecApprovalRequest)
    return question


async def test_a_grandchilds_question_reaches_whoever_answers_at_the_root_with_its_path() -> None:
    seen: list[Question] = []

    def answer(question: Question) -> bool:
        seen.append(question)
        return True

    async with open_test_codex(generations([TOUCH]), **SETTINGS) as codex:
        events = await codex.run_turn("delegate", on_approval=answer)
        assert (codex.cwd / "made").exists()
        leaf = at(codex, 2)
    (question,) = seen
    assert (question.agent_path, question.thread_id, question.reason) == ("/root/ada/alan", leaf.thread_id, "May I?")
    assert [(one.id, one.decision) for one in events if isinstance(one, ApprovalResolved)] == [
        (question.id, Approved())
    ]


async def test_the_nearest_ancestor_that_is_watched_by_somebody_who_answers_is_asked_and_nobody_above_it() -> None:
    gate = call("exec_command", "t0", cmd="until [ -e go ]; do sleep 0.01; done", yield_time_ms=30_000)
    settings: dict[str, Any] = SETTINGS | {"sandbox": "danger-full-access"}
    force = call("exec_command", "t1", cmd="rm -f made")
    async with open_test_codex(generations([gate], [force]), **settings) as codex:
        (codex.cwd / "made").touch()
        await codex.thread.submit(TurnInput((TextInput("delegate"),)))
        with trio.fail_after(60):
            while len(codex.codex.threads) < 3:
                await trio.lowlevel.checkpoint()
        middle = at(codex, 1)
        async with middle.open_events(answers=True) as events:
            (codex.cwd / "go").touch()
            question = await first(events, ExecApprovalRequest)
            assert (question.agent_path, codex.thread.open_questions) == ("/root/ada/alan", ())
            await middle.submit(ExecApproval(question.id, Denied("not this file")))
            await first(events, ApprovalResolved)
        assert (codex.cwd / "made").exists()


async def test_a_grandchilds_question_is_answered_by_the_programs_reviewer_with_its_path() -> None:
    seen: list[str] = []

    class Reviewer:
        async def review(self, question: Question) -> ReviewDecision:
            """Say no, and remember who asked."""
            seen.append(question.agent_path)
            return Denied("not in this tree")

    async with open_test_codex(generations([TOUCH]), reviewer=Reviewer(), **SETTINGS) as codex:
        await codex.run_turn("delegate")
        assert not (codex.cwd / "made").exists()
        assert any("not in this tree" in str(request.body) for request in codex.requests)
    assert seen == ["/root/ada/alan"]


@pytest.mark.parametrize("outcome", ["allow", "deny"])
async def test_a_reviewer_model_answers_where_the_question_is_asked_and_nothing_climbs(outcome: str) -> None:
    verdict = text(json.dumps({"outcome": outcome, "risk_level": "low", "rationale": "Because."}))
    script = generations([TOUCH], reviewer=[[verdict]])
    script["rules"] = [{"match": "The action under review:", "script": "reviewer"}]
    async with open_test_codex(script, approvals_reviewer="auto_review", **SETTINGS) as codex:
        events = await codex.run_turn("delegate")
        assert (codex.cwd / "made").exists() == (outcome == "allow")
        reviews = [one for one in codex.requests if "The action under review:" in "".join(one.texts("user"))]
    assert len(reviews) == 1
    assert not any(isinstance(one, ExecApprovalRequest | GuardianAssessment) for one in events)


async def test_without_an_answer_a_grandchilds_question_ends_in_a_no_at_its_deadline_everywhere() -> None:
    async with open_test_codex(generations([TOUCH]), approval_timeout_seconds=1, **SETTINGS) as codex:
        events = await codex.run_turn("delegate")
        assert not (codex.cwd / "made").exists()
        leaf = at(codex, 2)
        assert [thread.open_questions for thread in codex.codex.threads] == [(), (), ()]
        assert any("nobody answered in time" in str(request.body) for request in codex.requests)
    questions = [one for one in events if isinstance(one, ExecApprovalRequest)]
    assert [(one.thread_id, one.deadline_at - one.started_at) for one in questions] == [(leaf.thread_id, 1.0)]
    (resolved,) = [one for one in events if isinstance(one, ApprovalResolved)]
    assert resolved.decision is not None
    assert resolved.decision.kind == "timed_out"


@pytest.mark.parametrize("how", ["close", "interrupt"])
async def test_an_unanswered_question_of_an_agent_that_is_cancelled_is_a_no_for_good(how: str) -> None:
    async with open_test_codex(generations([TOUCH]), **SETTINGS) as codex:
        async with codex.thread.open_events() as events:
            await codex.thread.submit(TurnInput((TextInput("delegate"),)))
            question = await wait_question(codex.thread)
            if how == "close":
                await at(codex, 1).stop()
            else:
                await at(codex, 2).submit(Interrupt())
            resolved = await first(events, ApprovalResolved)
        assert resolved == ApprovalResolved(question.turn_id, question.id, "t1", None)
        assert codex.thread.open_questions == ()
        with pytest.raises(UserError, match="has been resolved"):
            await codex.thread.submit(ExecApproval(question.id, Approved()))
        assert not (codex.cwd / "made").exists()
