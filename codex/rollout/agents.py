"""What a rollout tells of agents: whom its thread started, what it wrote and read, and where it stands.

Two kinds of lines are ours: `agent_spawned` stands in the parent's rollout before the agent starts, `agent_closed` when
it was ended for good. What Codex writes of agents is understood too. Reading is pure, but for the files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject, encode, get_int, get_list, get_object, get_str
from codex.protocol.budget import Budget
from codex.protocol.item import AgentState, AgentStatusKind
from codex.protocol.letter import Letter, letter_from_json
from codex.protocol.response_item import is_call, message_text
from codex.protocol.usage import TokenUsage
from codex.rollout.errors import RolloutUnreadable
from codex.rollout.lines import Line
from codex.rollout.listing import segments
from codex.rollout.names import RolloutFile
from codex.rollout.read import Head, Reading, line_head
from codex.rollout.restore import usage_of

_STAMPED = b'{"timestamp":"'
_MOMENT = slice(len(_STAMPED), len(_STAMPED) + len("2026-11-22T14:09:49.335Z"))
_ITEMS_OF_AGENTS = (b'"item":{"type":"SubAgentActivity"', b'"item":{"type":"CollabAgentToolCall"')
_ITEM_WITHIN = 600
_EVENTS = frozenset((b"task_started", b"task_complete", b"turn_aborted"))
_KINDS = frozenset((b"session_meta", b"agent_spawned", b"agent_closed", b"inter_agent_communication"))
_CLOSED: tuple[AgentStatusKind, ...] = ("completed", "errored", "interrupted")
_ACTION_CHARS = 160


@frozen
class StartedAgent:
    """An agent as its parent's rollout tells it; None is what it does not tell.

    `closed` is where it stood when it was ended for good; `starts` counts how often it was started on purpose.
    `detached`: it was another thread's before.
    """

    thread_id: str
    path: str | None = None
    nickname: str | None = None
    role: str | None = None
    model: str | None = None
    reasoning_effort: str | None = None
    budget: Budget = Budget()
    closed: AgentState | None = None
    starts: int = 1
    detached: bool = False


@frozen
class Answer:
    """The end of a turn that is a letter to the parent; `state` has the text."""

    letter_id: str
    state: AgentState


@frozen
class ThreadTrace:
    """One thread, root or agent, as its rollout tells it.

    `state` is that of its last turn; `working`: that turn has no end. `written` are its letters in their order, `read`
    the ids of all that it has read. Times are RFC 3339 in UTC.
    """

    thread_id: str
    session_id: str
    parent_id: str | None = None
    path: str | None = None
    nickname: str | None = None
    role: str | None = None
    depth: int = 0
    generation: str | None = None
    cwd: str = ""
    budget: Budget = Budget()
    model: str | None = None
    reasoning_effort: str | None = None
    state: AgentState = AgentState("pending_init")
    working: bool = False
    usage: TokenUsage = TokenUsage()
    model_calls: int = 0
    tool_calls: int = 0
    turns: int = 0
    began_at: str = ""
    last_at: str = ""
    working_seconds: float = 0.0
    last_action: str = ""
    agents: tuple[StartedAgent, ...] = ()
    written: tuple[Letter | Answer, ...] = ()
    read: frozenset[str] = frozenset()


def agent_spawned(agent: StartedAgent, at: float) -> Line:
    """An agent is about to start below the thread, or a closed one is to start again."""
    named: JsonObject = {
        "path": agent.path,
        "nickname": agent.nickname,
        "role": agent.role,
        "model": agent.model,
        "reasoning_effort": agent.reasoning_effort,
        "budget": agent.budget.json(),
        "detached": agent.detached,
    }
    kept = {key: value for key, value in named.items() if value}
    return Line("agent_spawned", {"thread_id": agent.thread_id, **kept}, at)


def agent_closed(thread_id: str, state: AgentState, at: float) -> Line:
    """An agent was ended for good; `state` is where it stands since."""
    payload: JsonObject = {"thread_id": thread_id, "status": state.status}
    return Line("agent_closed", payload if state.message is None else {**payload, "message": state.message}, at)


Files: TypeAlias = Mapping[str, Sequence[RolloutFile]]


def rollout_files(codex_home: str, thread_id: str = "") -> Files:
    """The files of every thread, archived or not, the oldest of each first; or those of one thread."""
    found: dict[str, list[RolloutFile]] = {}
    for file in segments(codex_home, archived=True, naming=thread_id):
        found.setdefault(file.thread_id, []).append(file)
    return {one: sorted(files, key=lambda file: file.place) for one, files in found.items()}


def read_tree(codex_home: str, root_id: str, *, files: Files | None = None) -> dict[str, ThreadTrace]:
    """The root and all agents below it that have a rollout, parents before their children. Blocks while it reads.

    Agents of which the rollout is gone, or cannot be read, are left out.

    Args:
      files: those of all threads, where they are known already.

    Raises:
      RolloutUnreadable: the root's cannot be read.
    """
    root = read_trace((files or rollout_files(codex_home, root_id)).get(root_id, ()))
    if root is None:
        return {}
    if root.agents and files is None:
        files = rollout_files(codex_home)
    found = {root_id: root}
    todo = [root]
    for thread in todo:
        for agent in thread.agents:
            trace = None if agent.thread_id in found else _readable((files or {}).get(agent.thread_id, ()))
            if trace is not None:
                found[agent.thread_id] = trace
                todo.append(trace)
    return found


def read_trace(files: Iterable[RolloutFile]) -> ThreadTrace | None:
    """What the files of one thread, the oldest first, tell; None when they do not say whose they are.

    Raises:
      RolloutUnreadable: one of them cannot be opened or read.
    """
    reader = _Reader()
    for file in files:
        reader.read(Reading(file.path))
    return reader.trace()


def _readable(files: Iterable[RolloutFile]) -> ThreadTrace | None:
    try:
        return read_trace(files)
    except RolloutUnreadable:
        return None


class _Reader:
    """Takes the lines of one thread in their order; what is not about agents is hardly looked at."""

    def __init__(self) -> None:
        self._meta: JsonObject = {}
        self._context: JsonObject = {}
        self._usage: JsonObject = {}
        self._agents: dict[str, StartedAgent] = {}
        self._written: list[Letter | Answer] = []
        self._read: set[str] = set()
        self._state = AgentState("pending_init")
        self._working = False
        self._calls = self._tool_calls = self._turns = 0
        self._seconds = 0.0
        self._last_at = ""
        self._last_words: JsonObject = {}
        self._last_action: JsonObject = {}

    def read(self, reading: Reading) -> None:
        """Take the lines of one file."""
        for line in self._telling(reading):
            payload = get_object(line, "payload")
            match line.get("type"):
                case "session_meta":
                    self._meta = self._meta or payload
                case "turn_context":
                    self._context = payload
                case "token_usage_record":
                    self._usage = get_object(payload, "thread_token_usage") or self._usage
                case "agent_spawned":
                    self._spawned(payload)
                case "agent_closed":
                    self._closed(payload)
                case "response_item":
                    self._item(payload)
                case "inter_agent_communication":
                    self._read.add(get_str(payload, "id"))
                case "event_msg":
                    self._event(payload)
                case _:
                    pass

    def _telling(self, reading: Reading) -> Iterator[JsonObject]:
        """The lines that tell anything; of settings, token counts and what was done last only the last ones."""
        kept: dict[str, tuple[int, bytes]] = {}
        stamped = b""
        for number, raw, whole in reading.raw_lines():
            head = line_head(raw)
            if whole and raw.startswith(_STAMPED):
                stamped = raw
            slot = self._slot(head, raw)
            if slot is not None:
                kept[slot] = number, raw
            if head.kind == b"event_msg" and head.event in _EVENTS and "words" in kept:
                yield from self._decoded(reading, kept.pop("words"))  # before the turn's end, which may need them
            if self._tells(head, raw):
                line = reading.decode(raw, number, last=not whole)
                if line is not None:
                    yield line
        if stamped:
            self._last_at = stamped[_MOMENT].decode("ascii", "replace")
        for entry in kept.values():
            yield from self._decoded(reading, entry)

    def _decoded(self, reading: Reading, entry: tuple[int, bytes]) -> Iterator[JsonObject]:
        line = reading.decode(entry[1], entry[0], last=False)
        if line is not None:
            yield line

    def _slot(self, head: Head, raw: bytes) -> str | None:
        """Which line it takes the place of, where only the last one counts."""
        kind = head.kind
        if kind == b"turn_context":
            return "context"
        if kind == b"token_usage_record":
            self._calls += 1
            return "usage"
        if kind == b"response_item":
            if head.event.endswith(b"_call"):
                self._tool_calls += self._turns > 0  # what stands before is the history of a fork
                return "words"
            if head.event == b"message" and b'"role":"assistant"' in raw:
                return "words"
        return None

    def _tells(self, head: Head, raw: bytes) -> bool:
        match head.kind:
            case b"response_item":
                return head.event == b"agent_message"
            case b"event_msg":
                if head.event == b"item_completed":
                    return any(raw.find(item, 0, _ITEM_WITHIN) >= 0 for item in _ITEMS_OF_AGENTS)
                return head.event in _EVENTS
            case kind:
                return kind in _KINDS

    def _item(self, item: JsonObject) -> None:
        if item.get("type") == "agent_message":
            self._read.add(get_str(item, "id"))
            return
        self._last_action = item
        if not is_call(item):
            self._last_words = item

    def _spawned(self, payload: JsonObject) -> None:
        thread_id = get_str(payload, "thread_id")
        known, detached = self._agents.get(thread_id), payload.get("detached") is True
        if known is not None and detached:
            self._agents[thread_id] = attrs.evolve(known, detached=True)
        elif known is not None:
            self._agents[thread_id] = attrs.evolve(known, closed=None, starts=known.starts + 1)
        elif thread_id:
            self._agents[thread_id] = StartedAgent(
                thread_id,
                get_str(payload, "path") or None,
                get_str(payload, "nickname") or None,
                get_str(payload, "role") or None,
                get_str(payload, "model") or None,
                get_str(payload, "reasoning_effort") or None,
                _budget(get_object(payload, "budget")),
                detached=detached,
            )

    def _closed(self, payload: JsonObject) -> None:
        agent = self._agents.get(get_str(payload, "thread_id"))
        status: AgentStatusKind | None = next((known for known in _CLOSED if known == payload.get("status")), None)
        if agent is not None:
            state = AgentState(status or "shutdown", get_str(payload, "message") or None)
            self._agents[agent.thread_id] = attrs.evolve(agent, closed=state)

    def _event(self, payload: JsonObject) -> None:
        match payload.get("type"):
            case "task_started":
                self._turns, self._working, self._last_words = self._turns + 1, True, {}
                self._state = AgentState("running")
            case "task_complete":
                self._completed(payload)
            case "turn_aborted":
                self._ended(payload, AgentState("interrupted"))
            case "item_completed":
                self._act(get_object(payload, "item"))
            case _:
                pass

    def _completed(self, payload: JsonObject) -> None:
        reason = get_str(get_object(payload, "error"), "message")
        if reason or get_object(payload, "error"):
            state = AgentState("errored", with_last_words(reason, message_text(self._last_words)))
        else:
            state = AgentState("completed", get_str(payload, "last_agent_message") or None)
        self._ended(payload, state)
        letter_id = get_str(payload, "letter_id")
        if letter_id:
            self._written.append(Answer(letter_id, state))

    def _ended(self, payload: JsonObject, state: AgentState) -> None:
        self._state, self._working = state, False
        self._seconds += get_int(payload, "duration_ms") / 1000

    def _act(self, item: JsonObject) -> None:
        """What the thread did with another one."""
        letter = letter_from_json(get_object(item, "letter"))
        if letter is not None:
            self._written.append(letter)
        if item.get("type") == "SubAgentActivity":
            self._known(item)
            return
        if item.get("status") != "completed":
            return
        names = {
            get_str(one, "thread_id"): get_str(one, "agent_nickname") or None
            for one in get_list(item, "receiver_agents")
            if isinstance(one, dict)
        }
        for thread_id in get_list(item, "receiver_thread_ids"):
            if isinstance(thread_id, str):
                self._called(get_str(item, "tool"), thread_id, names.get(thread_id), item)

    def _known(self, item: JsonObject) -> None:
        """Codex tells only by what it did that there is an agent."""
        thread_id = get_str(item, "agent_thread_id")
        if item.get("kind") == "started" and thread_id and thread_id not in self._agents:
            model, effort = get_str(item, "model") or None, get_str(item, "reasoning_effort") or None
            path = get_str(item, "agent_path") or None
            self._agents[thread_id] = StartedAgent(thread_id, path, model=model, reasoning_effort=effort)

    def _called(self, tool: str, thread_id: str, nickname: str | None, item: JsonObject) -> None:
        agent = self._agents.get(thread_id)
        if tool == "spawn_agent" and agent is None:
            self._agents[thread_id] = StartedAgent(
                thread_id,
                nickname=nickname,
                model=get_str(item, "model") or None,
                reasoning_effort=get_str(item, "reasoning_effort") or None,
            )
        elif tool == "close_agent" and agent is not None and agent.closed is None:
            self._agents[thread_id] = attrs.evolve(agent, closed=AgentState("shutdown"))
        elif tool == "resume_agent" and agent is not None:
            self._agents[thread_id] = attrs.evolve(agent, closed=None)

    def trace(self) -> ThreadTrace | None:
        """What the lines so far tell."""
        meta, context = self._meta, self._context
        if not get_str(meta, "id"):
            return None
        source = get_object(meta, "source")
        spawn = get_object(get_object(source, "subagent"), "thread_spawn")
        return ThreadTrace(
            thread_id=get_str(meta, "id"),
            session_id=get_str(meta, "session_id") or get_str(meta, "id"),
            parent_id=get_str(meta, "parent_thread_id") or None,
            path=get_str(meta, "agent_path") or None,
            nickname=get_str(meta, "agent_nickname") or None,
            role=get_str(meta, "agent_role") or None,
            depth=get_int(spawn, "depth"),
            generation=get_str(meta, "multi_agent_version") or get_str(context, "multi_agent_version") or None,
            cwd=get_str(context, "cwd") or get_str(meta, "cwd"),
            budget=_budget(get_object(meta, "budget")),
            model=get_str(context, "model") or None,
            reasoning_effort=get_str(context, "effort") or None,
            state=self._state,
            working=self._working,
            usage=usage_of(self._usage),
            model_calls=self._calls,
            tool_calls=self._tool_calls,
            turns=self._turns,
            began_at=get_str(meta, "timestamp"),
            last_at=self._last_at,
            working_seconds=self._seconds,
            last_action=_action(self._last_action),
            agents=tuple(self._agents.values()),
            written=tuple(self._written),
            read=frozenset(self._read),
        )


def with_last_words(reason: str, last_words: str | None) -> str:
    """Why an agent failed, with what it had said by then."""
    return reason if not last_words else f"{reason}\n\nWhat the agent had said by then:\n{last_words}"


def _budget(payload: JsonObject) -> Budget:
    known = {field.name for field in attrs.fields(Budget)}
    limits = {key: value for key, value in payload.items() if key in known and _is_limit(value)}
    return Budget(**limits)  # pyright: ignore[reportArgumentType]


def _is_limit(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _action(item: JsonObject) -> str:
    """An item of a history in a line."""
    if not item:
        return ""
    said = message_text(item)
    if is_call(item):
        given = item.get("arguments") or item.get("input") or item.get("action") or ""
        said = f"{get_str(item, 'name') or get_str(item, 'type')} {given if isinstance(given, str) else encode(given)}"
    line = " ".join(said.split())
    return line if len(line) <= _ACTION_CHARS else f"{line[: _ACTION_CHARS - 1]}…"
