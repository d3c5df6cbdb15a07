"""Turns that wait in a thread for the running one to end."""

from codex.app_server.api.turn import Turn
from codex.app_server.api.user_input import UserInput
from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class ThreadQueueAddParams:
    """Asks `thread/queue/add`."""

    thread_id: str
    input: tuple[UserInput, ...]
    client_user_message_id: str
    responsesapi_client_metadata: dict[str, str] | None = None


@frozen(kw_only=True)
class QueuedSubmission:
    """A user's input that waits for its turn."""

    id: str
    input: tuple[UserInput, ...]
    client_user_message_id: str
    responsesapi_client_metadata: dict[str, str] | None = null()


@frozen(kw_only=True)
class ThreadQueueAddResponse:
    """Answers `thread/queue/add`."""

    queued_submission: QueuedSubmission


@frozen(kw_only=True)
class ThreadQueueListParams:
    """Asks `thread/queue/list`."""

    thread_id: str
    cursor: str | None = None
    limit: Unsigned | None = None


@frozen(kw_only=True)
class ThreadQueueListResponse:
    """Answers `thread/queue/list`."""

    data: tuple[QueuedSubmission, ...]
    next_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadQueueUpdateParams:
    """Asks `thread/queue/update`."""

    thread_id: str
    queued_submission_id: str
    input: tuple[UserInput, ...]
    responsesapi_client_metadata: dict[str, str] | None = None


@frozen(kw_only=True)
class ThreadQueueUpdateResponse:
    """Answers `thread/queue/update`."""

    queued_submission: QueuedSubmission


@frozen(kw_only=True)
class ThreadQueueDeleteParams:
    """Asks `thread/queue/delete`."""

    thread_id: str
    queued_submission_id: str


@frozen(kw_only=True)
class ThreadQueueDeleteResponse:
    """Answers `thread/queue/delete`."""

    deleted: bool


@frozen(kw_only=True)
class ThreadQueueReorderParams:
    """Asks `thread/queue/reorder`."""

    thread_id: str
    queued_submission_ids: tuple[str, ...]


@frozen(kw_only=True)
class ThreadQueueReorderResponse:
    """Answers `thread/queue/reorder`."""


@frozen(kw_only=True)
class ThreadQueueStartParams:
    """Asks `thread/queue/start`."""

    thread_id: str
    queued_submission_id: str | None = None


@frozen(kw_only=True)
class ThreadQueueStartResponse:
    """Answers `thread/queue/start`."""

    turn: Turn


@frozen(kw_only=True)
class ThreadQueueChangedNotification:
    """Tells `thread/queue/changed`."""

    thread_id: str
