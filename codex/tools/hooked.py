"""A tool call between the user's hooks: asked before, told after. Loaded only where there are hooks.

Hooks know commands as `Bash` with `{"command": …}`, patches as `apply_patch` with `{"command": …}`, and other tools by
their names and arguments, as Codex's do.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from codex.base.jsontext import Json, JsonObject, decode_object, encode
from codex.ports.approvals import Asked
from codex.protocol.approval import Approved, Denied, ReviewDecision
from codex.protocol.event import Warning
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import ToolContext

if TYPE_CHECKING:
    from codex.hooks import HookRunner, Verdict

# Tools that hooks know by another name: theirs, and the argument that is the command.
_KNOWN: Mapping[str, tuple[str, str]] = {"exec_command": ("Bash", "cmd"), "apply_patch": ("apply_patch", "input")}


async def run_with_hooks(
    run: Callable[[ToolCall, ToolContext], Awaitable[OutputBody]],
    call: ToolCall,
    context: ToolContext,
    hooks: "HookRunner",
) -> OutputBody:
    """Run the call unless a hook refuses it; what hooks add stands behind its output. Cancellation reaches both."""
    name, arguments = _described(call)
    facts: dict[str, Json] = {"turn_id": context.turn_id, "tool_name": name, "tool_input": arguments}
    asked = await hooks.ask("PreToolUse", {**facts, "tool_use_id": call.call_id}, subject=name)
    await _tell(context, asked)
    if asked.refused is not None:
        return f"A hook of the user's refused this {name} call: {asked.refused}"
    if asked.updated_input is not None:
        call = _updated(call, asked.updated_input)
        facts["tool_input"] = _described(call)[1]
    if hooks.listens("PermissionRequest"):
        context = attrs.evolve(context, approvals=HookedApprovals(context, hooks, facts, name))
    output = await run(call, context)
    if hooks.listens("PostToolUse"):
        told = {**facts, "tool_response": _response(call, output), "tool_use_id": call.call_id}
        verdict = await hooks.ask("PostToolUse", told, subject=name)
        await _tell(context, verdict)
        said = [] if verdict.refused is None else [f"A hook of the user's objects: {verdict.refused}"]
        return _with(output, [*asked.contexts, *said, *verdict.contexts])
    return _with(output, asked.contexts)


@attrs.frozen
class HookedApprovals:
    """Implements `codex.ports.approvals.Approvals`: hooks answer first, and what none of them answers is asked."""

    context: ToolContext
    hooks: "HookRunner"
    facts: Mapping[str, Json]
    name: str

    async def review(self, asked: Asked) -> ReviewDecision:
        """The hooks' answer, or everybody else's. Cancelled, the hooks are killed and the question is withdrawn."""
        verdict = await self.hooks.ask("PermissionRequest", self.facts, subject=self.name)
        await _tell(self.context, verdict)
        if verdict.refused is not None:
            return Denied(f"a hook of the user's refused it: {verdict.refused}")
        if verdict.permission == "allow":
            return Approved()
        return await self.context.approvals.review(asked)

    async def abort(self, turn_id: str) -> None:
        """End the turn."""
        await self.context.approvals.abort(turn_id)


async def _tell(context: ToolContext, verdict: "Verdict") -> None:
    if verdict.messages:
        await context.publisher.publish([Warning(text) for text in verdict.messages])


def _described(call: ToolCall) -> tuple[str, JsonObject]:
    """The tool's name and its input, as hooks know them."""
    name, argument = _KNOWN.get(call.name, (call.full_name, ""))
    if call.custom:
        return name, {"command": call.payload}
    try:
        arguments = decode_object(call.payload.encode("utf-8", "replace"))
    except ValueError:
        return name, {"command": call.payload}
    return name, {"command": arguments.get(argument)} if argument else arguments


def _updated(call: ToolCall, wanted: Mapping[str, Json]) -> ToolCall:
    """The call with another input."""
    argument = _KNOWN.get(call.name, ("", ""))[1]
    command = wanted.get("command")
    if call.custom:
        return attrs.evolve(call, payload=command) if isinstance(command, str) else call
    if not argument:
        return attrs.evolve(call, payload=encode(dict(wanted)))
    arguments = decode_object(call.payload.encode("utf-8", "replace"))
    return attrs.evolve(call, payload=encode({**arguments, argument: command}))


def _response(call: ToolCall, output: OutputBody) -> Json:
    """What came out: of a command its output alone."""
    if not isinstance(output, str):
        return [*output]
    _, found, text = output.partition("\nOutput:\n")
    return text if found and call.name in _KNOWN else output


def _with(output: OutputBody, texts: Sequence[str]) -> OutputBody:
    if not texts:
        return output
    if isinstance(output, str):
        return "\n\n".join([output, *texts])
    return [*output, *({"type": "input_text", "text": text} for text in texts)]
