"""The scripted model: a model provider that plays a script instead of thinking.

In this process (`ScriptedClient`, behind `codex.ports.model.ModelClient`) and over loopback HTTP (`server`) it plays
the same files (`load_script`): turns of text, reasoning and tool calls, delays, errors and cuts. Nobody who uses it can
tell that it is no model. The format is told in docs/reference/scripted-model.md.
"""

from codex.model.scripted._load import load_script
from codex.model.scripted.client import ScriptedClient
from codex.model.scripted.script import Script, ScriptError

__all__ = ["Script", "ScriptError", "ScriptedClient", "load_script"]
