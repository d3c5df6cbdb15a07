"""One agent's record, and what its events say of where it stands.  Pure.

    pending_init --> running <--> completed | errored | interrupted        any living --closed--> shutdown
    doomed: its turn, or all of it, is being ended from outside; only when that is done it is errored, with the cause
    reviving: it has failed and is to start again; until then it is pending_init, whatever becomes of its thread
Law: an agent that was ended from outside, or has crashed, is never told as completed or merely shut down.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from codex.agents.liveness import Liveness
from codex.ports.agents import ExitCause, SpawnRequest
from codex.protocol.budget import Budget
from codex.protocol.event import (
    ErrorNotice,
    EventMsg,
    ItemCompleted,
    ItemStarted,
    ShutdownComplete,
    TaskComplete,
    TaskStarted,
    TokenCount,
    TurnAborted,
    TurnFailed,
)
from codex.protocol.item import AgentMessage, AgentState, CollabToolCall, CommandExecution, FileChange, ThreadItem
from codex.protocol.usage import TokenUsage
from codex.rollout.agents import with_last_words

if TYPE_CHECKING:
    from codex.ports.placement import Placement

NO_BUDGET = Budget()
# What an event means for those who watch: nothing, another state, or the end of the agent's work.
Told: TypeAlias = Literal["nothing", "changed", "ended"]
_ENDED = ("completed", "errored", "shutdown", "not_found")
_AT_WORK = ("pending_init", "running")
_ACTION_CHARS = 120


def _counted(agent: "Agent", changed: "attrs.Attribute[Any]", value: Any) -> Any:  # Any: attrs' own signature
    """Tell the registry when a change gives the agent's place back, or takes one."""
    state, closed = (value, agent.closed) if changed.name == "state" else (agent.state, value)
    works = not closed and state.status in _AT_WORK
    if agent.count is not None and works != agent.working:
        agent.count(agent.parent_id, 1 if works else -1)
    return value


@attrs.define
class Agent:
    """One agent's record.

    `cause` is how its work ended last, None while it works. `failed`: it has crashed, or was ended from outside, which
    its end does not hide. `doom` is why it is being ended from outside. `replaced_by` is the agent that began anew in
    its place; `request` is what that one starts with. `placement` is what its spawn said of where it runs. `detached`:
    it went from its parent to the root. `ends_at` is when its time is over, on Trio's clock. `count` is the registry's,
    once the agent is committed.
    """

    agent_id: str
    parent_id: str
    nickname: str
    path: str
    depth: int
    budget: Budget = NO_BUDGET
    role: str | None = None
    placement: "Placement | None" = None
    state: AgentState = attrs.field(default=AgentState("pending_init"), on_setattr=_counted)
    closed: bool = attrs.field(default=False, on_setattr=_counted)
    failed: bool = False
    usage: TokenUsage = TokenUsage()
    last_words: str | None = None
    wakes_parent: bool = True
    count: Callable[[str, int], None] | None = attrs.field(default=None, eq=False, repr=False)
    cause: ExitCause | None = None
    doom: tuple[ExitCause, str] | None = None
    restarts: int = 0
    reviving: bool = False
    replaced_by: str | None = None
    detached: bool = False
    ends_at: float | None = None
    last_action: str = ""
    request: SpawnRequest | None = attrs.field(default=None, eq=False, repr=False)
    _goes_on: bool = attrs.field(default=False, init=False, eq=False)
    liveness: Liveness = attrs.field(factory=Liveness, eq=False, repr=False)

    @property
    def working(self) -> bool:
        """Whether it takes one of the places."""
        return not self.closed and self.state.status in _AT_WORK

    def fail(self, cause: ExitCause, reason: str) -> None:
        """It is errored now."""
        self.cause, self.doom, self.reviving = cause, None, False
        self.state, self.failed = AgentState("errored", with_last_words(reason, self.last_words)), True

    def revive(self) -> None:
        """It will start again: until then it neither is errored nor gives its place back."""
        self.reviving, self.failed = True, False
        self.restarts += 1
        self.state = AgentState("pending_init")

    def give_up_reviving(self) -> None:
        """Somebody ends it before it has started again."""
        if self.reviving:
            self.reviving = False
            if self.closed:
                self.state = AgentState("shutdown")

    def interrupted_for(self) -> None:
        """Its turn is to end for another task, which it begins at once: in between it is not at rest."""
        self._goes_on = self.state.status == "running"

    def interrupted(self) -> None:
        """It was to start again, and somebody wants it to rest instead."""
        if self.reviving:
            self.reviving, self.cause, self.state = False, "interrupted", AgentState("interrupted")

    def told(self, msg: EventMsg) -> Told:
        """Follow its events."""
        if self.closed:
            return "nothing"
        match msg:
            case TokenCount(total=total):
                self.usage = total
                return "nothing"
            case ItemStarted(item=item):
                self.last_action = _action(item) or self.last_action
                return "nothing"
            case ItemCompleted(item=AgentMessage(text=text)):
                self.last_words = text
                return "nothing"
            case TaskStarted():
                self.last_words, self.failed, self.cause, self.doom, self.reviving = None, False, None, None, False
                self._goes_on = False
                self.state = AgentState("running")
                return "changed"
            case TaskComplete(last_agent_message=text):
                self.cause, self.doom = "completed", None
                self.state = AgentState("completed", text)
                return "ended"
            case TurnAborted() | TurnFailed() | ErrorNotice(turn_id=None):
                return self._cut_off(msg)
            case ShutdownComplete():
                return self._closed()
            case _:
                return "nothing"

    def _cut_off(self, msg: TurnAborted | TurnFailed | ErrorNotice) -> Told:
        match msg:
            case TurnAborted(reason="shutdown"):
                return "nothing"
            case TurnAborted():
                if self.doom is not None:
                    self.fail(*self.doom)
                    self.failed = False  # its thread goes on
                    return "ended"
                if not self.failed and not self._goes_on:
                    self.cause, self.state = "interrupted", AgentState("interrupted")
                return "changed"
            case TurnFailed(message=text, error_kind="worker_lost"):
                self.fail("crashed", text)
                return "ended"
            case TurnFailed(message=text, error_kind=kind):
                self.cause, self.doom = "budget" if kind == "budget_exceeded" else "failed", None
                self.state = AgentState("errored", with_last_words(text, self.last_words))
                return "ended"
            case ErrorNotice(message=text):
                self.fail("crashed", text)
                return "ended"

    def _closed(self) -> Told:
        self.closed = True
        if self.reviving:
            return "changed"
        if self.doom is not None:
            self.fail(*self.doom)
            return "ended"
        if not self.failed:
            self.cause, self.state = self.cause or "closed", AgentState("shutdown")
        return "changed"


def is_final(state: AgentState) -> bool:
    """Whether nothing more comes from the agent by itself."""
    return state.status in _ENDED or state.status == "interrupted"


def _action(item: ThreadItem) -> str:
    """What the agent begins to do, in a line; empty for what it says and thinks."""
    match item:
        case CommandExecution(command=command):
            text = " ".join(command)
        case CollabToolCall(tool=tool):
            text = tool
        case FileChange(changes=changes):
            text = f"patch {', '.join(change.path for change in changes)}"
        case _:
            return ""
    line = " ".join(text.split())
    return line if len(line) <= _ACTION_CHARS else f"{line[: _ACTION_CHARS - 1]}…"
