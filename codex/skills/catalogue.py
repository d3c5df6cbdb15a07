"""What the model is told of skills: names, descriptions and paths within a budget. Pure.

Where the budget does not suffice descriptions are shortened to one length for all; where names and paths alone are too
much, the last skills are left out, and both the model and the user are told.
"""

import os
from collections.abc import Sequence

import attrs

from codex.skills.find import Skill

OPEN, CLOSE = "<skills_instructions>", "</skills_instructions>"
UNKNOWN_BUDGET = 8_000
_SHARE, _CHARS_PER_TOKEN = 0.02, 4
_INTRO = (
    "## Skills\n"
    "A skill is a directory with a `SKILL.md` that says how one kind of work is done here. When the task fits a "
    "description below, or the user names a skill as `$name`, read its `SKILL.md` first and follow it; read what it "
    "refers to only when you need it. Paths are relative to their root. Where a skill cannot be used, say so in a "
    "sentence and go on without it."
)


@attrs.frozen
class Catalogue:
    """The text for the model, empty without skills; `omitted` are the skills that found no room."""

    text: str = ""
    shortened: bool = False
    omitted: tuple[Skill, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about it."""
        if not self.omitted:
            return ()
        names = ", ".join(skill.name for skill in self.omitted)
        return (f"skills: no room to tell the model about {names}; raise skills.max_context_tokens or switch some off",)


def budget_chars(context_window: int | None, max_context_tokens: int | None) -> int:
    """How many characters the catalogue may have."""
    if max_context_tokens is not None:
        return max_context_tokens * _CHARS_PER_TOKEN
    return UNKNOWN_BUDGET if context_window is None else int(context_window * _SHARE) * _CHARS_PER_TOKEN


def build_catalogue(skills: Sequence[Skill], max_chars: int) -> Catalogue:
    """The catalogue of the skills that may be used without being named."""
    listed = [skill for skill in skills if skill.implicit]
    if not listed:
        return Catalogue()
    kept = len(listed)
    while kept and len(_text(listed, kept, 0)) > max_chars:
        kept -= 1
    if not kept:
        return Catalogue(omitted=tuple(listed))
    longest = max(len(skill.description) for skill in listed)
    length = _longest_that_fits(listed, kept, longest, max_chars)
    return Catalogue(_text(listed, kept, length), length < longest, tuple(listed[kept:]))


def _longest_that_fits(skills: Sequence[Skill], kept: int, longest: int, max_chars: int) -> int:
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        if len(_text(skills, kept, middle)) <= max_chars:
            low = middle
        else:
            high = middle - 1
    return low


def _text(skills: Sequence[Skill], kept: int, length: int) -> str:
    roots = list(dict.fromkeys(skill.root for skill in skills[:kept]))
    lines = [OPEN, _INTRO, "### Roots", *(f"- `r{number}` = `{root}`" for number, root in enumerate(roots)), "### List"]
    for skill in skills[:kept]:
        place = f"r{roots.index(skill.root)}/{os.path.relpath(skill.path, skill.root)}"
        description = _shortened(skill.description, length)
        lines.append(f"- {skill.name}:{' ' if description else ''}{description} (file: {place})")
    if kept < len(skills):
        lines.append(f"- and {len(skills) - kept} more for which there is no room here")
    return "\n".join([*lines, CLOSE])


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…" if length else ""
