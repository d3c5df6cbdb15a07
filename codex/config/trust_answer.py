"""The question whether a project is trusted: when to ask it, and where the answer is kept."""

import os
from typing import Literal

from codex.config.edit import Edit, edit_config
from codex.config.schema import Config
from codex.config.trust import find_project_root, main_repository


def needs_trust_answer(config: Config) -> str | None:
    """The directory to ask about, where the user has never said whether they trust the project; None: do not ask."""
    return trust_target(config) if config.trust_level is None else None


def trust_target(config: Config) -> str:
    """The directory an answer is kept for: the project's root, or for a worktree the repository it belongs to."""
    repository = find_project_root(config.cwd)
    main = None if repository is None else main_repository(repository)
    return main or config.project_root or config.cwd


def save_trust(config: Config, level: Literal["trusted", "untrusted"], *, home: str) -> str:
    """Keep the answer in the user's config.toml; the directory it is kept for. Load the configuration again then.

    Raises:
      ConfigEditError: the file cannot be changed.
    """
    target = trust_target(config)
    path = os.path.join(config.codex_home, "config.toml")
    edit_config(path, [Edit(("projects", target, "trust_level"), level)], home=home)
    return target
