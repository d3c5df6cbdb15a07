"""Skills: directories with a SKILL.md that tell an agent how to do one kind of work.

The model is told names and descriptions; it reads a skill's text when it needs it, and gets it at once where the user
writes `$name`. Loaded only where there is a directory with skills.
"""

from codex.skills.catalogue import Catalogue, budget_chars, build_catalogue
from codex.skills.find import Found, Skill, find_skills
from codex.skills.mention import mentioned_skills, skill_item

__all__ = [
    "Catalogue",
    "Found",
    "Skill",
    "budget_chars",
    "build_catalogue",
    "find_skills",
    "mentioned_skills",
    "skill_item",
]
