"""Questions to the index as SQL, and cursors: pure."""

from collections.abc import Sequence
from typing import TypeAlias

from codex.base.errors import UserError
from codex.ports.store import StoredThread, ThreadQuery
from codex.state._schema import CURRENT

Value: TypeAlias = "str | int | float | None"
MAX_LIMIT = 1_000


class BadCursor(UserError):
    """A cursor that no page ended with."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is no cursor; take the one that the page before ended with")
        self.cursor = cursor


def page_sql(query: ThreadQuery) -> tuple[str, list[Value]]:
    """The statement for one page, and one thread more to know whether there is another."""
    key = query.sort
    where, arguments = ["f.archived = ?"], list[Value]([int(query.archived)])
    if query.parent is not None:
        where.append("f.parent_id = ?")
        arguments.append(query.parent)
    elif not query.agents:
        where.append("f.parent_id IS NULL")
    if query.parents:
        where.append("EXISTS (SELECT 1 FROM files c WHERE c.parent_id = f.thread_id)")
    if query.cwd is not None:
        where.append("f.cwd = ?")
        arguments.append(query.cwd)
    if query.search:
        places = ("n.name", "f.preview", "f.thread_id")
        where.append(f"({' OR '.join(f'casefold({place}) LIKE ? ESCAPE char(92)' for place in places)})")
        arguments += [_pattern(query.search)] * len(places)
    for column, values in (("f.source", query.sources), ("f.model_provider", query.providers)):
        if values is not None:
            where.append(f"{column} IN ({', '.join('?' * len(values))})")
            arguments += values
    before, order_by = (">", "ASC") if query.ascending else ("<", "DESC")
    if query.cursor is not None:
        where.append(f"(f.{key}, f.thread_id) {before} (?, ?)")
        arguments += read_cursor(query.cursor)
    limit = max(1, min(query.limit, MAX_LIMIT))
    order = f"ORDER BY f.{key} {order_by}, f.thread_id {order_by} LIMIT {limit + 1}"
    return f"{CURRENT} AND {' AND '.join(where)} {order}", arguments


def _pattern(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text.casefold()}%"


def read_cursor(cursor: str) -> list[Value]:
    """The place where the page before this one ended.

    Raises:
      BadCursor: it is none.
    """
    moment, _, thread_id = cursor.partition("|")
    try:
        return [float(moment), thread_id]
    except ValueError:
        raise BadCursor(cursor) from None


def cursor_after(thread: StoredThread, query: ThreadQuery) -> str:
    """The place behind a thread."""
    moment = thread.updated_at if query.sort == "updated_at" else thread.created_at
    return f"{moment!r}|{thread.thread_id}"


def thread_of(row: Sequence[Value]) -> StoredThread:
    """A row of `CURRENT`."""
    thread_id, path, created, updated, cwd, preview, name, archived, source, originator, provider, *links = row
    branch, parent, forked = (None if link is None else str(link) for link in links)
    return StoredThread(
        thread_id=str(thread_id),
        path=str(path),
        created_at=float(created or 0),
        updated_at=float(updated or 0),
        cwd=str(cwd),
        preview=str(preview),
        name=None if name is None else str(name),
        archived=bool(archived),
        source=str(source),
        originator=str(originator),
        model_provider=str(provider),
        branch=branch,
        parent_id=parent,
        forked_from=forked,
    )
