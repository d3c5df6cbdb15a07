"""The rollouts below a CODEX_HOME, as the index of threads reads them."""

import os
from collections.abc import Mapping
from datetime import datetime

from codex.base.jsontext import Json, JsonObject, get_object, get_str
from codex.ports.store import Stamp, StoredFile
from codex.protocol.contextual import is_user_turn
from codex.rollout.errors import RolloutNotFound, RolloutUnreadable
from codex.rollout.names import RolloutFile, archived_dir, parse_path, sessions_dir
from codex.rollout.read import Reading, base_of, line_head, read_bases
from codex.rollout.titles import read_titles, titles_path
from codex.rollout.turns import said_text

_PREVIEW_CHARS = 200
_LOOK_AT_LINES = 200


class Rollouts:
    """Implements `codex.ports.store.RolloutSource`. Everything blocks for a moment."""

    def __init__(self, codex_home: str) -> None:
        self._home = codex_home

    def scan(self) -> Mapping[str, Stamp]:
        """Every file of every thread, archived or not."""
        found: dict[str, Stamp] = {}
        todo = [sessions_dir(self._home), archived_dir(self._home)]
        while todo:
            try:
                entries = list(os.scandir(todo.pop()))
            except OSError:
                continue
            for entry in entries:
                try:
                    if entry.name.startswith("rollout-"):
                        status = entry.stat()
                        found[entry.path] = (status.st_size, status.st_mtime_ns)
                    elif entry.is_dir():
                        todo.append(entry.path)
                except OSError:  # gone since
                    continue
        return found

    def describe(self, path: str) -> StoredFile | None:
        """What the beginning of a file says; None when it is no rollout (any more)."""
        file = parse_path(path, archived=path.startswith(archived_dir(self._home)))
        if file is None:
            return None
        try:
            return self._describe(file)
        except RolloutUnreadable:
            return None

    def names_stamp(self) -> Stamp | None:
        """Changes when a name was given."""
        try:
            status = os.stat(titles_path(self._home))
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns

    def names(self) -> Mapping[str, str]:
        """The names that users gave, by thread."""
        return read_titles(self._home)

    def _describe(self, file: RolloutFile) -> StoredFile | None:
        meta, preview = _beginning(Reading(file.path))
        if meta is None:
            return None
        base = base_of(meta)
        if base is not None and not preview:
            preview = self._preview_of_base(meta)
        return StoredFile(
            path=file.path,
            thread_id=file.thread_id,
            segment_id=file.segment_id,
            created_at=_unix(get_str(meta, "timestamp")),
            archived=file.archived,
            cwd=get_str(meta, "cwd"),
            preview=preview,
            source=_source(meta.get("source")),
            originator=get_str(meta, "originator"),
            model_provider=get_str(meta, "model_provider"),
            branch=get_str(get_object(meta, "git"), "branch") or None,
            parent_id=get_str(meta, "parent_thread_id") or None,
            forked_from=get_str(meta, "forked_from_id") or None,
            base=None if base is None else base.segment_id,
        )

    def _preview_of_base(self, meta: JsonObject) -> str:
        try:
            for reading in read_bases(meta, self._home):
                if preview := _beginning(reading)[1]:
                    return preview
        except (RolloutNotFound, RolloutUnreadable):
            pass
        return ""


def _beginning(reading: Reading) -> tuple[JsonObject | None, str]:
    """The `session_meta`, and what the user said first, as far as it stands near the beginning."""
    meta: JsonObject | None = None
    for number, raw, whole in reading.raw_lines():
        if number > _LOOK_AT_LINES:
            break
        kind = line_head(raw).kind
        if kind == b"session_meta" or (kind == b"response_item" and b'"role":"user"' in raw):
            line = reading.decode(raw, number, last=not whole)
            payload = get_object(line or {}, "payload")
            if kind == b"session_meta":
                meta = meta or payload
            elif is_user_turn(payload):
                return meta, " ".join(said_text(payload).split())[:_PREVIEW_CHARS]
        if meta is None:
            break
    return meta, ""


def _source(source: Json) -> str:
    """Which front-end started it; Codex names sub-agents by an object."""
    return source if isinstance(source, str) else next(iter(source), "") if isinstance(source, dict) else ""


def _unix(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0
