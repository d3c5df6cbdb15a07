"""Who is asked before a command or a patch, and what an answer allows. Real processes, real sandbox."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
import trio

from codex.base.errors import UserError
from codex.protocol.approval import (
    Abort,
    ApplyPatchApprovalRequest,
    Approved,
    ApprovedExecpolicyAmendment,
    ApprovedForSession,
    Denied,
    ExecApprovalRequest,
    Question,
    ReviewDecision,
    TimedOut,
)
from codex.protocol.event import (
    ActionRefused,
    ApprovalResolved,
    EventMsg,
    ItemCompleted,
    ItemStarted,
    ShutdownComplete,
    TaskComplete,
    TurnAborted,
    Warning,
)
from codex.protocol.item import CommandExecution, FileChange
from codex.protocol.op import ExecApproval, Interrupt, TurnInput
from codex.protocol.permission import ApprovalPolicy, Granular
from codex.protocol.user_input import TextInput
from codex.testing import call, open_test_codex, patch, text
from codex.testing.kit import TestCodex

TOUCH = call("exec_command", cmd="touch made")
LEAVE = call("exec_command", cmd="touch made", sandbox_permissions="require_escalated", justification="May I touch it?")
FORCE = call("exec_command", cmd="rm -f made")
ADD = patch("*** Add File: made\n+hello")
NO = 'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }'


class Answers:
    """Answers questions in turn and remembers them; the last answer stays."""

    def __init__(self, *answers: ReviewDecision) -> None:
        self._answers = list(answers)
        self.seen: list[Question] = []

    def __call__(self, question: Question) -> ReviewDecision:
        self.seen.append(question)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @property
    def reasons(self) -> list[str | None]:
        return [question.reason for question in self.seen]


def items(events: Sequence[EventMsg], kind: type) -> list[Any]:
    return [event.item for event in events if isinstance(event, ItemCompleted) and isinstance(event.item, kind)]


def of(events: Sequence[EventMsg], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


ASK_SANDBOX = Granular(sandbox_approval=True, rules=False)
ASK_NOTHING = Granular(sandbox_approval=False, rules=False)


@pytest.mark.parametrize(
    ("policy", "action", "asked", "made"),
    [
        ("never", TOUCH, [], False),
        ("never", LEAVE, [], False),
        ("on-request", TOUCH, [], False),
        ("on-request", LEAVE, ["May I touch it?"], True),
        ("on-failure", TOUCH, ["the sandbox stopped the command; may it run again without the sandbox?"], True),
        ("on-failure", LEAVE, [], True),
        ("untrusted", TOUCH, [None], True),
        ("untrusted", LEAVE, ["May I touch it?"], True),
        ("permissive", TOUCH, [], True),
        ("permissive", LEAVE, [], True),
        (ASK_SANDBOX, TOUCH, ["the sandbox stopped the command; may it run again without the sandbox?"], True),
        (ASK_SANDBOX, LEAVE, ["May I touch it?"], True),
        (ASK_NOTHING, TOUCH, [], False),
        (ASK_NOTHING, LEAVE, [], False),
        ("never", ADD, [], False),
        ("on-request", ADD, ["writing is blocked by read-only sandbox"], True),
        ("on-failure", ADD, ["writing is blocked by read-only sandbox"], True),
        ("untrusted", ADD, ["writing is blocked by read-only sandbox"], True),
        ("permissive", ADD, [], True),
        (ASK_SANDBOX, ADD, ["writing is blocked by read-only sandbox"], True),
        (ASK_NOTHING, ADD, [], False),
    ],
)
async def test_each_policy_asks_before_what_it_says_and_runs_what_it_lets(
    policy: ApprovalPolicy, action: Any, asked: list[str | None], made: bool
) -> None:
    answers = Answers(Approved())
    async with open_test_codex([[action], [text("done")]], sandbox="read-only", approval_policy=policy) as codex:
        events = await codex.run_turn("go", on_approval=answers)
        assert (answers.reasons, (codex.cwd / "made").exists()) == (asked, made)
    assert isinstance(events[-1], TaskComplete)
    assert len(of(events, ApprovalResolved)) == len(asked)


async def test_only_a_permissive_user_is_asked_before_work_is_thrown_away() -> None:
    discard = call("exec_command", cmd="git reset --hard || true")
    for policy, asked in (("on-request", []), ("permissive", ["it destroys something for good"])):
        answers = Answers(Denied())
        async with open_test_codex([[discard], [text("done")]], approval_policy=policy) as codex:
            await codex.run_turn("go", on_approval=answers)
        assert answers.reasons == asked


@pytest.mark.parametrize("policy", ["on-request", "on-failure", "untrusted", "permissive", ASK_SANDBOX])
@pytest.mark.parametrize("no", [Denied(), Denied("not today"), TimedOut()])
async def test_after_a_no_a_forced_removal_does_not_run_and_the_turn_goes_on(
    policy: ApprovalPolicy, no: ReviewDecision
) -> None:
    answers = Answers(no)
    async with open_test_codex([[FORCE], [text("done")]], approval_policy=policy) as codex:
        (codex.cwd / "made").write_text("precious")
        events = await codex.run_turn("go", on_approval=answers)
        assert (codex.cwd / "made").read_text() == "precious"
        output = codex.requests[1].output_of("call_1")
    assert answers.reasons == [
        "it destroys something for good" if policy == "permissive" else "it removes files by force"
    ]
    assert [item.status for item in items(events, CommandExecution)] == ["declined"]
    expected = {"None": NO, "not today": NO.replace("by user", "by user: not today")}
    assert output == expected.get(str(getattr(no, "rejection", "")), output)
    assert isinstance(events[-1], TaskComplete)


def is_about(event: EventMsg, item_id: str) -> bool:
    return isinstance(event, ItemStarted | ItemCompleted) and event.item.id == item_id


async def test_a_question_says_all_that_is_known_about_the_command() -> None:
    answers = Answers(Denied())
    turns = [[call("exec_command", cmd="touch made", workdir="sub", sandbox_permissions="require_escalated")]]
    async with open_test_codex([*turns, [text("done")]], sandbox="read-only", approval_policy="on-request") as codex:
        (codex.cwd / "sub").mkdir()
        events = await codex.run_turn("go", on_approval=answers)
        cwd, thread_id = str(codex.cwd / "sub"), codex.thread.thread_id
    (question,) = of(events, ExecApprovalRequest)
    (item,) = items(events, CommandExecution)
    assert answers.seen == [question]
    assert question == ExecApprovalRequest(
        id=question.id,
        thread_id=thread_id,
        turn_id=events[-1].turn_id,
        call_id="call_1",
        command=item.command,
        cwd=cwd,
        started_at=question.started_at,
        deadline_at=question.started_at + 600,
        outside=True,
        proposed_execpolicy_amendment=("touch", "made"),
        available_decisions=(
            "approved",
            "approved_for_session",
            "approved_execpolicy_amendment",
            "denied",
            "abort",
        ),
        agent_path="/root",
    )
    about = [event for event in events if getattr(event, "call_id", None) == "call_1" or is_about(event, "call_1")]
    assert [type(event) for event in about] == [ItemStarted, ExecApprovalRequest, ApprovalResolved, ItemCompleted]
    assert of(events, ApprovalResolved) == [ApprovalResolved(question.turn_id, question.id, "call_1", Denied())]


async def test_a_yes_for_the_session_counts_for_this_very_command_only() -> None:
    def leave(cmd: str, number: int, **more: Any) -> Any:
        return call("exec_command", f"call_{number}", cmd=cmd, sandbox_permissions="require_escalated", **more)

    commands = [
        leave("touch made", 1),
        leave("touch  made", 2),
        leave("touch made; true", 3),
        leave("touch made other", 4),
        leave("touch made", 5, workdir="/"),
        leave("touch made", 6, tty=True),
        leave("touch made", 7, login=False),
    ]
    answers = Answers(ApprovedForSession(), Denied())
    turns = [[[command], [text("done")]] for command in commands]
    script = [turn for pair in turns for turn in pair]
    async with open_test_codex(script, sandbox="read-only", approval_policy="on-request") as codex:
        for _ in commands:
            await codex.run_turn("go", on_approval=answers)
    assert [question.call_id for question in answers.seen] == ["call_1", "call_3", "call_4", "call_5", "call_6"]


async def test_a_yes_in_the_sandbox_is_none_outside_of_it() -> None:
    answers = Answers(ApprovedForSession(), Denied())
    script = [[call("exec_command", cmd="true")], [text("done")], [call("exec_command", "c2", cmd="true")], [text("x")]]
    outside = call("exec_command", "c3", cmd="true", sandbox_permissions="require_escalated")
    async with open_test_codex(
        [*script, [outside], [text("done")]], sandbox="read-only", approval_policy="untrusted"
    ) as codex:
        for _ in range(3):
            await codex.run_turn("go", on_approval=answers)
    assert [question.call_id for question in answers.seen] == ["call_1", "c3"]


async def test_a_yes_for_the_session_to_a_patch_counts_for_its_files() -> None:
    answers = Answers(ApprovedForSession(), Denied())
    script = [
        [ADD],
        [text("done")],
        [patch("*** Update File: made\n@@\n-hello\n+bye", "c2")],
        [text("done")],
        [patch("*** Update File: made\n@@\n-bye\n+hi\n*** Add File: other\n+x", "c3")],
        [text("done")],
    ]
    async with open_test_codex(script, sandbox="read-only", approval_policy="on-request") as codex:
        events = [await codex.run_turn("go", on_approval=answers) for _ in range(3)]
        output = codex.requests[-1].output_of("c3")
        assert (codex.cwd / "made").read_text() == "bye\n"
        assert not (codex.cwd / "other").exists()
    assert [question.call_id for question in answers.seen] == ["call_1", "c3"]
    assert isinstance(answers.seen[0], ApplyPatchApprovalRequest)
    assert [item.status for turn in events for item in items(turn, FileChange)] == [
        "completed",
        "completed",
        "declined",
    ]
    assert output == "patch rejected by user"


async def test_a_patch_that_removes_files_where_nothing_may_be_written_asks_also_when_permissive() -> None:
    answers = Answers(Denied())
    script = [[patch("*** Delete File: precious")], [text("done")]]
    async with open_test_codex(script, sandbox="read-only", approval_policy="permissive") as codex:
        (codex.cwd / "precious").write_text("x")
        await codex.run_turn("go", on_approval=answers)
        assert (codex.cwd / "precious").exists()
    assert len(answers.seen) == 1


@pytest.mark.parametrize("action", [LEAVE, ADD])
async def test_an_abort_ends_the_turn_and_nothing_has_run(action: Any) -> None:
    script = [[action], [text("never said")]]
    async with open_test_codex(script, sandbox="read-only", approval_policy="on-request") as codex:
        events = await codex.run_turn("go", on_approval=Answers(Abort()))
        assert not (codex.cwd / "made").exists()
        assert len(codex.requests) == 1
    assert isinstance(events[-1], TurnAborted)
    assert [item.status for item in [*items(events, CommandExecution), *items(events, FileChange)]] == ["declined"]


async def test_a_no_to_the_retry_gives_the_model_what_the_sandboxed_run_said() -> None:
    async with open_test_codex([[TOUCH], [text("done")]], sandbox="read-only", approval_policy="on-failure") as codex:
        events = await codex.run_turn("go", on_approval=Answers(Denied()))
        output = codex.requests[1].output_of("call_1")
    assert output.startswith(
        "The sandbox stopped the command, and running it without the sandbox was not allowed: rejec"
    )
    assert "Read-only file system" in output
    assert [item.status for item in items(events, CommandExecution)] == ["failed"]


async def test_a_retry_is_one_item_with_the_output_of_the_run_that_counts() -> None:
    cmd = "echo try; touch made && echo done"
    async with open_test_codex(
        [[call("exec_command", cmd=cmd)], [text("done")]], sandbox="read-only", approval_policy="on-failure"
    ) as codex:
        events = await codex.run_turn("go", on_approval=Answers(Approved()))
    started = [event for event in of(events, ItemStarted) if isinstance(event.item, CommandExecution)]
    (item,) = items(events, CommandExecution)
    assert len(started) == 1
    assert (item.status, item.aggregated_output) == ("completed", "try\ndone\n")


async def test_what_the_policy_refuses_is_told_as_an_event() -> None:
    script = [[LEAVE], [ADD | {"call_id": "c2"}], [FORCE | {"call_id": "c3"}], [text("done")]]
    async with open_test_codex(script, sandbox="read-only") as codex:
        events = await codex.run_turn("go")
        made = str(codex.cwd / "made")
    refused = of(events, ActionRefused)
    assert [(one.call_id, one.action.endswith(("made'", made)), one.reason[:30]) for one in refused] == [
        ("call_1", True, "approval policy is Never; reje"),
        ("c2", True, "writing is blocked by read-onl"),
        ("c3", True, refused[2].reason[:30]),
    ]
    assert "rm -f style commands are not permitted" in refused[2].reason
    assert not of(events, ExecApprovalRequest)


# -- by hand: operations, several at once, ends ------------------------------------------------------------------------


@attrs.define
class ByHand:
    """A turn whose events are read one by one."""

    codex: TestCodex
    events: Any
    seen: list[EventMsg] = attrs.field(factory=list[EventMsg])

    async def until(self, wanted: Callable[[EventMsg], bool]) -> EventMsg:
        with trio.fail_after(60):
            async for event in self.events:
                self.seen.append(event.msg)
                if wanted(event.msg):
                    return event.msg
        raise AssertionError("it never came")

    async def question(self) -> ExecApprovalRequest:
        msg = await self.until(lambda msg: isinstance(msg, ExecApprovalRequest))
        assert isinstance(msg, ExecApprovalRequest)
        return msg


START = TurnInput((TextInput("go"),))


async def test_questions_of_parallel_calls_are_answered_in_any_order() -> None:
    calls = [call("exec_command", f"c{number}", cmd=f"echo {number} > made{number}") for number in range(4)]
    async with open_test_codex([calls, [text("done")]], approval_policy="untrusted") as codex:
        async with codex.thread.open_events() as events:
            hand = ByHand(codex, events)
            await codex.thread.submit(START)
            questions = [await hand.question() for _ in calls]
            assert codex.thread.open_questions == tuple(questions)
            for question in reversed(questions):
                yes = question.call_id in ("c0", "c2")
                await codex.thread.submit(ExecApproval(question.id, Approved() if yes else Denied()))
            await hand.until(lambda msg: isinstance(msg, TaskComplete))
        assert codex.thread.open_questions == ()
        assert sorted(path.name for path in codex.cwd.iterdir()) == ["made0", "made2"]
        outputs = [codex.requests[1].output_of(f"c{number}") == NO for number in range(4)]
    assert outputs == [False, True, False, True]


async def test_a_second_answer_and_a_stranger_are_told_why_they_do_not_count() -> None:
    async with open_test_codex([[TOUCH], [text("done")]], approval_policy="untrusted") as codex:
        async with codex.thread.open_events() as events:
            hand = ByHand(codex, events)
            await codex.thread.submit(START)
            question = await hand.question()
            with pytest.raises(UserError, match="the question 'nobody' is not known here; open: "):
                await codex.thread.submit(ExecApproval("nobody", Approved()))
            await codex.thread.submit(ExecApproval(question.id, Denied()))
            with pytest.raises(UserError, match="has been resolved"):
                await codex.thread.submit(ExecApproval(question.id, Approved()))
            await hand.until(lambda msg: isinstance(msg, TaskComplete))
        assert not (codex.cwd / "made").exists()


async def test_the_thread_takes_other_operations_while_a_question_waits() -> None:
    async with open_test_codex([[TOUCH], [text("done")]], approval_policy="untrusted") as codex:
        async with codex.thread.open_events() as events:
            hand = ByHand(codex, events)
            await codex.thread.submit(START)
            question = await hand.question()
            await codex.thread.submit(TurnInput((TextInput("and quickly"),)))
            await codex.thread.submit(ExecApproval(question.id, Approved()))
            await hand.until(lambda msg: isinstance(msg, TaskComplete))
        assert "and quickly" in codex.requests[1].texts("user")


async def test_an_interrupt_withdraws_the_question_before_the_turn_ends() -> None:
    async with open_test_codex([[TOUCH], [text("done")]], approval_policy="untrusted") as codex:
        async with codex.thread.open_events() as events:
            hand = ByHand(codex, events)
            await codex.thread.submit(START)
            question = await hand.question()
            await codex.thread.submit(Interrupt())
            await hand.until(lambda msg: isinstance(msg, TurnAborted))
            with pytest.raises(UserError, match="has been resolved"):
                await codex.thread.submit(ExecApproval(question.id, Approved()))
        assert codex.thread.open_questions == ()
        assert not (codex.cwd / "made").exists()
    assert of(hand.seen, ApprovalResolved) == [ApprovalResolved(question.turn_id, question.id, "call_1", None)]


async def test_a_thread_that_is_stopped_withdraws_its_questions() -> None:
    async with open_test_codex([[TOUCH], [text("done")]], approval_policy="untrusted") as codex:
        async with codex.thread.open_events() as events:
            hand = ByHand(codex, events)
            await codex.thread.submit(START)
            question = await hand.question()
            await codex.thread.stop()
            await hand.until(lambda msg: isinstance(msg, ShutdownComplete))
    assert of(hand.seen, ApprovalResolved) == [ApprovalResolved(question.turn_id, question.id, "call_1", None)]


async def test_a_question_nobody_answers_is_a_no_at_its_deadline() -> None:
    script = [[TOUCH], [text("done")]]
    async with open_test_codex(script, approval_policy="untrusted", approval_timeout_seconds=1) as codex:
        events = await codex.run_turn("go")
        output = codex.requests[1].output_of("call_1")
        assert not (codex.cwd / "made").exists()
    (question,), (resolved,) = of(events, ExecApprovalRequest), of(events, ApprovalResolved)
    assert question.deadline_at - question.started_at == 1
    assert resolved.decision == TimedOut()
    assert "nobody answered in time, which counts as no" in output


# -- reviewers ---------------------------------------------------------------------------------------------------------


@attrs.define
class Guard:
    """A reviewer of a program."""

    decide: Callable[[Question], ReviewDecision]
    seen: list[Question] = attrs.field(factory=list[Question])

    async def review(self, question: Question) -> ReviewDecision:
        self.seen.append(question)
        await trio.lowlevel.checkpoint()
        return self.decide(question)


async def test_a_reviewer_of_the_program_answers_all_questions() -> None:
    guard = Guard(lambda question: Approved() if question.call_id == "call_1" else Denied("only once"))
    script = [[TOUCH], [call("exec_command", "c2", cmd="touch more")], [text("done")]]
    async with open_test_codex(script, approval_policy="untrusted", reviewer=guard) as codex:
        await codex.run_turn("go")
        assert [path.name for path in codex.cwd.iterdir()] == ["made"]
        assert "rejected by user: only once" in codex.requests[2].output_of("c2")
    assert [question.call_id for question in guard.seen] == ["call_1", "c2"]


async def test_a_reviewer_that_fails_means_no_and_is_told() -> None:
    def broken(_question: Question) -> ReviewDecision:
        raise ValueError("no idea")

    script = [[TOUCH], [text("done")]]
    async with open_test_codex(script, approval_policy="untrusted", reviewer=Guard(broken)) as codex:
        events = await codex.run_turn("go")
        assert not (codex.cwd / "made").exists()
    assert [warning.message for warning in of(events, Warning)] == [
        "the reviewer failed, which counts as no: ValueError('no idea')"
    ]
    assert isinstance(events[-1], TaskComplete)


async def test_a_reviewer_that_never_answers_is_stopped_at_the_deadline() -> None:
    class Sleeper:
        cancelled = False

        async def review(self, question: Question) -> ReviewDecision:
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                self.cancelled = True
                raise
            return Approved()

    sleeper = Sleeper()
    script = [[TOUCH], [text("done")]]
    async with open_test_codex(
        script, approval_policy="untrusted", reviewer=sleeper, approval_timeout_seconds=1
    ) as codex:
        events = await codex.run_turn("go")
        assert not (codex.cwd / "made").exists()
    assert sleeper.cancelled
    assert [one.decision for one in of(events, ApprovalResolved)] == [TimedOut()]


async def test_an_answer_that_does_not_fit_is_the_programs_mistake() -> None:
    script = [[TOUCH], [text("done")]]
    async with open_test_codex(script, approval_policy="untrusted") as codex:
        with pytest.raises(UserError, match="was not proposed"):
            await codex.run_turn("go", on_approval=lambda _: ApprovedExecpolicyAmendment(("rm",)))
