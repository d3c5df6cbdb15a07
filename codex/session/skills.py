"""A session's skills; where there is no directory with skills, nothing of them is loaded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codex.config.folders import skill_roots
from codex.protocol.response_item import ResponseItem
from codex.protocol.user_input import TextInput, UserInput
from codex.session.context import SessionContext

if TYPE_CHECKING:
    from codex.skills import Skill


class SessionSkills:
    """What is told of skills, and which ones the user's words ask for; read once, when the session starts."""

    def __init__(self, context: SessionContext) -> None:
        self._skills: tuple[Skill, ...] = ()
        self.catalogue: str | None = None
        self.warnings: tuple[str, ...] = ()
        config = context.config
        roots = skill_roots(config, context.services.environ)
        if not roots:
            return
        from codex.skills import budget_chars, build_catalogue, find_skills

        found = find_skills(roots, config.skills)
        self._skills, self.warnings = found.skills, found.warnings
        if config.skills.include_instructions:
            window = None if context.model.is_fallback else context.model.effective_context_window
            catalogue = build_catalogue(found.skills, budget_chars(window, config.skills.max_context_tokens))
            self.catalogue = catalogue.text or None
            self.warnings += catalogue.warnings

    def items_for(self, items: Sequence[UserInput]) -> list[ResponseItem]:
        """The texts of the skills that the input names, to stand behind it."""
        texts = [item.text for item in items if isinstance(item, TextInput) and "$" in item.text]
        if not texts or not self._skills:
            return []
        from codex.skills import mentioned_skills, skill_item

        return [skill_item(skill) for skill in mentioned_skills(texts, self._skills)]
