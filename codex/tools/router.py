"""From a call's name to the tool that answers it, and the list of tools a model is offered."""

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TypeAlias

import attrs

from codex.base.errors import ToolFailure
from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject, get_str
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite

Handler: TypeAlias = Callable[[ToolCall, CallSite], Awaitable[OutputBody]]


@frozen
class Tool:
    """One tool: what the model is told, and where its handler is.

    A handler does the call and gives the text or the parts for the model; it raises ToolFailure, whose text goes to
    the model, and leaves nothing running when it is cancelled.

    Args:
      spec: the tool's JSON in a request.
      handler: `module:function` in `codex.tools.handlers`; loaded at the first call.
      parallel: whether its calls may run beside other parallel ones.
    """

    spec: JsonObject
    handler: str
    parallel: bool = False

    def load(self) -> Handler:
        """The function that does the call."""
        module, _, name = self.handler.partition(":")
        return getattr(import_module(f"codex.tools.handlers.{module}"), name)


class UnsupportedCall(ToolFailure):
    """The model called a tool it was not offered."""

    def __init__(self, call: ToolCall) -> None:
        super().__init__(f"unsupported {'custom tool call' if call.custom else 'call'}: {call.full_name}")


class Router:
    """The tools of a thread, in the fixed order in which every request lists them.

    Tools of a namespace are listed as a group, and found by their plain name too; those without one also in
    `functions`, as some models call them.
    """

    def __init__(self, tools: Sequence[Tool], groups: Sequence["Group"] = ()) -> None:
        self._tools: dict[str, Tool] = {get_str(tool.spec, "name"): tool for tool in tools}
        self._namespaces: dict[str, str] = {}
        specs: list[JsonObject] = [tool.spec for tool in tools]
        for group in groups:
            members = {get_str(tool.spec, "name"): tool for tool in group.tools}
            self._tools |= members
            self._namespaces |= dict.fromkeys(members, group.name)
            specs.append(group.spec)
        self.specs: tuple[JsonObject, ...] = tuple(specs)

    def has(self, name: str) -> bool:
        """Whether there is a tool of this plain name."""
        return name in self._tools

    def prepare(self, call: ToolCall) -> ToolCall:
        """The call with its tool's rule for running beside others; unknown tools only produce a text."""
        tool = self._find(call)
        return attrs.evolve(call, parallel=tool.parallel if tool else True)

    async def dispatch(self, call: ToolCall, site: CallSite) -> OutputBody:
        """Run the call between the user's hooks; what the tool refuses is an answer too. Cancellation reaches it."""
        hooks = site.context.hooks
        if hooks is None:
            return await self._run(call, site)
        from codex.tools.hooked import run_with_hooks

        return await run_with_hooks(
            lambda call, context: self._run(call, attrs.evolve(site, context=context)), call, site.context, hooks
        )

    async def _run(self, call: ToolCall, site: CallSite) -> OutputBody:
        tool = self._find(call)
        try:
            if tool is None or call.custom != (tool.spec["type"] == "custom"):
                raise UnsupportedCall(call)
            if site.context.meter is not None:
                await site.context.meter.count_tool_call()
            return await tool.load()(call, site)
        except ToolFailure as failure:
            return str(failure)

    def _find(self, call: ToolCall) -> Tool | None:
        known = ("", self._namespaces.get(call.name, "functions"))
        return self._tools.get(call.name) if call.namespace in known else None


@frozen
class Group:
    """Tools under one namespace."""

    name: str
    description: str
    tools: tuple[Tool, ...]

    @property
    def spec(self) -> JsonObject:
        """The group's JSON in a request."""
        members: list[JsonObject] = [tool.spec for tool in self.tools]
        return {"type": "namespace", "name": self.name, "description": self.description, "tools": [*members]}
