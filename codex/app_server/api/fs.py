"""Files of the machine the server runs on."""

import attrs


@attrs.frozen(kw_only=True)
class FsReadFileParams:
    """Asks `fs/readFile`."""

    path: str


@attrs.frozen(kw_only=True)
class FsReadFileResponse:
    """Answers `fs/readFile`."""

    data_base64: str


@attrs.frozen(kw_only=True)
class FsWriteFileParams:
    """Asks `fs/writeFile`: write a file as a whole, or not at all."""

    path: str
    data_base64: str


@attrs.frozen(kw_only=True)
class FsWriteFileResponse:
    """Answers `fs/writeFile`."""


@attrs.frozen(kw_only=True)
class FsCreateDirectoryParams:
    """Asks `fs/createDirectory`."""

    path: str
    recursive: bool | None = None


@attrs.frozen(kw_only=True)
class FsCreateDirectoryResponse:
    """Answers `fs/createDirectory`."""


@attrs.frozen(kw_only=True)
class FsGetMetadataParams:
    """Asks `fs/getMetadata`."""

    path: str


@attrs.frozen(kw_only=True)
class FsGetMetadataResponse:
    """Answers `fs/getMetadata`."""

    is_directory: bool
    is_file: bool
    is_symlink: bool
    created_at_ms: int
    modified_at_ms: int


@attrs.frozen(kw_only=True)
class FsReadDirectoryParams:
    """Asks `fs/readDirectory`."""

    path: str


@attrs.frozen(kw_only=True)
class FsReadDirectoryEntry:
    """One name in a folder."""

    file_name: str
    is_directory: bool
    is_file: bool


@attrs.frozen(kw_only=True)
class FsReadDirectoryResponse:
    """Answers `fs/readDirectory`."""

    entries: tuple[FsReadDirectoryEntry, ...]


@attrs.frozen(kw_only=True)
class FsRemoveParams:
    """Asks `fs/remove`."""

    path: str
    recursive: bool | None = None
    force: bool | None = None


@attrs.frozen(kw_only=True)
class FsRemoveResponse:
    """Answers `fs/remove`."""


@attrs.frozen(kw_only=True)
class FsCopyParams:
    """Asks `fs/copy`."""

    source_path: str
    destination_path: str
    recursive: bool = False


@attrs.frozen(kw_only=True)
class FsCopyResponse:
    """Answers `fs/copy`."""


@attrs.frozen(kw_only=True)
class FsWatchParams:
    """Asks `fs/watch`."""

    watch_id: str
    path: str


@attrs.frozen(kw_only=True)
class FsWatchResponse:
    """Answers `fs/watch`."""

    path: str


@attrs.frozen(kw_only=True)
class FsUnwatchParams:
    """Asks `fs/unwatch`."""

    watch_id: str


@attrs.frozen(kw_only=True)
class FsUnwatchResponse:
    """Answers `fs/unwatch`."""


@attrs.frozen(kw_only=True)
class FsChangedNotification:
    """Tells `fs/changed`."""

    watch_id: str
    changed_paths: tuple[str, ...]
