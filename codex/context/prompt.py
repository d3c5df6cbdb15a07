"""What the model is told before the user speaks, and what changed since it was told.

Order, as Codex's: base instructions (developer; they are no part of the history but of every request), then a developer
message with the developer instructions and the permissions, then a user message with AGENTS.md and the environment.
Each piece is sent once. `Told` finds out from the history what the model was told last, so it survives a resume and a
compaction; `context_items` gives what is missing or different now, which at the start is everything.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

import attrs

from codex.base.jsontext import get_list, get_str
from codex.config.schema import Config
from codex.context.agents_md import AgentsMd
from codex.context.environment import environment_context, look_around, writable_roots
from codex.context.fragments import PERMISSIONS_OPEN
from codex.context.permissions import permissions_instructions
from codex.protocol.contextual import AGENTS_MD_OPEN, ENVIRONMENT_OPEN
from codex.protocol.response_item import ResponseItem, input_text, message

_REPLACES = "This takes the place of all AGENTS.md instructions given before.\n\n"
_NO_AGENTS_MD = "No AGENTS.md instructions hold any more."


@cache
def default_instructions() -> str:
    """Our base instructions."""
    # Not importlib.resources: 25 ms of imports on the way to the first request.
    with open(os.path.join(os.path.dirname(__file__), "prompts", "base.md"), encoding="utf-8") as file:
        return file.read()


def base_instructions(config: Config) -> str:
    """The base instructions in force: the configured ones, else ours."""
    return default_instructions() if config.model_instructions is None else config.model_instructions


def base_item(text: str, thread_id: str) -> ResponseItem:
    """The base instructions as the first item of every request of a thread; its id is the same each time."""
    return {"type": "message", "id": f"msg_{thread_id}", "role": "developer", "content": [input_text(text)]}


@attrs.frozen
class Fragments:
    """The texts that hold now; None: not to be sent at all."""

    developer_instructions: str | None = None
    permissions: str | None = None
    agents_md: str | None = None
    environment: str | None = None
    skills: str | None = None


def fragments(
    config: Config,
    agents_md: AgentsMd,
    environ: Mapping[str, str],
    now: datetime,
    allowed_prefixes: Sequence[str] = (),
    *,
    skills: str | None = None,
) -> Fragments:
    """The texts for the configuration as it is.

    Args:
      now: the local time.
      allowed_prefixes: commands that rules let run.
      skills: the catalogue of skills.
    """
    sandbox = config.sandbox_policy
    permissions = environment = None
    if config.include_permissions_instructions:
        roots = writable_roots(config.cwd, sandbox, environ)
        permissions = permissions_instructions(sandbox, config.approval_policy, roots, allowed_prefixes)
    if config.include_environment_context:
        environment = environment_context(config.cwd, sandbox, look_around(environ, now))
    instructions = _agents_md(agents_md, config.cwd)
    return Fragments(config.developer_instructions or None, permissions, instructions, environment, skills)


def _agents_md(found: AgentsMd, cwd: str) -> str | None:
    if not found.text:
        return None
    place = f" for {cwd}" if found.has_project_part else ""
    return f"{AGENTS_MD_OPEN}{place}\n\n<INSTRUCTIONS>\n{found.text}\n</INSTRUCTIONS>"


class Told:
    """What the model was told last, gathered from the history item by item."""

    def __init__(self) -> None:
        self.developer: set[str] = set()
        self.permissions: str | None = None
        self.agents_md: str | None = None
        self.environment: str | None = None

    @classmethod
    def by(cls, items: Iterable[ResponseItem]) -> "Told":
        """What these items tell, the later ones winning."""
        told = cls()
        for item in items:
            told.note(item)
        return told

    def note(self, item: ResponseItem) -> None:
        """Take in one more item of the history."""
        if item.get("type") != "message" or item.get("role") not in ("developer", "user"):
            return
        for part in get_list(item, "content"):
            text = get_str(part, "text") if isinstance(part, dict) else ""
            if item["role"] == "developer":
                if text.startswith(PERMISSIONS_OPEN):
                    self.permissions = text
                else:
                    self.developer.add(text)
            elif text.startswith(ENVIRONMENT_OPEN):
                self.environment = text
            elif text.startswith(AGENTS_MD_OPEN):
                self.agents_md = None if _NO_AGENTS_MD in text else text.replace(_REPLACES, "", 1)


def context_items(now: Fragments, told: Told) -> list[ResponseItem]:
    """The messages that bring the model up to date: all of it at the start, later only what changed, often nothing."""
    developer: list[str] = []
    if now.developer_instructions is not None and now.developer_instructions not in told.developer:
        developer.append(now.developer_instructions)
    if now.permissions is not None and now.permissions != told.permissions:
        developer.append(now.permissions)
    if now.skills is not None and now.skills not in told.developer:
        developer.append(now.skills)
    user: list[str] = []
    if now.agents_md != told.agents_md:
        user.append(_changed_agents_md(now.agents_md, first=told.agents_md is None))
    if now.environment is not None and now.environment != told.environment:
        user.append(now.environment)
    roles = (("developer", developer), ("user", user))
    return [message(role, [input_text(text) for text in texts]) for role, texts in roles if texts]


def _changed_agents_md(text: str | None, *, first: bool) -> str:
    if text is None:
        return f"{AGENTS_MD_OPEN}\n\n<INSTRUCTIONS>\n{_NO_AGENTS_MD}\n</INSTRUCTIONS>"
    return text if first else text.replace("<INSTRUCTIONS>\n", f"<INSTRUCTIONS>\n{_REPLACES}", 1)


def initial_items(
    config: Config, agents_md: AgentsMd, *, environ: Mapping[str, str], now: datetime
) -> list[ResponseItem]:
    """The context messages of a new thread, without the base instructions (see `base_item`)."""
    return context_items(fragments(config, agents_md, environ, now), Told())
