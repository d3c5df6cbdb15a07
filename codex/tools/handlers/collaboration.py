"""The group `collaboration`: sub-agents by path, and letters between all agents of the tree."""

import re

from codex.base.errors import ToolFailure
from codex.base.jsontext import Json, encode
from codex.ports.agents import AgentControl, ForkTurns, Keep, Mail, SpawnRequest, state_json
from codex.protocol.event import ItemCompleted, ItemStarted
from codex.protocol.item import CollabToolCall, SubAgentActivity
from codex.protocol.letter import Letter, LetterKind
from codex.tools.arguments import Arguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.cancels import cancel, cancel_scope
from codex.tools.context import CallSite

_DEFAULT_WAIT, _MIN_WAIT, _MAX_WAIT = 30.0, 10.0, 3600.0
_NAME = re.compile(r"[a-z0-9_]+")
_LONGEST_NAME = 64


def _agents(site: CallSite) -> tuple[AgentControl, Mail]:
    control = site.context.agents
    if control is None or control.mail is None:
        raise ToolFailure("sub-agents are not available here; do the task yourself")
    return control, control.mail


async def spawn_agent(call: ToolCall, site: CallSite) -> OutputBody:
    """Start it; its path comes back at once."""
    control, _ = _agents(site)
    arguments = Arguments(
        call.payload, ("task_name", "message", "fork_turns", "agent_type", "model", "reasoning_effort")
    )
    name = _task_name(arguments)
    model, effort = arguments.text("model"), arguments.text("reasoning_effort")

    async def keep(letter: Letter) -> None:
        reader_id, path = letter.recipient_id, letter.recipient
        await _tell(site, SubAgentActivity(site.call_id, "started", reader_id, path, model, effort, letter))

    request = SpawnRequest(
        _message(arguments),
        role=arguments.text("agent_type"),
        model=model,
        reasoning_effort=effort,
        task_name=name,
        fork_turns=_fork_turns(arguments.text("fork_turns")),
        keep=keep,
    )
    return encode({"task_name": (await control.spawn(request)).path})


async def send_message(call: ToolCall, site: CallSite) -> OutputBody:
    """Write to it."""
    return await _write(call, site, "MESSAGE")


async def followup_task(call: ToolCall, site: CallSite) -> OutputBody:
    """Write a task to it, which starts it."""
    return await _write(call, site, "NEW_TASK")


async def wait_agent(call: ToolCall, site: CallSite) -> OutputBody:
    """Wait for news; they come with the next request."""
    _, mail = _agents(site)
    asked = Arguments(call.payload, ("timeout_ms",)).whole("timeout_ms")
    if asked is not None and asked > _MAX_WAIT * 1000:
        raise ToolFailure(f"timeout_ms must be at most {_MAX_WAIT * 1000:.0f}")
    within = max(_DEFAULT_WAIT if asked is None else asked / 1000, _MIN_WAIT)
    context = site.context
    shown = CollabToolCall(site.call_id, "wait", context.thread_id)
    await context.publisher.publish([ItemStarted(context.turn_id, shown)])
    try:
        news = await mail.wait(within=within)
    except ToolFailure:
        await _tell(site, CollabToolCall(site.call_id, "wait", context.thread_id, status="failed"))
        raise
    await _tell(site, CollabToolCall(site.call_id, "wait", context.thread_id, status="completed"))
    said = "Wait completed." if news else "Wait timed out."
    if asked is not None and asked < _MIN_WAIT * 1000:
        least = f"{_MIN_WAIT * 1000:.0f}ms"
        said += f"\n\nRequested timeout of {asked}ms was clamped to the minimum of {least}."
    return encode({"message": said, "timed_out": not news})


async def interrupt_agent(call: ToolCall, site: CallSite) -> OutputBody:
    """End its turn, or as `scope` says; its state before comes back."""
    control, mail = _agents(site)
    arguments = Arguments(call.payload, ("target", "scope"))
    target, scope = await mail.find(arguments.required_text("target")), cancel_scope(arguments) or "turn"
    if target.agent_id == site.context.thread_id != site.context.session_id:
        raise ToolFailure("you cannot interrupt yourself; end your turn with an answer")
    if scope == "turn":
        before = await mail.interrupt(target.agent_id)
    else:
        before = await cancel(control, target.agent_id, scope, below=site.context.thread_id)
    await _tell(site, SubAgentActivity(site.call_id, "interrupted", target.agent_id, target.path))
    return encode({"previous_status": state_json(before)})


async def list_agents(call: ToolCall, site: CallSite) -> OutputBody:
    """All of them, with their states."""
    _, mail = _agents(site)
    found = await mail.list(Arguments(call.payload, ("path_prefix",)).text("path_prefix"))
    agents: list[Json] = [{"agent_name": one.path, "agent_status": state_json(one.state)} for one in found]
    return encode({"agents": agents})


async def _write(call: ToolCall, site: CallSite, kind: LetterKind) -> OutputBody:
    _, mail = _agents(site)
    arguments = Arguments(call.payload, ("target", "message"))
    await mail.send(arguments.required_text("target"), _message(arguments), kind=kind, keep=_keeper(site))
    return ""


def _keeper(site: CallSite) -> Keep:
    async def keep(letter: Letter) -> None:
        activity = SubAgentActivity(site.call_id, "interacted", letter.recipient_id, letter.recipient, letter=letter)
        await _tell(site, activity)

    return keep


async def _tell(site: CallSite, item: SubAgentActivity | CollabToolCall) -> None:
    await site.context.publisher.publish([ItemCompleted(site.context.turn_id, item)])


def _message(arguments: Arguments) -> str:
    text = arguments.required_text("message")
    if not text.strip():
        raise ToolFailure("Empty message can't be sent to an agent")
    return text


def _task_name(arguments: Arguments) -> str:
    name = arguments.required_text("task_name")
    if not name:
        raise ToolFailure("agent_name must not be empty")
    if name == "root":
        raise ToolFailure("agent_name `root` is reserved")
    if not _NAME.fullmatch(name):
        raise ToolFailure("agent_name must use only lowercase letters, digits, and underscores")
    if len(name) > _LONGEST_NAME:
        raise ToolFailure(f"agent_name must not be longer than {_LONGEST_NAME} characters")
    return name


def _fork_turns(asked: str | None) -> ForkTurns:
    if asked is None or asked == "all":
        return "all"
    if asked == "none":
        return "none"
    if not asked.isdecimal() or not 0 < int(asked) < 10**6:
        raise ToolFailure("fork_turns must be `none` or `all`")  # a number is taken too, but not told of, as in Codex
    return int(asked)
