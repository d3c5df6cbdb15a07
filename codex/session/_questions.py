"""The open questions of one thread, as a pure machine.

    ask    --every key was approved before--> answered at once
    ask    ---------------------------------> open
    open   --answer | due | reviewed--------> answered        the first one counts; the asker is told
    open   --close--------------------------> closed          the asker has gone
    answered --close------------------------> closed          and a yes for the session is remembered
Law: every question is answered at most once, and a yes counts for its own keys only.
Not decided here: who answers, when it is due, what is shown (approvals), what a yes allows (tools).
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, TypeAlias, TypeVar

import attrs

from codex.ports.approvals import ApprovalKey, Asked
from codex.protocol.approval import ApprovedForSession, Question, ReviewDecision, refusal_of

_REMEMBERED = 256
_MAX_APPROVED = 4_096  # over it the oldest are asked about again

T = TypeVar("T")
Standing: TypeAlias = Literal["open", "answered"]


@attrs.define
class _Entry:
    asked: Asked
    standing: Standing = "open"


class OpenQuestions:
    """What waits for an answer, what was answered, and what need not be asked any more."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._approved: OrderedDict[ApprovalKey, None] = OrderedDict()
        self._closed: OrderedDict[str, None] = OrderedDict()

    @property
    def open(self) -> tuple[Question, ...]:
        """Those without an answer, in the order they came."""
        return tuple(entry.asked.question for entry in self._entries.values() if entry.standing == "open")

    @property
    def all(self) -> tuple[Question, ...]:
        """Those that are not closed, in the order they came."""
        return tuple(entry.asked.question for entry in self._entries.values())

    def find(self, question_id: str) -> Question | None:
        """The question of this id, unless it is closed."""
        entry = self._entries.get(question_id)
        return entry.asked.question if entry else None

    def is_approved(self, keys: Sequence[ApprovalKey]) -> bool:
        """Whether all of it was approved for the session before."""
        return bool(keys) and all(key in self._approved for key in keys)

    def ask(self, asked: Asked) -> bool:
        """Take a question; False when it need not be asked, since all of it was approved before."""
        if self.is_approved(asked.keys):
            return False
        self._entries[asked.question.id] = _Entry(asked)
        return True

    def refusal(self, question_id: str, decision: ReviewDecision) -> str | None:
        """Why an answer cannot be taken; None when it can."""
        entry = self._entries.get(question_id)
        if entry is None:
            known = ", ".join(question.id for question in self.open) or "none"
            gone = "has been resolved" if question_id in self._closed else f"is not known here; open: {known}"
            return f"the question {question_id!r} {gone}"
        if entry.standing == "answered":
            return f"the question {question_id!r} has been resolved"
        return refusal_of(entry.asked.question, decision)

    def answer(self, question_id: str) -> Question | None:
        """Take an answer; the question when this is the first one to it."""
        entry = self._entries.get(question_id)
        if entry is None or entry.standing == "answered":
            return None
        entry.standing = "answered"
        return entry.asked.question

    def close(self, question_id: str, decision: ReviewDecision | None) -> Question | None:
        """The asker has its answer, or has gone; the question, None when it is not known or closed already."""
        entry = self._entries.pop(question_id, None)
        if entry is None:
            return None
        self._closed[question_id] = None
        if isinstance(decision, ApprovedForSession):
            self._approved.update(dict.fromkeys(entry.asked.keys))
        _keep_newest(self._closed, _REMEMBERED)
        _keep_newest(self._approved, _MAX_APPROVED)
        return entry.asked.question


def _keep_newest(entries: OrderedDict[T, None], bound: int) -> None:
    while len(entries) > bound:
        entries.popitem(last=False)
