"""Approve commands from a program: a policy of your own answers what the agent must ask."""

import trio

from codex.protocol.approval import (
    Abort,
    Approved,
    ApprovedForSession,
    Denied,
    ExecApprovalRequest,
    Question,
    ReviewDecision,
)
from codex.protocol.event import ApprovalResolved
from codex.testing import call, open_test_codex, text

SCRIPT = [
    [call("exec_command", "a", cmd="touch notes.txt"), call("exec_command", "b", cmd="curl https://example.org")],
    [call("exec_command", "c", cmd="touch notes.txt")],
    [text("I made the file; the download was refused.")],
]


def decide(question: Question) -> ReviewDecision:
    """Files may be touched, the network may not, and anything else ends the turn."""
    if not isinstance(question, ExecApprovalRequest):
        return Approved()  # patches are fine
    command = question.command[-1]
    print(f"{question.agent_path} asks: {command}")
    if command.startswith("touch "):
        return ApprovedForSession()
    return Denied("work offline") if "curl" in command else Abort()


async def main() -> None:
    async with open_test_codex(SCRIPT, approval_policy="untrusted") as codex:
        async for event in codex.thread.run("Make a file.", on_approval=decide):
            match event.msg:
                case ApprovalResolved(call_id=call_id, decision=decision):
                    print(f"{call_id}: {decision.kind if decision else 'withdrawn'}")
                case _:
                    pass
        print("made:", (codex.cwd / "notes.txt").exists())
        print("the model was told:", codex.requests[1].output_of("b").split('\\"')[1].rstrip("\\"))


trio.run(main)
