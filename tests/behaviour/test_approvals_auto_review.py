"""A model answers questions in the place of a person: it sees the work, and whatever goes wrong with it is a no."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from codex.base.jsontext import JsonObject
from codex.protocol.event import (
    ApprovalResolved,
    ErrorNotice,
    EventMsg,
    ExecApprovalRequest,
    GuardianAssessment,
    TaskComplete,
    TurnAborted,
)
from codex.testing import call, cut, open_test_codex, text
from codex.testing.kit import SeenRequest

FORCE = call("exec_command", cmd="rm -f made")


def verdict(outcome: str) -> JsonObject:
    return text(json.dumps({"outcome": outcome, "risk_level": "medium", "rationale": "Because."}))


def scripts(agent: list[Any], *verdicts: JsonObject) -> JsonObject:
    return {
        "scripts": {"agent": agent, "reviewer": [[one] for one in verdicts]},
        "rules": [{"match": "The action under review:", "script": "reviewer"}],
        "default": "agent",
    }


def settings(**more: Any) -> dict[str, Any]:
    return {"approval_policy": "on-request", "approvals_reviewer": "auto_review", **more}


def assessments(events: Sequence[EventMsg]) -> list[tuple[str, str | None, str | None]]:
    found = [event for event in events if isinstance(event, GuardianAssessment)]
    return [(event.status, event.risk_level, event.rationale) for event in found]


def reviews(requests: Sequence[SeenRequest]) -> list[SeenRequest]:
    return [request for request in requests if "The action under review:" in "".join(request.texts("user"))]


@pytest.mark.parametrize(("outcome", "status"), [("allow", "approved"), ("deny", "denied")])
async def test_the_verdict_of_the_model_counts(outcome: str, status: str) -> None:
    script = scripts([[FORCE], [text("done")]], verdict(outcome))
    async with open_test_codex(script, **settings(auto_review_policy="Be fair.")) as codex:
        (codex.cwd / "made").touch()
        events = await codex.run_turn("tidy up")
        assert (codex.cwd / "made").exists() == (outcome == "deny")
        (review,) = reviews(codex.requests)
        output = codex.requests[-1].output_of("call_1")
    assert assessments(events) == [("in_progress", None, None), (status, "medium", "Because.")]
    assert not [event for event in events if isinstance(event, ExecApprovalRequest | ApprovalResolved)]
    assert ("rejected by reviewer: Because." in output) == (outcome == "deny")
    assert "user: tidy up" in review.texts("user")[0]
    assert review.texts("developer")[0].endswith("The user adds:\nBe fair.")
    assert review.body["tools"] == []
    assert isinstance(events[-1], TaskComplete)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (text("Sure, go on!"), "the reviewer's answer could not be read as a verdict"),
        (call("exec_command", cmd="true"), "the reviewer's answer could not be read as a verdict"),
        (cut(), "the reviewer could not be asked"),
    ],
)
async def test_whatever_goes_wrong_with_the_reviewer_is_a_no(answer: JsonObject, why: str) -> None:
    script = scripts([[FORCE], [text("done")]], answer)
    async with open_test_codex(script, **settings()) as codex:
        (codex.cwd / "made").touch()
        events = await codex.run_turn("tidy up")
        assert (codex.cwd / "made").exists()
    (_, (status, risk, rationale)) = assessments(events)
    assert (status, risk) == ("denied", None)
    assert rationale is not None
    assert rationale.startswith(why)
    assert isinstance(events[-1], TaskComplete)


async def test_a_reviewer_that_keeps_saying_no_ends_the_turn() -> None:
    calls = [[call("exec_command", f"c{number}", cmd="rm -f made")] for number in range(5)]
    script = scripts([*calls, [text("never")]], *([verdict("deny")] * 5))
    async with open_test_codex(script, **settings()) as codex:
        events = await codex.run_turn("tidy up")
    assert [status for status, *_ in assessments(events)] == ["in_progress", "denied"] * 3
    (error,) = [event for event in events if isinstance(event, ErrorNotice)]
    assert error.error_kind == "too_many_denials"
    assert isinstance(events[-1], TurnAborted)
