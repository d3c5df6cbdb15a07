"""What the model can do: tools, how a call finds its tool, and which calls may run side by side."""

from codex.tools.call import OutputBody, ToolCall, call_of
from codex.tools.context import Background, CallSite, ProcessSource, Publisher, ToolContext
from codex.tools.parallel import Gate
from codex.tools.router import Group, Router, Tool, UnsupportedCall

__all__ = [
    "Background",
    "CallSite",
    "Gate",
    "Group",
    "OutputBody",
    "ProcessSource",
    "Publisher",
    "Router",
    "Tool",
    "ToolCall",
    "ToolContext",
    "UnsupportedCall",
    "call_of",
]
