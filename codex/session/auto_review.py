"""A model that answers questions in the place of a person. It fails closed: whatever goes wrong is a no."""

from collections.abc import Callable, Sequence

import trio

from codex.base.ids import uuid7
from codex.context.auto_review import VERDICT_SCHEMA, Verdict, read_verdict, review_items
from codex.model import RequestIds, build_request
from codex.ports.model import ModelError, ModelRequest, OutputItemDone
from codex.protocol.approval import Approved, Denied, Question, ReviewDecision, TimedOut
from codex.protocol.event import AssessmentStatus, EventMsg, GuardianAssessment
from codex.protocol.response_item import ResponseItem, message_text
from codex.session.context import SessionContext

_ANSWER_WITHIN = 90.0
_NONSENSE = "the reviewer's answer could not be read as a verdict"


class AutoReviewer:
    """Implements `codex.ports.approvals.Reviewer` with the thread's own model.

    Args:
      history: the thread's items as they are now.
      show: publishes the assessments.
    """

    def __init__(
        self,
        context: SessionContext,
        history: Callable[[], Sequence[ResponseItem]],
        show: Callable[[Sequence[EventMsg]], None],
    ) -> None:
        self._context = context
        self._history = history
        self._show = show

    async def review(self, question: Question) -> ReviewDecision:
        """Ask the model, at most 90 seconds. Cancelled, the assessment is told as aborted."""
        self._tell(question, "in_progress")
        verdict, why, done = None, _NONSENSE, False
        try:
            with trio.move_on_after(_ANSWER_WITHIN) as scope:
                try:
                    verdict = read_verdict(await self._ask(question))
                except ModelError as error:
                    why = f"the reviewer could not be asked: {error}"
            done = True
        finally:
            if not done:
                self._tell(question, "aborted")
        if scope.cancelled_caught:
            self._tell(question, "timed_out")
            return TimedOut()
        return self._decision(question, verdict, why)

    def _decision(self, question: Question, verdict: Verdict | None, why: str) -> ReviewDecision:
        if verdict is None:
            self._tell(question, "denied", rationale=why)
            return Denied(why, by="reviewer")
        self._tell(question, "approved" if verdict.allowed else "denied", verdict.risk_level, verdict.rationale)
        return Approved() if verdict.allowed else Denied(verdict.rationale, by="reviewer")

    async def _ask(self, question: Question) -> str:
        async with self._context.services.client.stream(self._request(question)) as batches:
            said = [
                message_text(event.item)
                async for batch in batches
                for event in batch
                if isinstance(event, OutputItemDone) and event.item.get("type") == "message"
            ]
        return said[-1] if said else ""

    def _request(self, question: Question) -> ModelRequest:
        context, identity = self._context, self._context.identity
        ids = RequestIds(
            root_thread_id=identity.session_id,
            thread_id=identity.thread_id,
            turn_id=uuid7(),
            parent_thread_id=identity.parent_id,
            agent_path=identity.agent_path,
            installation_id=context.services.installation_id,
            request_kind="auto_review",
            originator=context.services.originator,
        )
        items = review_items(question, self._history(), context.config.auto_review_policy)
        return build_request(context.model, ids, input=items, tools=(), output_schema=VERDICT_SCHEMA)

    def _tell(
        self, question: Question, status: AssessmentStatus, risk: str | None = None, rationale: str | None = None
    ) -> None:
        self._show([GuardianAssessment(question.turn_id, question.id, question.call_id, status, risk, rationale)])
