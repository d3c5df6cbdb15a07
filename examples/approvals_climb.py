"""Approvals climb: an agent two levels down asks, and a human at the root answers, who sees the path of the asker."""

from collections.abc import Callable

import trio

from codex.base.jsontext import Json, JsonObject
from codex.protocol.approval import ApprovedForSession, Denied, ExecApprovalRequest, Question, ReviewDecision
from codex.testing import call, open_test_codex, text

ASK = {"sandbox_permissions": "require_escalated", "justification": "May I change this file?"}
CHILD = '${re:"agent_id":"([^"]+)"}'


def lead(name: str) -> Json:
    """The turns of an agent that hands its task on, and waits."""
    spawn = call("spawn_agent", "spawn", message=f"Tidy up. [[script:{name}]]")
    return [[spawn], [call("wait_agent", "wait", targets=[CHILD], timeout_ms=60_000)], [text(f"{name} is done.")]]


SCRIPT: JsonObject = {
    "scripts": {
        "root": lead("editor"),
        "editor": lead("typist"),
        "typist": [
            [call("exec_command", "a", cmd="echo tidy > notes.txt", **ASK)],
            [call("exec_command", "b", cmd="echo gone > ledger.txt", **ASK)],
            [text("I tidied the notes; the ledger is not mine to change.")],
        ],
    },
    "default": "root",
}


def human(said: Callable[[str], None]) -> Callable[[Question], ReviewDecision]:
    """Somebody at the root: in a real program a dialog, which may take as long as the question's deadline says."""

    def answer(question: Question) -> ReviewDecision:
        assert isinstance(question, ExecApprovalRequest)
        yes = "notes" in question.command[-1]
        said(f"{question.agent_path} asks: {question.reason} -> {'yes' if yes else 'no'}")
        return ApprovedForSession() if yes else Denied("the ledger stays as it is")

    return answer


async def main() -> None:
    async with open_test_codex(SCRIPT, sandbox="read-only", approval_policy="on-request", max_depth=2) as codex:
        await codex.run_turn("Tidy up.", on_approval=human(print))
        print("written:", sorted(path.name for path in codex.cwd.iterdir()))


trio.run(main)
