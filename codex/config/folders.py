"""Where skills and hooks are kept, and whether they are there: a start without them loads nothing of theirs."""

import os
from collections.abc import Mapping
from typing import Literal, TypeAlias

from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject
from codex.config.schema import Config
from codex.config.trust import project_directories

SkillScope: TypeAlias = Literal["repo", "user", "admin", "system"]


def skill_roots(
    config: Config, environ: Mapping[str, str], system_dir: str = "/etc/codex"
) -> list[tuple[str, SkillScope]]:
    """The directories with skills that exist, nearest to the working directory first; each once."""
    home = environ.get("HOME") or os.path.expanduser("~")
    repo = [
        os.path.join(directory, folder, "skills")
        for directory in reversed(project_directories(config.cwd, config.project_root or config.cwd))
        for folder in (".agents", ".codex")
    ]
    own = os.path.join(config.codex_home, "skills")
    user = [os.path.join(home, ".agents", "skills"), own]
    system = [os.path.join(own, ".system")] if config.skills.bundled else []
    admin = [os.path.join(system_dir, "skills")]
    scopes: list[tuple[SkillScope, list[str]]] = [("repo", repo), ("user", user), ("admin", admin), ("system", system)]
    wanted: list[tuple[str, SkillScope]] = [(path, scope) for scope, paths in scopes for path in paths]
    found: dict[str, tuple[str, SkillScope]] = {}
    for path, scope in wanted:
        if os.path.isdir(path):
            found.setdefault(os.path.realpath(path), (path, scope))
    return list(found.values())


@frozen
class HookSource:
    """Where hooks are written: a layer's table `hooks`, or a file `hooks.json` (`table` None: not read yet)."""

    kind: str
    path: str
    table: JsonObject | None = None


def hook_sources(config: Config, system_dir: str = "/etc/codex") -> list[HookSource]:
    """All places with hooks, lowest first; a project's only where it is trusted."""
    folders = [("system", system_dir), ("user", config.codex_home)]
    if config.trusted:
        directories = project_directories(config.cwd, config.project_root or config.cwd)
        folders += [("project", os.path.join(directory, ".codex")) for directory in directories]
    files = [(kind, os.path.join(folder, "hooks.json")) for kind, folder in folders]
    found = [HookSource(kind, path) for kind, path in files if os.path.isfile(path)]
    found = [*(HookSource(kind, path, table) for kind, path, table in config.hooks), *found]
    if config.managed_hooks_only:
        return [source for source in found if source.kind in ("system", "managed")]
    return found
