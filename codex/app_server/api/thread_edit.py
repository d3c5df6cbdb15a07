"""Changing a thread as a whole."""

from typing import Literal, TypeAlias

from codex.app_server.api.settings import (
    ApprovalsReviewer,
    AskForApproval,
    CollaborationMode,
    MultiAgentMode,
    Personality,
    ReasoningSummary,
    SandboxPolicy,
    TurnEnvironmentParams,
)
from codex.app_server.api.thread import Thread
from codex.app_server.wire import UNSET, Unset, Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json


@frozen(kw_only=True)
class ThreadArchiveParams:
    """Asks `thread/archive`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadArchiveResponse:
    """Answers `thread/archive`."""


@frozen(kw_only=True)
class ThreadUnarchiveParams:
    """Asks `thread/unarchive`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadUnarchiveResponse:
    """Answers `thread/unarchive`."""

    thread: Thread


@frozen(kw_only=True)
class ThreadDeleteParams:
    """Asks `thread/delete`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadDeleteResponse:
    """Answers `thread/delete`."""


@frozen(kw_only=True)
class ThreadUnsubscribeParams:
    """Asks `thread/unsubscribe`."""

    thread_id: str


ThreadUnsubscribeStatus: TypeAlias = Literal["notLoaded", "notSubscribed", "unsubscribed"]


@frozen(kw_only=True)
class ThreadUnsubscribeResponse:
    """Answers `thread/unsubscribe`."""

    status: ThreadUnsubscribeStatus


@frozen(kw_only=True)
class ThreadSetNameParams:
    """Asks `thread/name/set`."""

    thread_id: str
    name: str


@frozen(kw_only=True)
class ThreadSetNameResponse:
    """Answers `thread/name/set`."""


@frozen(kw_only=True)
class ThreadMetadataGitInfoUpdateParams:
    """What to change of a thread's git facts; null removes."""

    sha: str | None | Unset = UNSET
    branch: str | None | Unset = UNSET
    origin_url: str | None | Unset = UNSET


@frozen(kw_only=True)
class ThreadMetadataUpdateParams:
    """Asks `thread/metadata/update`."""

    thread_id: str
    project_id: str | None = None
    git_info: ThreadMetadataGitInfoUpdateParams | None = None
    daybreak_enabled: bool | None = None


@frozen(kw_only=True)
class ThreadMetadataUpdateResponse:
    """Answers `thread/metadata/update`."""

    thread: Thread


@frozen(kw_only=True)
class ThreadSettingsUpdateParams:
    """Asks `thread/settings/update`."""

    thread_id: str
    disabled_plugin_ids: tuple[str, ...] | None = None
    cwd: str | None = None
    environments: tuple[TurnEnvironmentParams, ...] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox_policy: SandboxPolicy | None = None
    permissions: str | None = None
    model: str | None = None
    service_tier: str | None | Unset = UNSET
    effort: str | None = None
    summary: ReasoningSummary | None = None
    collaboration_mode: CollaborationMode | None = None
    multi_agent_mode: MultiAgentMode | None = None
    personality: Personality | None = None


@frozen(kw_only=True)
class ThreadSettingsUpdateResponse:
    """Answers `thread/settings/update`."""


@frozen(kw_only=True)
class ThreadRevertParams:
    """Asks `thread/revert`."""

    thread_id: str
    before_turn_id: str


@frozen(kw_only=True)
class ThreadRevertResponse:
    """Answers `thread/revert`."""

    thread: Thread
    turns_backwards_cursor: str | None = null()
    items_backwards_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadCompactStartParams:
    """Asks `thread/compact/start`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadCompactStartResponse:
    """Answers `thread/compact/start`."""


@frozen(kw_only=True)
class ThreadShellCommandParams:
    """Asks `thread/shellCommand`."""

    thread_id: str
    command: str
    timeout_ms: int | None = None


@frozen(kw_only=True)
class ThreadShellCommandResponse:
    """Answers `thread/shellCommand`."""


@frozen(kw_only=True)
class ThreadInjectItemsParams:
    """Asks `thread/inject_items`."""

    thread_id: str
    items: tuple[Json, ...]


@frozen(kw_only=True)
class ThreadInjectItemsResponse:
    """Answers `thread/inject_items`."""


@frozen(kw_only=True)
class ThreadBackgroundTerminalsCleanParams:
    """Asks `thread/backgroundTerminals/clean`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadBackgroundTerminalsCleanResponse:
    """Answers `thread/backgroundTerminals/clean`."""


@frozen(kw_only=True)
class ThreadBackgroundTerminalsListParams:
    """Asks `thread/backgroundTerminals/list`."""

    thread_id: str
    cursor: str | None = None
    limit: Unsigned | None = None


@frozen(kw_only=True)
class ThreadBackgroundTerminal:
    """A command that goes on in the background."""

    item_id: str
    process_id: str
    command: str
    cwd: str
    os_pid: Unsigned | None = null()
    cpu_percent: float | None = null()
    rss_kb: Unsigned | None = null()


@frozen(kw_only=True)
class ThreadBackgroundTerminalsListResponse:
    """Answers `thread/backgroundTerminals/list`."""

    data: tuple[ThreadBackgroundTerminal, ...]
    next_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadBackgroundTerminalsTerminateParams:
    """Asks `thread/backgroundTerminals/terminate`."""

    thread_id: str
    process_id: str


@frozen(kw_only=True)
class ThreadBackgroundTerminalsTerminateResponse:
    """Answers `thread/backgroundTerminals/terminate`."""

    terminated: bool
