"""How a call asks whether it may, and who answers.

A call asks its thread (`Approvals`), which knows what was approved before, and passes the question on: to a `Reviewer`
where the program or the configuration names one, else as an event to whoever watches the thread.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import attrs

from codex.protocol.approval import Approved, Denied, Question, ReviewDecision

ApprovalKey: TypeAlias = tuple[str, ...]
Answer: TypeAlias = ReviewDecision | bool
OnApproval: TypeAlias = Callable[[Question], "Answer | Awaitable[Answer]"]
"""What a program does about a question: a function, async or not; True and False stand for `Approved` and `Denied`."""


async def answer_by(on_approval: OnApproval, question: Question) -> ReviewDecision:
    """The program's answer. Cancelled as its function is."""
    given = on_approval(question)
    answer = await given if isinstance(given, Awaitable) else given
    if isinstance(answer, bool):
        return Approved() if answer else Denied()
    return answer


@attrs.frozen
class Asked:
    """A question, and what a yes for the session would be remembered under.

    Every key must have been approved before for the answer to be yes without asking: the one of a command, or those
    of all files of a patch. A question without keys is always asked.
    """

    question: Question
    keys: tuple[ApprovalKey, ...] = ()


class Reviewer(Protocol):
    """Answers questions in the place of a person: a program of yours, or a model."""

    async def review(self, question: Question) -> ReviewDecision:
        """The answer. It may take until the question's deadline, then it is cancelled and the answer is no.

        Questions of calls that run side by side come side by side. Cancelled: the answer is not needed any more.
        Whatever it raises counts as no, and a warning tells what it was.
        """
        ...


class Approvals(Protocol):
    """A thread's approvals, as its calls see them."""

    async def review(self, asked: Asked) -> ReviewDecision:
        """The answer to a question, at the latest at its deadline. Cancelled: the question is withdrawn."""
        ...

    async def abort(self, turn_id: str) -> None:
        """End the turn that the call belongs to; it returns only if nobody stops the call."""
        ...
