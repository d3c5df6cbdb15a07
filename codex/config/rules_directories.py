"""Where rules files may be: one directory `rules` for each layer of the configuration, the lowest first."""

import os

from codex.config._files import SYSTEM_DIR
from codex.config.schema import Config


def rules_directories(config: Config) -> list[str]:
    """The machine's, the user's, and those of a trusted project from its root down to the working directory."""
    if config.ignore_rules:
        return []
    above = [SYSTEM_DIR, config.codex_home]
    project = _project(config) if config.trusted else []
    return [os.path.join(layer, "rules") for layer in dict.fromkeys([*above, *project])]


def _project(config: Config) -> list[str]:
    found = [config.cwd]
    while config.project_root and found[-1] not in (config.project_root, "/"):
        found.append(os.path.dirname(found[-1]))
    return [os.path.join(directory, ".codex") for directory in reversed(found)]
