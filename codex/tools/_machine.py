"""One action on its way through approval and sandbox, as a pure machine.

    deciding  --run | outside--> attempting        --refuse--> done
    deciding  --ask------------> asking
    asking    --Answered(yes)--> attempting        in the sandbox, or outside where that was asked
    asking    --Answered(no)---> done              the action never runs
    attempting--Attempted------> done              it ended, or goes on in the background
    attempting--Denied---------> retrying | asking again | done        as the policy says
    asking again --Answered(yes)--> retrying       outside;  --Answered(no)--> done, with what the attempt gave
    retrying  --Attempted, Denied--> done
Law: at most two attempts, the second outside; none before a yes where the table says ask; never asked twice after a
yes. Not decided here: what a command is (execpolicy), who answers (session), whether a failure is a denial (sandbox).
"""

from typing import Literal, TypeAlias

import attrs

from codex.protocol.approval import ReviewDecision, is_approval
from codex.tools.approval import Verdict

State: TypeAlias = Literal["deciding", "asking", "attempting", "asking again", "retrying", "done"]


@attrs.frozen
class Ask:
    """Ask whether it may run; `again`: the sandbox has stopped it, may it run outside?"""

    outside: bool
    again: bool = False


@attrs.frozen
class Attempt:
    """Run it, in the sandbox or outside."""

    outside: bool


@attrs.frozen
class Refuse:
    """It does not run: by the policy, or by an answer, which is then given."""

    decision: ReviewDecision | None = None


@attrs.frozen
class Give:
    """It is over: give what the last attempt gave. `decision`: the no to the question whether to try again."""

    decision: ReviewDecision | None = None


Step: TypeAlias = Ask | Attempt | Refuse | Give


class ActionMachine:
    """Says what to do next with one action.

    Args:
      verdict: what the tables say about it.
      escalated: a yes lets it run outside.
      when_denied: what the tables say once the sandbox has stopped it, where nobody has been asked yet.
    """

    def __init__(self, verdict: Verdict, *, escalated: bool, when_denied: Verdict) -> None:
        self.state: State = "deciding"
        self._verdict = verdict
        self._escalated = escalated
        self._when_denied = when_denied
        self._approved = False
        self._outside = False

    def start(self) -> Step:
        """The first step."""
        if self._verdict == "refuse":
            return self._refuse(None)
        if self._verdict == "ask":
            self.state = "asking"
            return Ask(outside=self._escalated)
        return self._attempt(outside=self._verdict == "outside")

    def answered(self, decision: ReviewDecision) -> Step:
        """Somebody, or the clock, has answered."""
        again = self.state == "asking again"
        assert again or self.state == "asking", f"an answer while {self.state}"
        if is_approval(decision):
            self._approved = True
            return self._attempt(outside=again or self._escalated)
        if not again:
            return self._refuse(decision)
        self.state = "done"
        return Give(decision)

    def attempted(self, *, denied: bool) -> Step:
        """An attempt is over, or goes on in the background; `denied`: the sandbox has stopped it."""
        assert self.state in ("attempting", "retrying"), f"an attempt ended while {self.state}"
        if not denied or self._outside or self._when_denied in ("refuse", "run"):
            self.state = "done"
            return Give()
        if self._when_denied == "ask" and not self._approved:
            self.state = "asking again"
            return Ask(outside=True, again=True)
        return self._attempt(outside=True)

    def _attempt(self, *, outside: bool) -> Attempt:
        self.state = "attempting" if self.state in ("deciding", "asking") else "retrying"
        self._outside = outside
        return Attempt(outside)

    def _refuse(self, decision: ReviewDecision | None) -> Refuse:
        self.state = "done"
        return Refuse(decision)
