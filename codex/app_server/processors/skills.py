"""`skills/list`: the skills that threads in a directory have."""

from functools import partial

import trio

from codex.app_server.api.skills import (
    SkillErrorInfo,
    SkillMetadata,
    SkillsListEntry,
    SkillsListParams,
    SkillsListResponse,
)
from codex.app_server.desk import Desk
from codex.config.folders import skill_roots
from codex.skills import Skill, find_skills


async def list_all(desk: Desk, params: SkillsListParams) -> SkillsListResponse:
    """The skills for each directory, read again each time. Cancelled, nothing happened."""
    server = desk.server
    entries: list[SkillsListEntry] = []
    for cwd in params.cwds or (server.codex.config.cwd,):
        config = await server.load_config(cwd)
        roots = skill_roots(config, server.environ)
        found = await trio.to_thread.run_sync(partial(find_skills, roots, config.skills))
        errors = tuple(_error(warning) for warning in found.warnings)
        skills = tuple(_shown(skill) for skill in found.skills)
        entries.append(SkillsListEntry(cwd=cwd, skills=skills, errors=errors))
    return SkillsListResponse(data=tuple(entries))


def _shown(skill: Skill) -> SkillMetadata:
    return SkillMetadata(
        name=skill.name,
        description=skill.description,
        short_description=skill.short_description,
        path=skill.path,
        scope=skill.scope,
        enabled=True,
    )


def _error(warning: str) -> SkillErrorInfo:
    """A warning is `skill left out: PATH: REASON`."""
    _, path, reason = [*warning.split(": ", 2), "", ""][:3]
    return SkillErrorInfo(path=path, message=reason or warning)


HANDLERS = {"skills/list": list_all}
