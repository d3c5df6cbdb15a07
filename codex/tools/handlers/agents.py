"""`spawn_agent`, `wait_agent`, `send_input`, `close_agent`, `resume_agent`: delegate a part of the work."""

from collections.abc import Mapping

import attrs

from codex.base.errors import ToolFailure
from codex.base.jsontext import Json, JsonObject, encode
from codex.ports.agents import AgentControl, SpawnRequest, state_json
from codex.protocol.event import ItemCompleted, ItemStarted
from codex.protocol.item import AgentState, CollabTool, CollabToolCall
from codex.tools.agent_ids import agent_id as _agent_id
from codex.tools.arguments import Arguments, BadArguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.cancels import cancel, cancel_scope
from codex.tools.context import CallSite

_LOST = ("errored", "not_found")
_DEFAULT_WAIT, _MIN_WAIT, _MAX_WAIT = 30.0, 10.0, 3600.0


def _control(site: CallSite) -> AgentControl:
    control = site.context.agents
    if control is None:
        raise ToolFailure("sub-agents are not available here; do the task yourself")
    return control


@attrs.define
class _Shown:
    """The call's item, from its start to its end."""

    site: CallSite
    item: CollabToolCall

    @classmethod
    async def start(
        cls, site: CallSite, tool: CollabTool, receivers: tuple[str, ...] = (), prompt: str | None = None
    ) -> "_Shown":
        item = CollabToolCall(site.call_id, tool, site.context.thread_id, receivers, prompt)
        await site.context.publisher.publish([ItemStarted(site.context.turn_id, item)])
        return cls(site, item)

    async def end(self, states: Mapping[str, AgentState], *, failed: bool = False) -> None:
        item = attrs.evolve(
            self.item,
            receiver_thread_ids=tuple(states),
            agents_states=dict(states),
            status="failed" if failed else "completed",
        )
        await self.site.context.publisher.publish([ItemCompleted(self.site.context.turn_id, item)])


async def spawn_agent(call: ToolCall, site: CallSite) -> OutputBody:
    """Start it; its id comes back at once."""
    control = _control(site)
    arguments = Arguments(call.payload, ("message", "items", "fork_context", "agent_type", "model", "reasoning_effort"))
    message = _message(arguments)
    shown = await _Shown.start(site, "spawn_agent", prompt=message)
    try:
        spawned = await control.spawn(
            SpawnRequest(
                message,
                role=arguments.text("agent_type"),
                model=arguments.text("model"),
                reasoning_effort=arguments.text("reasoning_effort"),
                fork_context=arguments.flag("fork_context", default=False),
            )
        )
    except ToolFailure:
        await shown.end({}, failed=True)
        raise
    await shown.end({spawned.agent_id: AgentState("pending_init")})
    return encode({"agent_id": spawned.agent_id, "nickname": spawned.nickname})


async def wait_agent(call: ToolCall, site: CallSite) -> OutputBody:
    """Wait for the first of them."""
    control = _control(site)
    arguments = Arguments(call.payload, ("targets", "timeout_ms"))
    targets = [_agent_id(target) for target in arguments.items("targets") or [] if isinstance(target, str)]
    if not targets:
        raise ToolFailure("agent ids must be non-empty")
    asked = arguments.whole("timeout_ms")
    if asked is not None and asked <= 0:
        raise ToolFailure("timeout_ms must be greater than zero")
    wait = min(max(_DEFAULT_WAIT if asked is None else asked / 1000, _MIN_WAIT), _MAX_WAIT)
    shown = await _Shown.start(site, "wait", tuple(targets))
    try:
        waited = await control.wait(targets, within=wait)
    except ToolFailure:
        await shown.end({target: await _state(control, target) for target in targets}, failed=True)
        raise
    ended = {target: _known(state) for target, state in waited.states.items()}
    await shown.end(ended, failed=any(state.status in _LOST for state in ended.values()))
    states: JsonObject = {target: state_json(state) for target, state in ended.items()}
    return encode({"status": states, "timed_out": waited.timed_out})


async def send_input(call: ToolCall, site: CallSite) -> OutputBody:
    """Hand it over."""
    control = _control(site)
    arguments = Arguments(call.payload, ("target", "message", "items", "interrupt"))
    target, message = _agent_id(arguments.required_text("target")), _message(arguments)
    shown = await _Shown.start(site, "send_input", (target,), message)
    before, interrupt = await _state(control, target), arguments.flag("interrupt", default=False)
    try:
        _refuse_unknown(before, target)
        submission = await control.send_input(target, message, interrupt=interrupt)
    except ToolFailure:
        await shown.end({target: before}, failed=True)
        raise
    await shown.end({target: AgentState("interrupted") if interrupt and before.status == "running" else before})
    return encode({"submission_id": submission})


async def resume_agent(call: ToolCall, site: CallSite) -> OutputBody:
    """Start a closed one again; its state comes back."""
    control = _control(site)
    agent_id = _agent_id(Arguments(call.payload, ("id",)).required_text("id"))
    shown = await _Shown.start(site, "resume_agent", (agent_id,))
    try:
        state = await control.resume(agent_id)
    except ToolFailure:
        await shown.end({agent_id: await control.look_up(agent_id)}, failed=True)
        raise
    await shown.end({agent_id: state})
    return encode({"status": state_json(state)})


def _message(arguments: Arguments) -> str:
    """What is told to an agent, in whichever way it was given."""
    message, items = arguments.text("message"), arguments.items("items")
    if message is not None and items is not None:
        raise ToolFailure("Provide either message or items, but not both")
    if message is None and items is None:
        raise ToolFailure("Provide one of: message or items")
    if items is not None and not items:
        raise ToolFailure("Items can't be empty")
    text = "\n".join(_text(index, item) for index, item in enumerate(items or ())) if message is None else message
    if not text.strip():
        raise ToolFailure("Empty message can't be sent to an agent")
    return text


def _text(index: int, item: Json) -> str:
    text = item.get("text") if isinstance(item, dict) and item.get("type", "text") == "text" else None
    if not isinstance(text, str):
        raise BadArguments(f"`items[{index}]` must be an object with the `type` `text` and a `text`")
    return text


async def close_agent(call: ToolCall, site: CallSite) -> OutputBody:
    """Close it, or end less of it, as `scope` says; its state before comes back."""
    control = _control(site)
    arguments = Arguments(call.payload, ("target", "scope"))
    target, scope = _agent_id(arguments.required_text("target")), cancel_scope(arguments)
    shown = await _Shown.start(site, "close_agent", (target,))
    before = await _state(control, target)
    try:
        _refuse_unknown(before, target)
        if scope is None:
            before = await control.close(target)
        else:
            before = await cancel(control, target, scope, below=site.context.thread_id)
    except ToolFailure:
        await shown.end({target: before}, failed=True)
        raise
    await shown.end({target: before}, failed=before.status in _LOST)
    return encode({"previous_status": state_json(before)})


def _known(state: AgentState) -> AgentState:
    """A state as the model knows it: an agent that was closed is gone, until it is resumed."""
    return AgentState("not_found") if state.status == "shutdown" else state


async def _state(control: AgentControl, target: str) -> AgentState:
    return _known(await control.look_up(target))


def _refuse_unknown(state: AgentState, target: str) -> None:
    if state.status == "not_found":
        raise ToolFailure(f"agent with id {target} not found")
