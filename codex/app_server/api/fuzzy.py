"""Finding files by parts of their names."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class FuzzyFileSearchParams:
    """Asks `fuzzyFileSearch`."""

    query: str
    roots: tuple[str, ...]
    cancellation_token: str | None = null()


FuzzyFileSearchMatchType: TypeAlias = Literal["file", "directory"]


@frozen(kw_only=True)
class FuzzyFileSearchResult:
    """A file that was found, how well, and which characters matched."""

    SNAKE_CASE: ClassVar = True
    root: str
    path: str
    match_type: FuzzyFileSearchMatchType
    file_name: str
    score: Unsigned
    indices: tuple[Unsigned, ...] | None = null()


@frozen(kw_only=True)
class FuzzyFileSearchResponse:
    """Answers `fuzzyFileSearch`."""

    files: tuple[FuzzyFileSearchResult, ...]


@frozen(kw_only=True)
class FuzzyFileSearchSessionStartParams:
    """Asks `fuzzyFileSearch/sessionStart`."""

    session_id: str
    roots: tuple[str, ...]


@frozen(kw_only=True)
class FuzzyFileSearchSessionStartResponse:
    """Answers `fuzzyFileSearch/sessionStart`."""


@frozen(kw_only=True)
class FuzzyFileSearchSessionUpdateParams:
    """Asks `fuzzyFileSearch/sessionUpdate`."""

    session_id: str
    query: str


@frozen(kw_only=True)
class FuzzyFileSearchSessionUpdateResponse:
    """Answers `fuzzyFileSearch/sessionUpdate`."""


@frozen(kw_only=True)
class FuzzyFileSearchSessionStopParams:
    """Asks `fuzzyFileSearch/sessionStop`."""

    session_id: str


@frozen(kw_only=True)
class FuzzyFileSearchSessionStopResponse:
    """Answers `fuzzyFileSearch/sessionStop`."""


@frozen(kw_only=True)
class FuzzyFileSearchSessionUpdatedNotification:
    """Tells `fuzzyFileSearch/sessionUpdated`."""

    session_id: str
    query: str
    files: tuple[FuzzyFileSearchResult, ...]


@frozen(kw_only=True)
class FuzzyFileSearchSessionCompletedNotification:
    """Tells `fuzzyFileSearch/sessionCompleted`."""

    session_id: str
