"""The index of stored threads: a SQLite file of our own that says quickly what the rollouts say.

It is never the truth. Before an answer it is brought up to date with the files that changed; where it is missing,
damaged or of another version it is made anew; and where none can be kept on disk there is one in memory. Everything
blocks: the actor keeps it in a thread of its own.
"""

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias, TypeVar

from codex.ports.store import Family, RolloutSource, Stamp, StoredFile, ThreadPage, ThreadQuery
from codex.state._schema import AGENTS, BUILDERS, SCHEMA, TOUCH, UPSERT, VERSION
from codex.state.queries import Value, cursor_after, page_sql, thread_of

Progress: TypeAlias = Callable[[int, int], None]
T = TypeVar("T")
BUSY_SECONDS = 5.0
_BATCH = 500


class Index:
    """One connection, used by one thread at a time; `close` gives it back.

    Args:
      path: the SQLite file; it and its directory are made when they are needed.
      source: the rollouts.
    """

    def __init__(self, path: str, source: RolloutSource) -> None:
        self._path = path
        self._source = source
        self._connection: sqlite3.Connection | None = None

    def page(self, query: ThreadQuery, *, progress: Progress | None = None) -> ThreadPage:
        """One page of threads, after a refresh.

        Args:
          progress: told how many of how many files were read, where there are many to read.

        Raises:
          BadCursor: the cursor is none.
        """
        statement, values = page_sql(query)

        def read(connection: sqlite3.Connection) -> ThreadPage:
            self._refresh(connection, progress)
            found = [thread_of(row) for row in connection.execute(statement, values)]
            limit = statement.rpartition(" ")[2]
            more = len(found) == int(limit)
            kept = found[:-1] if more else found
            return ThreadPage(tuple(kept), cursor_after(kept[-1], query) if more else None)

        return self._do(read)

    def family(self, thread_id: str) -> Family:
        """Who depends on a thread, after a refresh."""

        def read(connection: sqlite3.Connection) -> Family:
            self._refresh(connection, None)
            agents = [str(row[0]) for row in connection.execute(AGENTS, (thread_id,))]
            builders = [str(row[0]) for row in connection.execute(BUILDERS, (thread_id, thread_id))]
            return Family(tuple(sorted(agents)), tuple(sorted(builders)))

        return self._do(read)

    def close(self) -> None:
        """Give the connection back; the next question opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The answer from the index; from a new one where it is damaged; from one in memory where none can be kept."""
        try:
            return work(self._open())
        except sqlite3.DatabaseError as error:
            self.close()
            if _is_damage(error):
                self._remove()
                with suppress(sqlite3.DatabaseError):
                    return work(self._open())
                self.close()
        self._connection = _prepared(sqlite3.connect(":memory:", check_same_thread=False))
        try:
            return work(self._connection)
        finally:
            self.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            with suppress(OSError):
                os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, check_same_thread=False)
            os.chmod(self._path, 0o600)
            _prepared(self._connection)
        return self._connection

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                os.unlink(self._path + suffix)

    def _refresh(self, connection: sqlite3.Connection, progress: Progress | None) -> None:
        found = self._source.scan()
        known = {path: (size, changed, bool(done)) for path, size, changed, done in connection.execute(_KNOWN)}
        gone = [path for path in known if path not in found]
        touched: list[tuple[Value, ...]] = []
        unread: list[str] = []
        for path, stamp in found.items():
            before = known.get(path)
            if before is None or (before[:2] != stamp and not before[2]):
                unread.append(path)
            elif before[:2] != stamp:
                touched.append((*stamp, stamp[1] / 1e9, path))
        if gone or touched:
            with connection:
                connection.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in gone])
                connection.executemany(TOUCH, touched)
        for start in range(0, len(unread), _BATCH):
            if progress is not None and len(unread) > _BATCH:
                progress(start, len(unread))
            self._read(connection, unread[start : start + _BATCH], found)
        self._refresh_names(connection)

    def _read(self, connection: sqlite3.Connection, paths: Sequence[str], found: Mapping[str, Stamp]) -> None:
        rows = [_row(path, found[path], self._source.describe(path)) for path in paths]
        with connection:
            connection.executemany(UPSERT, rows)

    def _refresh_names(self, connection: sqlite3.Connection) -> None:
        stamp = self._source.names_stamp()
        known = connection.execute("SELECT size, changed_ns FROM names_file").fetchone()
        if stamp == known:
            return
        names: Mapping[str, str] = {} if stamp is None else self._source.names()
        with connection:
            connection.execute("DELETE FROM names")
            connection.execute("DELETE FROM names_file")
            connection.executemany("INSERT INTO names VALUES (?, ?)", names.items())
            if stamp is not None:
                connection.execute("INSERT INTO names_file VALUES (?, ?)", stamp)


# A file whose beginning is known need not be read again when it grows.
_KNOWN = "SELECT path, size, changed_ns, preview <> '' FROM files"


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection with its tables; a file of another version is emptied first."""
    connection.create_function("casefold", 1, _casefold, deterministic=True)
    if connection.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return connection
    connection.execute("BEGIN IMMEDIATE")  # one of many who come at the same time makes the tables
    with connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            for table in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                connection.execute(f'DROP TABLE "{table[0]}"')
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
    return connection


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is broken; else it is locked for too long, cannot be written, or has no room."""
    return not isinstance(error, sqlite3.OperationalError) or "no such" in str(error)


def _casefold(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def _row(path: str, stamp: Stamp, file: StoredFile | None) -> tuple[Value, ...]:
    updated = stamp[1] / 1e9
    if file is None:
        return (path, *stamp, "", "", 0, 0.0, updated, 0, "", "", "", "", "", None, None, None, None)
    return (
        path,
        *stamp,
        file.thread_id,
        file.segment_id,
        int(file.segment_id != file.thread_id),
        file.created_at,
        updated,
        int(file.archived),
        file.cwd,
        file.preview,
        file.source,
        file.originator,
        file.model_provider,
        file.branch,
        file.parent_id,
        file.forked_from,
        file.base,
    )
