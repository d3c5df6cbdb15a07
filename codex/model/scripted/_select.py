"""Which of the scripts answers a request."""

import re

from codex.base.suggest import did_you_mean
from codex.model.scripted._conditions import agent_matches
from codex.model.scripted._request import ScriptedRequest
from codex.model.scripted.script import COMPACT, NamedScript, Rule, Script

MARKER_OPEN = "[[script:"
_MARKER = re.compile(r"\[\[script:([^\]\s]+)\]\]")


class NoScript(Exception):
    """No script answers the request; the text says why."""


def select(script: Script, request: ScriptedRequest) -> NamedScript:
    """The first rule that fits, else `__compact__` for a compaction, else the last marker, else the default.

    Raises:
      NoScript: none of these names a script of the file.
    """
    compaction = COMPACT in script.scripts and request.is_compaction
    for rule in script.rules:
        if _fits(rule, request, compaction=compaction):
            return script.scripts[rule.script]
    if compaction:
        return script.scripts[COMPACT]
    for prompt in reversed(request.prompts if request.may_have_markers else ()):
        if names := _MARKER.findall(prompt):
            return _named(script, names[-1])
    if default := script.default or _only(script):
        return script.scripts[default]
    raise NoScript(
        f"the request chooses no script of {script.source}: no rule fits, no prompt has a marker, "
        f"and there is no default; scripts: {', '.join(script.scripts)}"
    )


def _fits(rule: Rule, request: ScriptedRequest, *, compaction: bool) -> bool:
    if rule.agent is not None and not agent_matches(rule.agent, request.agent):
        return False
    if rule.pattern is None:
        # A rule for an agent means its work, not the summary of it.
        return not compaction
    return rule.pattern.search(request.text(rule.place)) is not None


def _named(script: Script, name: str) -> NamedScript:
    if name not in script.scripts:
        raise NoScript(
            f"the marker {name!r} of the prompt names no script of {script.source}"
            f"{did_you_mean(name, script.scripts)}; scripts: {', '.join(script.scripts)}"
        )
    return script.scripts[name]


def _only(script: Script) -> str | None:
    names = [name for name in script.scripts if name != COMPACT]
    return names[0] if len(names) == 1 else None
