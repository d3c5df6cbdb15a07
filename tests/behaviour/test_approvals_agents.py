"""Questions of sub-agents go up to where somebody answers, and vanish with whoever asked them."""

from typing import Any

import pytest
import trio

from codex.base.errors import UserError
from codex.base.jsontext import JsonObject
from codex.protocol.approval import Approved, ApprovedForSession, Denied, ExecApprovalRequest, Question, ReviewDecision
from codex.protocol.event import ApprovalResolved, TaskComplete, TurnAborted, TurnFailed
from codex.protocol.op import ExecApproval, Interrupt, TurnInput
from codex.protocol.user_input import TextInput
from codex.testing import call, open_test_codex, text
from codex.testing.kit import TestCodex
from codex.threads import Thread

CHILD = '${re:"agent_id":"([^"]+)"}'
LEAVE: dict[str, Any] = {"sandbox_permissions": "require_escalated", "justification": "May I?"}
TOUCH = call("exec_command", "t1", cmd="touch made", **LEAVE)


def delegate(*child: Any, more: list[Any] | None = None) -> JsonObject:
    root: list[Any] = [
        [call("spawn_agent", "c1", message="go [[script:child]]")],
        [call("wait_agent", "c2", targets=[CHILD], timeout_ms=60_000)],
        *(more or []),
        [text("done")],
    ]
    return {"scripts": {"root": root, "child": [*child, [text("finished")]]}, "default": "root"}


def child_of(codex: TestCodex) -> Thread:
    (child,) = [thread for thread in codex.codex.threads if thread.identity.parent_id is not None]
    return child


async def test_a_childs_question_is_answered_at_its_root_and_says_who_asks() -> None:
    seen: list[Question] = []

    def answer(question: Question) -> bool:
        seen.append(question)
        return True

    async with open_test_codex(delegate([TOUCH]), sandbox="read-only", approval_policy="on-request") as codex:
        events = await codex.run_turn("delegate", on_approval=answer)
        assert (codex.cwd / "made").exists()
        root, child = codex.thread.thread_id, child_of(codex)
    (question,) = seen
    assert (question.agent_path, question.thread_id, question.reason) == ("/root/ada", child.thread_id, "May I?")
    assert question.thread_id != root
    resolved = [event for event in events if isinstance(event, ApprovalResolved)]
    assert [(one.id, one.decision) for one in resolved] == [(question.id, Approved())]
    assert isinstance(events[-1], TaskComplete)


async def test_a_yes_for_the_childs_session_is_none_for_its_parent() -> None:
    seen: list[str] = []

    def answer(question: Question) -> ReviewDecision:
        seen.append(question.call_id)
        return ApprovedForSession() if len(seen) == 1 else Denied()

    again = call("exec_command", "t2", cmd="touch made", **LEAVE)
    own = call("exec_command", "t3", cmd="touch made", **LEAVE)
    script = delegate([TOUCH], [again], more=[[own]])
    async with open_test_codex(script, sandbox="read-only", approval_policy="on-request") as codex:
        await codex.run_turn("delegate", on_approval=answer)
    assert seen == ["t1", "t3"]


async def wait_child_question(codex: TestCodex) -> ExecApprovalRequest:
    """The question of the child, once the root shows it."""
    with trio.fail_after(60):
        while not codex.thread.open_questions:
            await trio.lowlevel.checkpoint()
    (question,) = codex.thread.open_questions
    assert isinstance(question, ExecApprovalRequest)
    return question


async def test_a_question_that_came_up_can_be_answered_at_the_child_and_closes_everywhere() -> None:
    async with open_test_codex(delegate([TOUCH]), sandbox="read-only", approval_policy="on-request") as codex:
        async with codex.thread.open_events() as events:
            await codex.thread.submit(TurnInput((TextInput("delegate"),)))
            question = await wait_child_question(codex)
            child = child_of(codex)
            assert child.open_questions == (question,)
            await child.submit(ExecApproval(question.id, Approved()))
            seen = []
            async for event in events:
                seen.append(event.msg)
                if isinstance(event.msg, TaskComplete):
                    break
        assert codex.thread.open_questions == child.open_questions == ()
        with pytest.raises(UserError, match="has been resolved"):
            await codex.thread.submit(ExecApproval(question.id, Denied()))
        assert (codex.cwd / "made").exists()
    assert [msg.decision for msg in seen if isinstance(msg, ApprovalResolved)] == [Approved()]


