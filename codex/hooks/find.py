"""The hooks of all sources: what they are asked about, and whether the user trusts them. Pure but for `hooks.json`.

A hook is trusted when the hash of what it says stands in `hooks.state`, so a changed one must be trusted again; those
of the machine's owner need no trust. The keys and the hashes are Codex's: what is trusted there is trusted here.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import attrs

from codex.base.jsontext import Json, JsonObject, decode_object, encode, get_list, get_str
from codex.config.folders import HookSource

EventName: TypeAlias = Literal[
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PreModelRequest",
    "PostModelRequest",
    "PreCompact",
    "PostCompact",
    "Interrupt",
    "SubagentStart",
    "SubagentStop",
    "Stop",
]
_EVENTS: Mapping[str, EventName] = {name: name for name in get_args(EventName)}
DEFAULT_TIMEOUT = 600.0
# The end of a session is not held up for long.
_OWN_TIMEOUTS: Mapping[str, float] = {"session_end": 1.0}
# Names that a matcher may use for a tool.
_ALIASES: Mapping[str, tuple[str, ...]] = {"apply_patch": ("Edit", "Write"), "spawn_agent": ("Agent",)}


@attrs.frozen
class Hook:
    """One command for one event; `timeout` in seconds, `matcher` None for everything.

    `beside`: nothing waits for it, and it decides nothing.
    """

    event: EventName
    command: str
    key: str
    hash: str
    source: str
    matcher: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    status_message: str | None = None
    trusted: bool = False
    beside: bool = False

    def matches(self, subject: str) -> bool:
        """Whether the hook is asked about a tool, or about the source of an event."""
        if self.matcher in (None, "", "*"):
            return True
        names = (subject, *_ALIASES.get(subject, ()))
        return any(re.fullmatch(str(self.matcher), name) for name in names)


@attrs.frozen
class HookSet:
    """The hooks found, in their order, and what was wrong with others."""

    hooks: tuple[Hook, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def usable(self) -> tuple[Hook, ...]:
        """Those that may run."""
        return tuple(hook for hook in self.hooks if hook.trusted)


def find_hooks(sources: Sequence[HookSource], *, bypass_trust: bool = False) -> HookSet:
    """All hooks of the sources, lowest first; with `bypass_trust` each counts as trusted."""
    hooks, warnings = list[Hook](), list[str]()
    state = _states(sources)
    for source in sources:
        table = source.table
        if table is None:
            table = _read_file(source.path, warnings)
        for event, groups in table.items():
            if event in _EVENTS:
                hooks += _event_hooks(source, _EVENTS[event], groups, warnings)
            elif event != "state":
                warnings.append(f"{source.path}: hooks.{event}: there is no such event")
    judged = [_judged(hook, state, bypass_trust=bypass_trust) for hook in hooks]
    on = [hook for hook in judged if state.get(hook.key, {}).get("enabled") is not False]
    untrusted = [hook.key for hook in on if not hook.trusted]
    if untrusted:
        warnings.append(f"hooks not run, since you have not trusted them ('codex hooks trust'): {', '.join(untrusted)}")
    return HookSet(tuple(on), tuple(warnings))


def _judged(hook: Hook, state: Mapping[str, JsonObject], *, bypass_trust: bool) -> Hook:
    trusted = hook.trusted or bypass_trust or state.get(hook.key, {}).get("trusted_hash") == hook.hash
    return attrs.evolve(hook, trusted=trusted)


def _states(sources: Sequence[HookSource]) -> dict[str, JsonObject]:
    """What is kept of the user's answers; a project cannot trust its own hooks."""
    found: dict[str, JsonObject] = {}
    for source in sources:
        state = (source.table or {}).get("state") if source.kind != "project" else None
        if isinstance(state, dict):
            found |= {key: entry for key, entry in state.items() if isinstance(entry, dict)}
    return found


def _read_file(path: str, warnings: list[str]) -> JsonObject:
    try:
        with open(path, "rb") as file:
            table = decode_object(file.read(1_048_576))
    except (OSError, ValueError) as error:
        warnings.append(f"{path}: no hooks are read from it: {error}")
        return {}
    inner = table.get("hooks")
    return inner if isinstance(inner, dict) else table


def _event_hooks(source: HookSource, event: EventName, groups: Json, warnings: list[str]) -> list[Hook]:
    found: list[Hook] = []
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()
    for number, group in enumerate(groups if isinstance(groups, list) else [groups]):
        if not isinstance(group, dict):
            warnings.append(f"{source.path}: hooks.{event}: expected tables with `matcher` and `hooks`")
            continue
        matcher = group.get("matcher")
        for position, handler in enumerate(get_list(group, "hooks")):
            key = f"{source.path}:{snake}:{number}:{position}"
            problem = _problem(matcher, handler)
            if problem or not isinstance(handler, dict):
                warnings.append(f"{key}: {problem}")
                continue
            found.append(_hook(source, event, snake, key, str(matcher) if matcher is not None else None, handler))
    return found


def _hook(source: HookSource, event: EventName, snake: str, key: str, matcher: str | None, handler: JsonObject) -> Hook:
    default = _OWN_TIMEOUTS.get(snake, DEFAULT_TIMEOUT)
    timeout = handler.get("timeout", default)
    seconds = max(float(timeout), 1.0) if isinstance(timeout, int | float) else default
    return Hook(
        event,
        get_str(handler, "command"),
        key,
        hook_hash(snake, matcher, handler),
        source.path,
        matcher,
        seconds,
        get_str(handler, "statusMessage") or None,
        trusted=source.kind in ("system", "managed"),
        beside=handler.get("async") is True,
    )


def _problem(matcher: Json, handler: Json) -> str:
    if matcher is not None:
        try:
            re.compile(matcher if isinstance(matcher, str) else "(")
        except re.error as error:
            return f"matcher {matcher!r} is no regular expression: {error}"
    if not isinstance(handler, dict):
        return "expected a table with `type` and `command`"
    kind = handler.get("type", "command")
    if kind != "command":
        return f"hooks of type {kind!r} are not run; only those of type 'command' are"
    return "" if get_str(handler, "command").strip() else "`command` is missing; say what to run"


def hook_hash(event: str, matcher: str | None, handler: JsonObject) -> str:
    """What must stand in `hooks.state.<key>.trusted_hash`; the same as Codex's."""
    said: JsonObject = {name: value for name, value in handler.items() if value is not None}
    timeout = said.get("timeout", int(_OWN_TIMEOUTS.get(event, DEFAULT_TIMEOUT)))
    handler = {**said, "async": said.get("async", False), "timeout": timeout, "type": said.get("type", "command")}
    whole: JsonObject = {"event_name": event, "hooks": [_sorted(handler)]}
    if matcher is not None:
        whole["matcher"] = matcher
    return f"sha256:{hashlib.sha256(encode(whole).encode()).hexdigest()}"


def _sorted(table: JsonObject) -> JsonObject:
    return {name: table[name] for name in sorted(table)}
