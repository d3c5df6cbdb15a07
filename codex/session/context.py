"""What a session is made of: who it is, what is in force, and what it works with."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

import codex.rollout as rollout
from actors import Down, Mailbox, Ref
from codex.base.frozen import frozen
from codex.base.jsontext import get_str
from codex.config.schema import Config
from codex.model import ModelInfo
from codex.ports.agents import AgentControl
from codex.ports.approvals import Reviewer
from codex.ports.meter import Meter, Purse
from codex.ports.model import ModelClient
from codex.protocol.budget import Budget
from codex.protocol.item import ChangeKind
from codex.protocol.letter import is_letter
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.session.in_force import InForce
from codex.session.messages import Message
from codex.session.outbox import Outbox
from codex.tools import ProcessSource
from codex.tools.rulebook import RuleBook

if TYPE_CHECKING:
    from codex.ports.dynamic_tools import DynamicTools
    from codex.ports.goals import Goals
    from codex.ports.leases import Leases
    from codex.ports.workplace import Workplace

Inbox: TypeAlias = Message | Down


@frozen
class Identity:
    """Who a thread is. `session_id` is the root thread's id, `agent_path` starts at `/root`.

    `budget` is a root's own, if it has any.
    """

    thread_id: str
    session_id: str
    parent_id: str | None = None
    agent_path: str = "/root"
    nickname: str | None = None
    depth: int = 0
    role: str | None = None
    forked_from: str | None = None
    budget: Budget | None = None


@frozen
class Restored:
    """What a thread starts with: nothing, a stored history with its rollout's path, or its parent's history.

    `instructions` are those it was told before; `cut_off`: its last turn never ended, the program died in it;
    `window`: the context window it stopped in, None where it starts in its first; `model` and `last_tokens`: which
    model it spoke to last, and how large the context was then (0: unknown); `changed`: the files that patches wrote.
    """

    items: tuple[ResponseItem, ...] = ()
    usage: TokenUsage = TokenUsage()
    path: str | None = None
    instructions: str | None = None
    cut_off: bool = False
    window: "rollout.Window | None" = None
    model: str | None = None
    last_tokens: int = 0
    changed: Mapping[str, ChangeKind] = attrs.field(factory=dict[str, ChangeKind])


def _letters_once(items: Iterable[ResponseItem]) -> Iterator[ResponseItem]:
    """A letter that came while the disk was full, and again after a crash before there was room, is there twice."""
    seen = set[str]()
    for item in items:
        if is_letter(item):
            if get_str(item, "id") in seen:
                continue
            seen.add(get_str(item, "id"))
        yield item


def restored_from(stored: "rollout.Restored") -> Restored:
    """What a stored thread goes on with."""
    cut_off = stored.last_turn is not None and stored.last_turn.unfinished
    return Restored(
        tuple(_letters_once(stored.items)),
        stored.usage,
        stored.path,
        stored.base_instructions,
        cut_off,
        stored.window,
        stored.settings.model,
        stored.last_usage.total_tokens,
        stored.changed,
    )


@attrs.define
class Places:
    """Where the parts of a thread are reached: each enters itself when it starts; a restart does not change its ref."""

    session: Ref[Message] | None = None
    agents: AgentControl | None = None
    writer: Ref[rollout.Message] | None = None
    in_force: InForce | None = None
    """Its settings, within those of the threads above."""
    parent: Ref[Message] | None = None
    """The session that owns the thread, and answers for it."""


@frozen
class Services:
    """What all sessions of an engine share.

    `reviewer`: the program's own, which answers the questions of all. `source`: which front-end starts threads, as
    rollouts name it. `meter`: counts for a session with a budget, whose model is
    paid from its `purse`. `workplace`: where a session with a directory of its
    own hands its changes in at the end of each turn. `leases`: those of a session that shares its directory with them.
    `goals`: those of threads, where somebody keeps them; root threads have tools for them then.
    """

    client: ModelClient
    processes: ProcessSource
    environ: Mapping[str, str]
    originator: str
    installation_id: str
    reviewer: Reviewer | None = None
    source: str = "exec"
    meter: Meter | None = None
    purse: Purse | None = None
    workplace: "Workplace | None" = None
    leases: "Leases | None" = None
    goals: "Goals | None" = None


@attrs.define
class SessionContext:
    """One session's surroundings; `config` and `model` change between turns, by the session's `Settings` alone.

    `rollout_path` is None for a thread that is not stored; its writer runs beside the session. `agents` is given the
    session's mailbox, below which its sub-agents live, and is None where the thread may not have any. `rules` and
    `dynamic`, the tools that whoever started the root thread brought along, are shared by the tree.
    """

    identity: Identity
    config: Config
    model: ModelInfo
    services: Services
    outbox: Outbox
    places: Places
    rollout_path: str | None
    restored: Restored = Restored()
    agents: Callable[[Mailbox[Inbox]], AgentControl | None] | None = None
    rules: RuleBook = attrs.field(factory=RuleBook)
    dynamic: "DynamicTools | None" = None
