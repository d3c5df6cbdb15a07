"""Reading threads that may not be loaded: lists and pages."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.item import ThreadItem
from codex.app_server.api.thread import SortDirection, Thread
from codex.app_server.api.turn import Turn, TurnItemsView
from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen

ThreadSortKey: TypeAlias = Literal["created_at", "updated_at", "recency_at", "section_position"]

ThreadSourceKind: TypeAlias = Literal[
    "cli",
    "vscode",
    "exec",
    "appServer",
    "subAgent",
    "subAgentReview",
    "subAgentCompact",
    "subAgentThreadSpawn",
    "subAgentOther",
    "unknown",
]


@frozen(kw_only=True)
class ThreadListParams:
    """Asks `thread/list`: stored threads, page by page."""

    include_attached_threads: bool = False
    current_account_only: bool = False
    cursor: str | None = None
    limit: Unsigned | None = None
    excluded_thread_ids: tuple[str, ...] | None = None
    sort_key: ThreadSortKey | None = None
    sort_direction: SortDirection | None = None
    model_providers: tuple[str, ...] | None = None
    source_kinds: tuple[ThreadSourceKind, ...] | None = None
    originators: tuple[str, ...] | None = None
    archived: bool | None = None
    section_id: str | None = None
    project_id: str | None = None
    cwd: str | tuple[str, ...] | None = None
    use_state_db_only: bool = False
    search_term: str | None = None
    parent_thread_id: str | None = None
    ancestor_thread_id: str | None = None
    attached_to_thread_id: str | None = None


@frozen(kw_only=True)
class UnreadFromStart:
    """Nothing was read yet."""

    type: ClassVar[Literal["threadStart"]] = "threadStart"


@frozen(kw_only=True)
class UnreadFromTurn:
    """The first turn that was not read."""

    type: ClassVar[Literal["turn"]] = "turn"
    turn_id: str


ThreadUnreadPosition: TypeAlias = UnreadFromStart | UnreadFromTurn


@frozen(kw_only=True)
class ThreadReadState:
    """How far a thread was read; the revision guards against writing over another's mark."""

    first_unread: ThreadUnreadPosition | None = null()
    revision: str


@frozen(kw_only=True)
class ThreadListResponse:
    """Answers `thread/list`."""

    data: tuple[Thread, ...]
    read_states: dict[str, ThreadReadState] | None = null()
    next_cursor: str | None = null()
    backwards_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadLoadedListParams:
    """Asks `thread/loaded/list`: the threads loaded here."""

    cursor: str | None = None
    limit: Unsigned | None = None


@frozen(kw_only=True)
class ThreadLoadedListResponse:
    """Answers `thread/loaded/list`."""

    data: tuple[str, ...]
    next_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadReadParams:
    """Asks `thread/read`: a thread, without loading it."""

    thread_id: str
    include_turns: bool = False


@frozen(kw_only=True)
class ThreadReadResponse:
    """Answers `thread/read`."""

    thread: Thread
    read_state: ThreadReadState | None = null()


@frozen(kw_only=True)
class ThreadTurnsListParams:
    """Asks `thread/turns/list`."""

    thread_id: str
    cursor: str | None = None
    limit: Unsigned | None = None
    sort_direction: SortDirection | None = None
    items_view: TurnItemsView | None = None


@frozen(kw_only=True)
class ThreadTurnsListResponse:
    """Answers `thread/turns/list`."""

    data: tuple[Turn, ...]
    next_cursor: str | None = null()
    backwards_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadItemOutputDeferral:
    """Which outputs may be left out, to be read later."""

    command_execution: bool = False
    mcp_tool_call: bool = False


@frozen(kw_only=True)
class ThreadItemsListAnchor:
    """Where in the items to begin."""

    type: ClassVar[Literal["item"]] = "item"
    item_id: str


ThreadItemsListCursor: TypeAlias = str | ThreadItemsListAnchor


@frozen(kw_only=True)
class ThreadItemsListParams:
    """Asks `thread/items/list`."""

    thread_id: str
    turn_id: str | None = None
    cursor: ThreadItemsListCursor | None = None
    limit: Unsigned | None = None
    sort_direction: SortDirection | None = None
    defer_output: ThreadItemOutputDeferral | None = None


@frozen(kw_only=True)
class ThreadItemEntry:
    """An item and its turn."""

    turn_id: str
    item: ThreadItem
    output_deferred: bool | None = None
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class ThreadItemsListResponse:
    """Answers `thread/items/list`."""

    data: tuple[ThreadItemEntry, ...]
    next_cursor: str | None = null()
    backwards_cursor: str | None = null()


@frozen(kw_only=True)
class ThreadItemsReadParams:
    """Asks `thread/items/read`."""

    thread_id: str
    turn_id: str
    item_ids: tuple[str, ...]


@frozen(kw_only=True)
class ThreadItemsReadResponse:
    """Answers `thread/items/read`."""

    data: tuple[ThreadItemEntry, ...]


ThreadSearchSortKey: TypeAlias = Literal["created_at", "updated_at", "recency_at"]


@frozen(kw_only=True)
class ThreadSearchParams:
    """Asks `thread/search`."""

    include_attached_threads: bool = False
    current_account_only: bool = False
    cursor: str | None = None
    limit: Unsigned | None = None
    sort_key: ThreadSearchSortKey | None = None
    sort_direction: SortDirection | None = None
    source_kinds: tuple[ThreadSourceKind, ...] | None = None
    archived: bool | None = None
    search_term: str


@frozen(kw_only=True)
class ThreadSearchResult:
    """A thread that was found, and the words around."""

    thread: Thread
    snippet: str


@frozen(kw_only=True)
class ThreadSearchResponse:
    """Answers `thread/search`."""

    data: tuple[ThreadSearchResult, ...]
    next_cursor: str | None = null()
    backwards_cursor: str | None = null()
