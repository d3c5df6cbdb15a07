"""Tools that whoever started a thread brings along: a program's own functions, or those of a client of a server."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import attrs

from codex.base.errors import UserError
from codex.base.jsontext import Json, JsonObject

_NAME = re.compile(r"[a-zA-Z0-9_-]+")


@attrs.frozen
class DynamicTool:
    """What the model is told of one tool; `input_schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    input_schema: JsonObject
    namespace: str | None = None


@attrs.frozen
class DynamicCall:
    """A call of the model; `arguments` is what its JSON said, which nobody has checked against the schema."""

    thread_id: str
    turn_id: str
    call_id: str
    namespace: str | None
    tool: str
    arguments: Json


@attrs.frozen
class DynamicResult:
    """What comes back, as parts: `{"type": "inputText", "text"}` or `{"type": "inputImage", "imageUrl"}`.

    `success` False tells those who watch that the tool failed; the model reads the parts all the same.
    """

    content: tuple[JsonObject, ...]
    success: bool = True

    @classmethod
    def text(cls, text: str, *, success: bool = True) -> "DynamicResult":
        """One part of text."""
        return cls(({"type": "inputText", "text": text},), success)


CallTool: TypeAlias = Callable[[DynamicCall], Awaitable[DynamicResult]]


@attrs.frozen
class DynamicTools:
    """All of a thread's, which the agents below it have too.

    Args:
      call: does a call; calls come one after the other in a thread, side by side from several. It is cancelled with the
        turn. What it raises beside ToolFailure ends the turn as a crash.
      descriptions: of the namespaces, by name.
      within: the seconds a call may take; then the model is told that no answer came.

    Raises: UserError for a name that the model's server would not take, or that comes twice.
    """

    tools: tuple[DynamicTool, ...]
    call: CallTool
    descriptions: dict[str, str] = attrs.field(factory=dict[str, str])
    within: float = 3600.0

    def __attrs_post_init__(self) -> None:
        """Check the names."""
        seen = set[str]()
        for name in (*self.namespaces, *(tool.name for tool in self.tools)):
            if not _NAME.fullmatch(name):
                raise UserError(f"dynamic tool name must match ^{_NAME.pattern}$ to match Responses API: {name}")
            if name in seen:
                raise UserError(f"duplicate dynamic tool name: {name}")
            seen.add(name)

    @property
    def namespaces(self) -> Sequence[str]:
        """Their names, in the order of the tools."""
        return tuple(dict.fromkeys(tool.namespace for tool in self.tools if tool.namespace is not None))

    def find(self, name: str) -> DynamicTool:
        """The tool of this name, which is one of them."""
        return next(tool for tool in self.tools if tool.name == name)

    def within_namespace(self, name: str) -> Sequence[DynamicTool]:
        """The tools of a namespace."""
        return tuple(tool for tool in self.tools if tool.namespace == name)

    def json(self) -> list[Json]:
        """As a thread's first line in its rollout keeps them."""
        plain: list[Json] = [_json(tool) for tool in self.tools if tool.namespace is None]
        groups: list[Json] = [
            {
                "type": "namespace",
                "name": name,
                "description": self.descriptions.get(name, ""),
                "tools": [_json(tool) for tool in self.within_namespace(name)],
            }
            for name in self.namespaces
        ]
        return [*plain, *groups]


def _json(tool: DynamicTool) -> JsonObject:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.input_schema,
    }