async def test_a_child_that_is_watched_by_somebody_who_answers_keeps_its_question() -> None:
    gate = call("exec_command", "t0", cmd="until [ -e go ]; do sleep 0.01; done", yield_time_ms=30_000)
    force = call("exec_command", "t1", cmd="rm -f made")
    async with open_test_codex(delegate([gate], [force]), approval_policy="on-request") as codex:
        async with codex.thread.open_events() as events:
            await codex.thread.submit(TurnInput((TextInput("delegate"),)))
            with trio.fail_after(60):
                while len(codex.codex.threads) < 2:
                    await trio.lowlevel.checkpoint()
            child = child_of(codex)
            async with child.open_events(answers=True) as below:
                (codex.cwd / "go").touch()
                async for event in below:
                    if isinstance(event.msg, ExecApprovalRequest):
                        assert codex.thread.open_questions == ()
                        await child.submit(ExecApproval(event.msg.id, Denied()))
                        break
            async for event in events:
                assert not isinstance(event.msg, ExecApprovalRequest)
                if isinstance(event.msg, TaskComplete):
                    break


@pytest.mark.parametrize("end", ["interrupt", "stop", "crash"])
async def test_a_question_goes_away_above_when_the_child_that_asked_does(end: str) -> None:
    async with open_test_codex(delegate([TOUCH]), sandbox="read-only", approval_policy="on-request") as codex:
        async with codex.thread.open_events() as events:
            await codex.thread.submit(TurnInput((TextInput("delegate"),)))
            question = await wait_child_question(codex)
            child = child_of(codex)
            if end == "interrupt":
                await child.submit(Interrupt())
            elif end == "stop":
                await child.stop()
            else:
                child._session.send_nowait("nonsense", control=True)
            async for event in events:
                if isinstance(event.msg, ApprovalResolved):
                    assert event.msg == ApprovalResolved(question.turn_id, question.id, "t1", None)
                    break
        assert codex.thread.open_questions == ()
        assert not (codex.cwd / "made").exists()


async def test_a_session_that_crashes_withdraws_its_questions_and_asks_again_later() -> None:
    script = [[call("exec_command", cmd="rm -f made")], [call("exec_command", "c2", cmd="rm -f made")], [text("done")]]
    async with open_test_codex(script, approval_policy="on-request") as codex:
        async with codex.thread.open_events() as events:
            await codex.thread.submit(TurnInput((TextInput("go"),)))
            question = await wait_child_question(codex)
            codex.thread._session.send_nowait("nonsense", control=True)
            kinds: list[type] = []
            async for event in events:
                kinds.append(type(event.msg))
                if isinstance(event.msg, TurnFailed):
                    break
        assert kinds[-2:] == [ApprovalResolved, TurnFailed]
        with pytest.raises(UserError, match=f"the question '{question.id}' is not known here; open: none"):
            await codex.thread.submit(ExecApproval(question.id, Approved()))
        seen: list[Question] = []

        def yes(asked: Question) -> bool:
            seen.append(asked)
            return True

        await codex.run_turn("again", on_approval=yes)
    assert [one.call_id for one in seen] == ["c2"]


async def test_the_interrupt_of_a_parent_leaves_the_question_of_a_child_that_goes_on() -> None:
    async with open_test_codex(delegate([TOUCH]), sandbox="read-only", approval_policy="on-request") as codex:
        async with codex.thread.open_events() as events:
            await codex.thread.submit(TurnInput((TextInput("delegate"),)))
            question = await wait_child_question(codex)
            await codex.thread.submit(Interrupt())
            async for event in events:
                if isinstance(event.msg, TurnAborted):
                    break
            assert codex.thread.open_questions == (question,)
            child = child_of(codex)
            async with child.open_events() as below:
                await codex.thread.submit(ExecApproval(question.id, Approved()))
                async for event in below:
                    if isinstance(event.msg, TaskComplete):
                        break
        assert (codex.cwd / "made").exists()
