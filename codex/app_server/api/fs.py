"""Files of the machine the server runs on."""

from codex.base.frozen import frozen


@frozen(kw_only=True)
class FsReadFileParams:
    """Asks `fs/readFile`."""

    path: str


@frozen(kw_only=True)
class FsReadFileResponse:
    """Answers `fs/readFile`."""

    data_base64: str


@frozen(kw_only=True)
class FsWriteFileParams:
    """Asks `fs/writeFile`: write a file as a whole, or not at all."""

    path: str
    data_base64: str


@frozen(kw_only=True)
class FsWriteFileResponse:
    """Answers `fs/writeFile`."""


@frozen(kw_only=True)
class FsCreateDirectoryParams:
    """Asks `fs/createDirectory`."""

    path: str
    recursive: bool | None = None


@frozen(kw_only=True)
class FsCreateDirectoryResponse:
    """Answers `fs/createDirectory`."""


@frozen(kw_only=True)
class FsGetMetadataParams:
    """Asks `fs/getMetadata`."""

    path: str


@frozen(kw_only=True)
class FsGetMetadataResponse:
    """Answers `fs/getMetadata`."""

    is_directory: bool
    is_file: bool
    is_symlink: bool
    created_at_ms: int
    modified_at_ms: int


@frozen(kw_only=True)
class FsReadDirectoryParams:
    """Asks `fs/readDirectory`."""

    path: str


@frozen(kw_only=True)
class FsReadDirectoryEntry:
    """One name in a folder."""

    file_name: str
    is_directory: bool
    is_file: bool


@frozen(kw_only=True)
class FsReadDirectoryResponse:
    """Answers `fs/readDirectory`."""

    entries: tuple[FsReadDirectoryEntry, ...]


@frozen(kw_only=True)
class FsRemoveParams:
    """Asks `fs/remove`."""

    path: str
    recursive: bool | None = None
    force: bool | None = None


@frozen(kw_only=True)
class FsRemoveResponse:
    """Answers `fs/remove`."""


@frozen(kw_only=True)
class FsCopyParams:
    """Asks `fs/copy`."""

    source_path: str
    destination_path: str
    recursive: bool = False


@frozen(kw_only=True)
class FsCopyResponse:
    """Answers `fs/copy`."""


@frozen(kw_only=True)
class FsWatchParams:
    """Asks `fs/watch`."""

    watch_id: str
    path: str


@frozen(kw_only=True)
class FsWatchResponse:
    """Answers `fs/watch`."""

    path: str


@frozen(kw_only=True)
class FsUnwatchParams:
    """Asks `fs/unwatch`."""

    watch_id: str


@frozen(kw_only=True)
class FsUnwatchResponse:
    """Answers `fs/unwatch`."""


@frozen(kw_only=True)
class FsChangedNotification:
    """Tells `fs/changed`."""

    watch_id: str
    changed_paths: tuple[str, ...]
