"""One thread's mind, as a pure machine.

    idle     --Input------> running      a turn starts with it
    idle     --Compact----> running      a turn starts that compacts the history; while one runs it is refused
    running  --Input------> running      the turn is steered with it
    running  --Interrupt--> stopping     the turn is told to end
    running  --TurnEnded--> idle         or running, where input was left over
    stopping --Input------> stopping     kept for the turn after
    stopping --TurnEnded--> idle         or running, where input was left over
    idle     --Shutdown---> closed
    running  --Shutdown---> closing      the turn is told to end
    closing  --TurnEnded--> closed
    idle     --Shell------> running      the command is a turn; beside a running one it changes nothing
    idle     --News-------> running      a turn starts without input, for news that are to wake it
    stopping --Task-------> stopping     kept: the turn starts after this one
    running  --News-------> running      kept: the turn starts after this one, unless a request of this one carried them
Law: every input is recorded in exactly one turn, or refused; at most one turn runs.
Not decided here: what a turn does (turn), what is written (rollout).
"""

from collections import deque
from collections.abc import Sequence
from typing import Literal, TypeAlias

from codex.base.frozen import frozen
from codex.protocol.op import RunUserShellCommand, TurnInput

MAX_WAKES = 25
"""Turns that start by news alone, until the user says something again."""

State: TypeAlias = Literal["idle", "running", "stopping", "closing", "closed"]


@frozen
class StartTurn:
    """Start a turn with this input."""

    input: TurnInput


@frozen
class RunShell:
    """Run the user's command: as a turn of its own, or `beside` the one that runs."""

    op: RunUserShellCommand
    beside: bool


@frozen
class StartCompaction:
    """Start a turn that compacts the history and does nothing else."""


@frozen
class SteerTurn:
    """Hand this input to the running turn; where that is gone already, say so by `steer_refused`."""

    input: TurnInput


@frozen
class StopTurn:
    """Tell the running turn to end."""


@frozen
class Close:
    """Nothing runs any more: end the thread."""


@frozen
class Refuse:
    """The input cannot be taken; `reason` is for whoever sent it."""

    reason: str


Effect: TypeAlias = StartTurn | StartCompaction | RunShell | SteerTurn | StopTurn | Close | Refuse


class SessionMachine:
    """Decides what becomes of operations."""

    def __init__(self) -> None:
        self.state: State = "idle"
        self._left_over: deque[TurnInput] = deque()
        self._woken = False
        self._wakes = 0

    def submitted(self, op: TurnInput) -> list[Effect]:
        """Input from the user."""
        if self.state in ("closing", "closed"):
            return [Refuse("the thread is closing")]
        if not op.items:
            return [Refuse("the input is empty; send at least one item")]
        self._wakes = 0
        if self.state == "idle":
            self.state = "running"
            return [StartTurn(op)]
        if op.mode == "start_if_idle":
            return [Refuse("a turn is running; wait for its end, or steer it")]
        if self.state == "stopping":
            self._left_over.append(op)
            return []
        return [SteerTurn(op)]

    def shell_command(self, op: RunUserShellCommand) -> list[Effect]:
        """A command of the user's."""
        if self.state in ("closing", "closed"):
            return [Refuse("the thread is closing")]
        if not op.command.strip():
            return [Refuse("the command is empty")]
        beside = self.state != "idle"
        self.state = self.state if beside else "running"
        return [RunShell(op, beside)]

    def compaction_asked(self) -> list[Effect]:
        """The user wants the history to be compacted."""
        if self.state in ("closing", "closed"):
            return [Refuse("the thread is closing")]
        if self.state != "idle":
            return [Refuse("a turn is running; compact the conversation after it")]
        self.state = "running"
        return [StartCompaction()]

    def steer_refused(self, op: TurnInput) -> list[Effect]:
        """The turn is gone, and its end not known here yet."""
        self._left_over.append(op)
        return []

    def interrupted(self) -> list[Effect]:
        """The user wants the turn to end."""
        self._woken = False
        if self.state != "running":
            return []
        self.state = "stopping"
        return [StopTurn()]

    def shut_down(self) -> list[Effect]:
        """The thread is to end."""
        match self.state:
            case "idle":
                self.state = "closed"
                return [Close()]
            case "running":
                self.state = "closing"
                return [StopTurn()]
            case "stopping":
                self.state = "closing"
                return []
            case "closing" | "closed":
                return []

    def turn_ended(self, left_over: Sequence[TurnInput] = ()) -> list[Effect]:
        """The turn and all it started are gone; input that came too late for it starts the next one."""
        self._left_over.extendleft(reversed(left_over))
        if self.state == "closing":
            self.state = "closed"
            return [Close()]
        if self._left_over:
            self.state = "running"
            return [StartTurn(self._left_over.popleft())]
        self.state = "idle"
        return self.woken() if self._woken else []

    def woken(self, *, task: bool = False) -> list[Effect]:
        """News came that are to wake the agent. After many in a row they wait for the user, unless they are a task."""
        self._wakes = 0 if task else self._wakes
        self._woken = self.state == "running" or (task and self.state == "stopping")
        if self.state != "idle" or self._wakes >= MAX_WAKES:
            return []
        self._wakes += 1
        self.state = "running"
        return [StartTurn(TurnInput(()))]

    def news_read(self) -> None:
        """A request carries all news so far."""
        self._woken = False
