"""What a tool may use: the thread it works for, its settings, and the ports to processes and agents."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Never, Protocol, TypeAlias

import attrs

from actors import Mailbox, Ref
from codex.base.frozen import frozen
from codex.config.schema import Config
from codex.ports.agents import AgentControl
from codex.ports.approvals import Approvals
from codex.ports.meter import Meter
from codex.protocol.event import EventMsg
from codex.protocol.response_item import ResponseItem
from codex.tools.rulebook import RuleBook

if TYPE_CHECKING:
    from codex.hooks import HookRunner
    from codex.patch import Touched
    from codex.ports.dynamic_tools import DynamicTools
    from codex.ports.goals import Goals
    from codex.ports.leases import Leases
    from codex.processes import ProcessManager


class Publisher(Protocol):
    """Where a turn's events and history go; on disk before anybody sees them."""

    async def publish(self, msgs: Sequence[EventMsg], items: Sequence[ResponseItem] = ()) -> None:
        """Keep the items, then show the events. Cancelled, either all of it happened or nothing."""
        ...

    def tell(self, msg: EventMsg) -> None:
        """Show a passing event (a delta); dropped when the thread is behind."""
        ...

    def notify(self, items: Sequence[ResponseItem], *, wake: bool) -> None:
        """Put news into the history before the next request; `wake`: start a turn for them where none runs."""
        ...


class ProcessSource(Protocol):
    """The engine's processes; they are loaded when the first is started."""

    @property
    def opened(self) -> "ProcessManager | None":
        """The manager, where anything was ever started."""
        ...

    async def open(self) -> "ProcessManager":
        """The manager, ready to start processes."""
        ...

    def is_writable(self, config: Config, environ: Mapping[str, str], path: str) -> bool:
        """Whether the sandbox's policy lets the absolute path be written."""
        ...

    def is_readable(self, config: Config, environ: Mapping[str, str], path: str) -> bool:
        """Whether the sandbox's policy lets the absolute path be read."""
        ...


Replay: TypeAlias = Callable[[tuple[str, ...]], tuple[str, ...]]
Background: TypeAlias = Callable[[Mailbox[Never]], Awaitable[None]]


@frozen
class ToolContext:
    """One turn's surroundings, shared by its calls.

    `touched` is all that the turn's patches wrote so far. `spawn_background` starts an actor that
    belongs to the thread and outlives the turn; `thread` owns its processes. `within` narrows the settings to what the
    threads above may now; `leases` are those of the thread on what it writes. `replay` puts the snapshot of the user's
    shell, where there is one, before a command that is about to run. `dynamic` are the tools that were brought along.
    """

    thread_id: str
    session_id: str
    turn_id: str
    config: Config
    environ: Mapping[str, str]
    output_tokens: int
    publisher: Publisher
    approvals: Approvals
    processes: ProcessSource
    agents: AgentControl | None
    thread: Ref[Never]
    spawn_background: Callable[[Background, str], object]
    rules: RuleBook = attrs.field(factory=RuleBook)
    agent_path: str = "/root"
    image_detail: str | None = "high"  # None: the model takes no images
    meter: Meter | None = None
    hooks: "HookRunner | None" = None
    replay: Replay = tuple
    dynamic: "DynamicTools | None" = None
    goals: "Goals | None" = None
    leases: "Leases | None" = None
    within: Callable[[Config], Config] | None = None
    touched: "list[Touched]" = attrs.field(factory=list["Touched"])

    def now(self) -> "ToolContext":
        """The same for a call that begins now: with what the threads above have been denied since the turn began."""
        config = self.config if self.within is None else self.within(self.config)
        return self if config is self.config else attrs.evolve(self, config=config)


@frozen
class CallSite:
    """Where one call runs; `owner` is its own actor, below which it starts what must end with it."""

    call_id: str
    context: ToolContext
    owner: Ref[Never]
