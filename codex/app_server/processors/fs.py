"""`fs/*`: files of this machine, for clients that are trusted with it as their user is."""

from collections.abc import Callable
from functools import partial
from typing import Never, TypeVar

import trio

from actors import Mailbox
from codex.app_server import files
from codex.app_server.api.fs import (
    FsChangedNotification,
    FsCopyParams,
    FsCopyResponse,
    FsCreateDirectoryParams,
    FsCreateDirectoryResponse,
    FsGetMetadataParams,
    FsGetMetadataResponse,
    FsReadDirectoryParams,
    FsReadDirectoryResponse,
    FsReadFileParams,
    FsReadFileResponse,
    FsRemoveParams,
    FsRemoveResponse,
    FsUnwatchParams,
    FsUnwatchResponse,
    FsWatchParams,
    FsWatchResponse,
    FsWriteFileParams,
    FsWriteFileResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.rpc import RpcError
from codex.app_server.watch import PAUSE, Look, changed, look

T = TypeVar("T")
MAX_WATCHES = 64
_threads = trio.CapacityLimiter(8)


async def _on_disk(call: Callable[[], T]) -> T:
    """Run it in a thread. Cancelled: waits for it, since half of a write is none.

    Raises:
      RpcError: with what the system says.
    """
    try:
        return await trio.to_thread.run_sync(call, limiter=_threads)
    except OSError as error:
        raise files.failure(error) from error


async def read_file(_desk: Desk, params: FsReadFileParams) -> FsReadFileResponse:
    """The bytes of a file. Cancelled, nothing happened."""
    path = files.checked_path(params.path)
    return FsReadFileResponse(data_base64=await _on_disk(partial(files.read_file, path)))


async def write_file(_desk: Desk, params: FsWriteFileParams) -> FsWriteFileResponse:
    """Write a file as a whole. Cancelled, it may be written."""
    path, data = files.checked_path(params.path), files.decoded(params.data_base64, "fs/writeFile")
    await _on_disk(partial(files.write_file, path, data))
    return FsWriteFileResponse()


async def create_directory(_desk: Desk, params: FsCreateDirectoryParams) -> FsCreateDirectoryResponse:
    """Make a directory, by default with those above it. Cancelled, it may be there."""
    path = files.checked_path(params.path)
    await _on_disk(partial(files.create_directory, path, recursive=params.recursive is not False))
    return FsCreateDirectoryResponse()


async def get_metadata(_desk: Desk, params: FsGetMetadataParams) -> FsGetMetadataResponse:
    """What stands at a path. Cancelled, nothing happened."""
    return await _on_disk(partial(files.metadata, files.checked_path(params.path)))


async def read_directory(_desk: Desk, params: FsReadDirectoryParams) -> FsReadDirectoryResponse:
    """The names in a directory. Cancelled, nothing happened."""
    path = files.checked_path(params.path)
    return FsReadDirectoryResponse(entries=await _on_disk(partial(files.read_directory, path)))


async def remove(_desk: Desk, params: FsRemoveParams) -> FsRemoveResponse:
    """Remove a file, or by default a whole directory. Cancelled, it may be gone."""
    path = files.checked_path(params.path)
    recursive, force = params.recursive is not False, params.force is not False
    await _on_disk(partial(files.remove, path, recursive=recursive, force=force))
    return FsRemoveResponse()


async def copy(_desk: Desk, params: FsCopyParams) -> FsCopyResponse:
    """Copy a file, or with `recursive` a directory. Cancelled, it may be done."""
    source, target = files.checked_path(params.source_path), files.checked_path(params.destination_path)
    await _on_disk(partial(files.copy, source, target, recursive=bool(params.recursive)))
    return FsCopyResponse()


class _Watch:
    """One path that a client looks at."""

    def __init__(self, desk: Desk, watch_id: str, path: str, before: Look) -> None:
        self._desk, self._watch_id, self._path, self._seen = desk, watch_id, path, before
        self._over = trio.CancelScope()

    async def run(self, mailbox: Mailbox[Never]) -> None:
        """Tell of changes until stopped."""
        mailbox.started()
        with self._over:
            while True:
                await trio.sleep(PAUSE)
                after = await trio.to_thread.run_sync(look, self._path, limiter=_threads)
                paths = changed(self._seen, after)
                self._seen = after
                if paths:
                    told = FsChangedNotification(watch_id=self._watch_id, changed_paths=tuple(paths))
                    self._desk.tell("fs/changed", told)

    def end(self) -> None:
        """Tell nothing more."""
        self._over.cancel()


async def watch(desk: Desk, params: FsWatchParams) -> FsWatchResponse:
    """Tell this client of changes of a file, or of what is directly in a directory. Cancelled, nothing is watched."""
    path, mine = files.checked_path(params.path), desk.server.belongings(desk.client)
    found = await trio.to_thread.run_sync(look, path, limiter=_threads)
    if mine.find(_Watch, params.watch_id) is not None:
        raise RpcError(f"watchId already exists: {params.watch_id}")
    if mine.count(_Watch) >= MAX_WATCHES:
        raise RpcError(f"{MAX_WATCHES} paths are watched already; end one with fs/unwatch first")
    it = _Watch(desk, params.watch_id, path, found)
    mine.keep(params.watch_id, it)
    mine.spawn(it.run, f"watch-{params.watch_id}")
    return FsWatchResponse(path=path)


async def unwatch(desk: Desk, params: FsUnwatchParams) -> FsUnwatchResponse:
    """End a watch; one that there is not is ended. Does not wait."""
    mine = desk.server.belongings(desk.client)
    it = mine.find(_Watch, params.watch_id)
    if it is not None:
        it.end()
        mine.forget(params.watch_id, it)
    return FsUnwatchResponse()


HANDLERS = {
    "fs/readFile": read_file,
    "fs/writeFile": write_file,
    "fs/createDirectory": create_directory,
    "fs/getMetadata": get_metadata,
    "fs/readDirectory": read_directory,
    "fs/remove": remove,
    "fs/copy": copy,
    "fs/watch": watch,
    "fs/unwatch": unwatch,
}
