"""Performs what the machine of an action decides: asks, attempts, asks again.

What an attempt is stands with the tool: a command that is run, a patch that is written.
"""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

import attrs

from codex.base.errors import UserError
from codex.base.ids import uuid7
from codex.ports.approvals import ApprovalKey, Asked
from codex.protocol.approval import ApprovedExecpolicyAmendment, Question, ReviewDecision
from codex.protocol.event import ActionRefused, Warning
from codex.tools._machine import ActionMachine, Ask, Attempt, Give, Refuse
from codex.tools.context import CallSite, ToolContext

T = TypeVar("T")


@attrs.frozen
class Attempted(Generic[T]):
    """What an attempt gave; `denied`: the sandbox has stopped it."""

    result: T
    denied: bool = False


@attrs.frozen
class Refused:
    """It never ran, by the policy, and nobody was asked."""


@attrs.frozen
class Declined:
    """It never ran, by this answer."""

    decision: ReviewDecision


@attrs.frozen
class Done(Generic[T]):
    """It ran; `decision` is the no to the question whether it may run again outside."""

    result: T
    decision: ReviewDecision | None = None


@attrs.frozen
class QuestionFacts:
    """What every question of a call says."""

    id: str
    thread_id: str
    turn_id: str
    call_id: str
    agent_path: str
    started_at: float
    deadline_at: float


Make: TypeAlias = Callable[[Ask, QuestionFacts], Awaitable[Question]]


async def perform(
    machine: ActionMachine,
    site: CallSite,
    *,
    keys: Sequence[ApprovalKey],
    question: Make,
    attempt: Callable[[Attempt], Awaitable[Attempted[T]]],
) -> Refused | Declined | Done[T]:
    """Take an action to its end. Cancelled, a question is withdrawn; an attempt ends as its tool says.

    Args:
      keys: what a yes for the session is remembered under; also for the question whether to try again.
      question: shows that the action is there, and makes the question about it.
      attempt: runs it, in the sandbox or outside.
    """
    approvals, step = site.context.approvals, machine.start()
    result: Attempted[T] | None = None
    while True:
        match step:
            case Ask():
                made = await question(step, _facts(site))
                decision = await approvals.review(Asked(made, (*_scoped(keys, outside=step.outside),)))
                if isinstance(decision, ApprovedExecpolicyAmendment):
                    await _allow(site.context, decision.proposed_execpolicy_amendment)
                step = machine.answered(decision)
            case Attempt():
                result = await attempt(step)
                step = machine.attempted(denied=result.denied)
            case Refuse(decision=decision):
                return Refused() if decision is None else Declined(decision)
            case Give(decision=decision):
                assert result is not None, "nothing is given before an attempt"
                return Done(result.result, decision)


async def _allow(context: ToolContext, prefix: Sequence[str]) -> None:
    """Make a rule of the prefix; where it cannot be kept, that is told, and the yes holds."""
    try:
        await context.rules.allow(prefix)
    except UserError as error:
        await context.publisher.publish([Warning(str(error))])


async def tell_refusal(site: CallSite, action: str, reason: str) -> None:
    """Show that the policy refused an action."""
    context = site.context
    await context.publisher.publish([ActionRefused(context.turn_id, site.call_id, action, reason)])


def file_keys(paths: Sequence[str]) -> tuple[ApprovalKey, ...]:
    """What the files of a patch are remembered under."""
    return tuple(("file", os.path.realpath(path)) for path in paths)


def _scoped(keys: Sequence[ApprovalKey], *, outside: bool) -> Sequence[ApprovalKey]:
    """A yes to a run in the sandbox is none to a run outside."""
    return [(*key, "outside" if outside else "inside") for key in keys]


def _facts(site: CallSite) -> QuestionFacts:
    context, now = site.context, time.time()
    return QuestionFacts(
        id=uuid7(),
        thread_id=context.thread_id,
        turn_id=context.turn_id,
        call_id=site.call_id,
        agent_path=context.agent_path,
        started_at=now,
        deadline_at=now + context.config.approval_timeout_seconds,
    )
