"""The names that users give to threads: `session_index.jsonl`, one line a name, the last one of a thread counts."""

import fcntl
import os
import time

from codex.base.jsontext import decode_object, encode_bytes, get_str
from codex.rollout.errors import RolloutWriteError
from codex.rollout.lines import timestamp
from codex.rollout.lock import make_private


def titles_path(codex_home: str) -> str:
    """The file of names, the same as Codex's."""
    return os.path.join(codex_home, "session_index.jsonl")


def read_titles(codex_home: str) -> dict[str, str]:
    """The name of every thread that has one; the thread named last comes last."""
    titles: dict[str, str] = {}
    try:
        with open(titles_path(codex_home), "rb") as file:
            for raw in file:
                try:
                    line = decode_object(raw)
                except ValueError:
                    continue
                thread_id, name = get_str(line, "id"), get_str(line, "thread_name")
                titles.pop(thread_id, None)
                if thread_id and name:
                    titles[thread_id] = name
    except OSError:
        pass
    return titles


def write_title(codex_home: str, thread_id: str, name: str) -> None:
    """Give a thread a name; an empty one takes it away.

    Raises:
      RolloutWriteError: the disk refuses.
    """
    path = titles_path(codex_home)
    line = {"id": thread_id, "thread_name": name, "updated_at": timestamp(time.time())}
    try:
        make_private(codex_home)
        with (
            open(f"{path}.lock", "ab", opener=_private) as lock,
            open(path, "ab+", buffering=0, opener=_private) as file,
        ):
            fcntl.flock(lock, fcntl.LOCK_EX)  # held by others for one append only
            end = file.seek(0, os.SEEK_END)
            torn = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"
            file.write((b"\n" if torn else b"") + encode_bytes(line) + b"\n")
    except OSError as error:
        raise RolloutWriteError(path, error.strerror or str(error)) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
