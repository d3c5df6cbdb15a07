"""What is told of a thread."""

from codex.app_server.api.item_events import TokenUsageBreakdown
from codex.app_server.api.settings import ThreadSettings
from codex.app_server.api.thread import Thread, ThreadStatus
from codex.app_server.api.thread_list import ThreadReadState
from codex.app_server.wire import null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class ThreadStartedNotification:
    """Tells `thread/started`."""

    thread: Thread


@frozen(kw_only=True)
class ThreadStatusChangedNotification:
    """Tells `thread/status/changed`."""

    thread_id: str
    status: ThreadStatus


@frozen(kw_only=True)
class ThreadClosedNotification:
    """Tells `thread/closed`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadArchivedNotification:
    """Tells `thread/archived`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadUnarchivedNotification:
    """Tells `thread/unarchived`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadDeletedNotification:
    """Tells `thread/deleted`."""

    thread_id: str


@frozen(kw_only=True)
class ThreadRevertedNotification:
    """Tells `thread/reverted`."""

    thread_id: str


@frozen(kw_only=True)
class ContextCompactedNotification:
    """Tells `thread/compacted`."""

    thread_id: str
    turn_id: str


@frozen(kw_only=True)
class ThreadNameUpdatedNotification:
    """Tells `thread/name/updated`."""

    thread_id: str
    thread_name: str | None = None


@frozen(kw_only=True)
class ThreadSettingsUpdatedNotification:
    """Tells `thread/settings/updated`."""

    thread_id: str
    thread_settings: ThreadSettings


@frozen(kw_only=True)
class ThreadTokenUsage:
    """What a thread used, in all and last."""

    total: TokenUsageBreakdown
    last: TokenUsageBreakdown
    model_context_window: int | None = null()


@frozen(kw_only=True)
class ThreadTokenUsageUpdatedNotification:
    """Tells `thread/tokenUsage/updated`."""

    thread_id: str
    turn_id: str
    token_usage: ThreadTokenUsage


@frozen(kw_only=True)
class ThreadReadStateChangedNotification:
    """Tells `thread/readState/changed`."""

    thread_id: str
    read_state: ThreadReadState


@frozen(kw_only=True)
class EnvironmentConnectionNotification:
    """Tells `thread/environment/connected` and Tells `thread/environment/disconnected`."""

    thread_id: str
    environment_id: str
