"""Skills on offer."""

from typing import Literal, TypeAlias

from codex.app_server.wire import null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class SkillsListParams:
    """Asks `skills/list`."""

    cwds: tuple[str, ...] = ()
    force_reload: bool = False


@frozen(kw_only=True)
class SkillErrorInfo:
    """A skill that could not be read."""

    path: str
    message: str


@frozen(kw_only=True)
class SkillToolDependency:
    """A tool that a skill needs."""

    type: str
    value: str
    description: str | None = None
    transport: str | None = None
    command: str | None = None
    url: str | None = None


@frozen(kw_only=True)
class SkillDependencies:
    """What a skill needs."""

    tools: tuple[SkillToolDependency, ...]


@frozen(kw_only=True)
class SkillInterface:
    """How a skill is shown."""

    display_name: str | None = null()
    short_description: str | None = null()
    icon_small: str | None = null()
    icon_large: str | None = null()
    icon_small_url: str | None = null()
    icon_large_url: str | None = null()
    brand_color: str | None = null()
    default_prompt: str | None = null()


SkillScope: TypeAlias = Literal["user", "repo", "system", "admin"]


@frozen(kw_only=True)
class SkillMetadata:
    """A skill."""

    name: str
    description: str
    short_description: str | None = None
    interface: SkillInterface | None = None
    dependencies: SkillDependencies | None = None
    path: str
    scope: SkillScope
    enabled: bool
    plugin_id: str | None = null()


@frozen(kw_only=True)
class SkillsListEntry:
    """The skills of one folder."""

    cwd: str
    skills: tuple[SkillMetadata, ...]
    errors: tuple[SkillErrorInfo, ...]


@frozen(kw_only=True)
class SkillsListResponse:
    """Answers `skills/list`."""

    data: tuple[SkillsListEntry, ...]


@frozen(kw_only=True)
class SkillsConfigWriteParams:
    """Asks `skills/config/write`."""

    path: str | None = None
    name: str | None = None
    enabled: bool


@frozen(kw_only=True)
class SkillsConfigWriteResponse:
    """Answers `skills/config/write`."""

    effective_enabled: bool


@frozen(kw_only=True)
class SkillsChangedNotification:
    """Tells `skills/changed`."""
