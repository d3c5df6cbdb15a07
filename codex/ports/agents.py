"""Sub-agents, as a tool call sees them: they are asked for, waited for, spoken to and closed."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from codex.base.errors import ToolFailure
from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject
from codex.protocol.budget import Budget
from codex.protocol.item import AgentState
from codex.protocol.letter import Letter, LetterKind
from codex.protocol.usage import TokenUsage

if TYPE_CHECKING:
    from codex.ports.placement import Placement


def state_json(state: AgentState) -> str | JsonObject:
    """A state as the model reads it: a word, or the word with the agent's last message."""
    return {state.status: state.message} if state.status in ("completed", "errored") else state.status


Generation: TypeAlias = Literal["v1", "v2"]
# Called with a letter; returns when the author's rollout has it.
Keep: TypeAlias = Callable[[Letter], Awaitable[None]]
# Which of a thread's history a new agent starts with: none, what was said, or that of the last turns.
ForkTurns: TypeAlias = Literal["none", "all"] | int


# How an agent's work has ended: as it should; by a failure; from outside.
ExitCause: TypeAlias = Literal[
    "completed", "failed", "crashed", "stalled", "budget", "deadline", "interrupted", "closed"
]
# What of an agent is to end: its turn; all that it and those below it do; nothing, it only leaves its parent.
CancelScope: TypeAlias = Literal["turn", "subtree", "detach"]
CANCEL_SCOPES: tuple[CancelScope, ...] = ("turn", "subtree", "detach")
# After these a role may have its agents started again.
FAILURES: tuple[ExitCause, ...] = ("failed", "crashed", "stalled")


class AgentFailure(ToolFailure):
    """What was asked of the agents cannot be done; the text is for the model."""


@frozen
class SpawnRequest:
    """The agent that is wanted.

    `model` and `reasoning_effort`: None is the parent's. `role`: the agent's, None is the default one.
    `isolation`: whether it works in its parent's directory, there with leases on what it writes, or in a git worktree
    of its own; `placement`: whether in this process or in a worker process of its own; None is as its role says.
    `paths`: with leases, those that it has whenever it works.
    `fork_context`: it starts with the parent's history. `queue`: wait for a free place, first come first served,
    instead of failing. `output_schema`: what its answer is to fit.
    `wakes_parent`: its ends start a turn of an idle parent, where that is on; not where a program takes the answer.

    With a `task_name` the agent stands under it in the tree, starts with what was said in `fork_turns`, and reads its
    first message as a letter, which `keep` has written.
    """

    message: str
    model: str | None = None
    reasoning_effort: str | None = None
    role: str | None = None
    isolation: Literal["share", "worktree", "lease"] | None = None
    placement: "Placement | None" = None
    paths: tuple[str, ...] = ()
    fork_context: bool = False
    budget: Budget = Budget()
    queue: bool = False
    output_schema: JsonObject | None = None
    wakes_parent: bool = True
    task_name: str | None = None
    fork_turns: ForkTurns = "none"
    keep: Keep | None = None


@frozen
class AgentInfo:
    """One agent as others see it.

    `usage` is its own; `below` is that of all agents below it. `usd` is what its own use cost, None where no price of
    its model is known. `cause` is how its work ended last, None while it works; `last_words` what it had said by then.
    `restarts` counts how often it was started again; `replaced_by` is the agent that began anew in its place.
    `detached`: it belongs to the root thread, whoever started it.
    """

    agent_id: str
    parent_id: str
    path: str
    nickname: str
    role: str
    model: str
    state: AgentState
    budget: Budget
    usage: TokenUsage
    below: TokenUsage
    usd: float | None = None
    cause: ExitCause | None = None
    last_words: str | None = None
    last_action: str = ""
    restarts: int = 0
    replaced_by: str | None = None
    detached: bool = False

    @property
    def subtree(self) -> TokenUsage:
        """What it and all agents below it have used."""
        return self.usage + self.below


@frozen
class Spawned:
    """A new sub-agent: its thread's id, the name people see, and its place in the tree."""

    agent_id: str
    nickname: str
    path: str


@frozen
class Waited:
    """States of the agents that have ended; none and `timed_out` when the time ran out first."""

    states: Mapping[str, AgentState]
    timed_out: bool


@frozen
class Listed:
    """One agent of the tree, the root among them."""

    agent_id: str
    path: str
    state: AgentState


class Mail(Protocol):
    """What a thread may do with all agents of its tree, in the second generation: they write letters to each other.

    Targets are absolute paths, paths relative to the thread, or thread ids; AgentFailure names what is known where none
    is meant.
    """

    async def find(self, target: str) -> Listed:
        """The living agent that is meant."""
        ...

    async def list(self, path_prefix: str | None) -> Sequence[Listed]:
        """All living agents, or those at and below a path."""
        ...

    async def send(self, target: str, text: str, *, kind: LetterKind, keep: Keep) -> None:
        """Write a letter; one of the kind NEW_TASK starts a turn where none runs.

        Cancel-safe: once `keep` has it, it arrives. Raises: AgentFailure for a full mailbox, and where there is no
        place for one more agent at work.
        """
        ...

    async def wait(self, *, within: float) -> bool:
        """Wait until there is anything new to read, from an agent or the user; False when the time ran out.

        Raises: AgentFailure, with the circle, where all that could write wait themselves, and no user is there.
        """
        ...

    async def interrupt(self, target: str) -> AgentState:
        """End an agent's turn; its state before. Returns when the turn has ended. Cancel-safe: it may end later."""
        ...

    def read(self, letter_ids: Collection[str], *, requested: bool) -> None:
        """The thread's rollout has these; `requested`: its next request carries all there was to read."""
        ...

    def steered(self) -> None:
        """The user has said something."""
        ...


class AgentControl(Protocol):
    """The agents below one thread. `mail` is None in the first generation."""

    @property
    def mail(self) -> Mail | None:
        """Letters between all agents of the tree."""
        ...

    async def spawn(self, request: SpawnRequest) -> Spawned:
        """Start an agent with a first message; returns once it has taken it.

        Cancel-safe: cancelled, no agent is left. Raises: AgentFailure over a limit.
        """
        ...

    async def list_below(self) -> Sequence[AgentInfo]:
        """All agents below this thread that were ever started, each after its parent."""
        ...

    async def wait(self, targets: Sequence[str], *, within: float) -> Waited:
        """Wait until one of the targets has ended its turn, at most `within` seconds. Cancel-safe.

        Raises: AgentFailure, with the circle, where all targets themselves wait for this thread's agent.
        """
        ...

    async def send_input(
        self, target: str, message: str, *, interrupt: bool, output_schema: JsonObject | None = None
    ) -> str:
        """Hand a message to an agent, ending its running turn first if asked; the submission's id.

        A turn that starts with it gives an answer that fits `output_schema`.
        """
        ...

    async def resume(self, target: str) -> AgentState:
        """Start a closed agent again, with its history; its state. One that lives stays as it is.

        Cancel-safe: cancelled, it is not started. Raises: AgentFailure over a limit, and for strangers.
        """
        ...

    async def interrupt(self, target: str, *, subtree: bool = False) -> AgentState:
        """End an agent's turn; with `subtree` the turns and background commands of it and of all below it.

        All of them take further tasks. Its state before; returns when nothing of that runs any more. Cancelled, it may
        be done all the same.
        """
        ...

    async def detach(self, target: str) -> AgentState:
        """Let an agent, with all below it, belong to the root thread from now on; where it stands.

        Cancelled, it may be done all the same. Raises: AgentFailure where it cannot go on without the agent above it.
        """
        ...

    async def close(self, target: str) -> AgentState:
        """End an agent and all below it; its state before. Returns when nothing of it is left."""
        ...

    async def look_up(self, target: str) -> AgentState:
        """Where an agent stands; `not_found` for strangers."""
        ...


@runtime_checkable
class LocalControl(AgentControl, Protocol):
    """The same in the process that has the tree, for programs: what is known there needs no asking."""

    def below(self) -> Sequence[AgentInfo]:
        """As `list_below`."""
        ...

    def state(self, target: str) -> AgentState:
        """As `look_up`."""
        ...


def generation(control: AgentControl | None) -> Generation | None:
    """Which tools for agents a thread has."""
    if control is None:
        return None
    return "v1" if control.mail is None else "v2"
