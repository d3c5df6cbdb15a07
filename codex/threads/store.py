"""What can be done with stored threads: name, archive, delete, fork, revert. Everything blocks for a moment.

The index only says who depends on a thread; what there is and what it says is read from the rollouts.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from uuid import UUID

import codex.rollout as rollout
from codex.base.errors import CodexError, UserError
from codex.ports.store import Family
from codex.rollout import RolloutFile

MAX_NAME_CHARS = 200


class ThreadNotNamed(UserError):
    """No thread has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no session is named {name!r}, and it is no id; `codex sessions list --all` shows what there is"
        )
        self.name = name


class ThreadInUse(UserError):
    """Other threads need this one."""

    def __init__(self, thread_id: str, builders: Sequence[str]) -> None:
        super().__init__(
            f"session {thread_id} cannot be deleted: forks of it begin with its history: {', '.join(builders)}; "
            "delete these first, or archive it"
        )
        self.thread_id, self.builders = thread_id, tuple(builders)


class MoveRefused(CodexError):
    """The disk does not let files of a thread be moved or removed."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(f"cannot move or remove {path}: {error.strerror or error}")
        self.path = path


def find_thread(codex_home: str, wanted: str) -> str:
    """The id of the thread with this id or this name; of several with the name, the one that got it last.

    Raises:
      ThreadNotNamed: there is none of this name. An id is not looked up here.
    """
    if _is_id(wanted):
        return wanted.lower()
    for thread_id, name in reversed(rollout.read_titles(codex_home).items()):
        if name == wanted:
            return thread_id
    raise ThreadNotNamed(wanted)


def name_thread(codex_home: str, thread_id: str, name: str) -> None:
    """Give a thread a name, or take it away with an empty one.

    Raises:
      UserError: the name has several lines or is too long, or there is no such thread.
      RolloutWriteError: the disk refuses.
    """
    name = name.strip()
    if len(name.splitlines()) > 1 or len(name) > MAX_NAME_CHARS:
        raise UserError(f"{name[:60]!r} is no name: take one line of at most {MAX_NAME_CHARS} characters")
    if _is_id(name):
        raise UserError(f"{name!r} is no name: it looks like an id")
    rollout.find_rollout(codex_home, thread_id)
    rollout.write_title(codex_home, thread_id, name)


def archive_thread(codex_home: str, thread_id: str, family: Family) -> None:
    """Put a thread and its sub-agents away: they are out of lists, and can be brought back.

    Raises:
      RolloutNotFound: there is none.
      UserError: it is archived already.
      ThreadHasWriter: somebody works in it, or in a sub-agent of it.
      MoveRefused: the disk refuses.
    """
    directory = rollout.archived_dir(codex_home)
    files = _files(codex_home, thread_id, family)
    if all(file.archived for file in files if file.thread_id == thread_id):
        raise UserError(f"session {thread_id} is archived already; `codex unarchive {thread_id}` brings it back")
    with _locked(codex_home, files):
        _move((file.path, os.path.join(directory, os.path.basename(file.path))) for file in files if not file.archived)


def unarchive_thread(codex_home: str, thread_id: str, family: Family) -> None:
    """Bring a thread and its sub-agents back from the archive.

    Raises:
      RolloutNotFound: there is none.
      UserError: it is not archived.
      ThreadHasWriter: somebody works in it, or in a sub-agent of it.
      MoveRefused: the disk refuses.
    """
    files = _files(codex_home, thread_id, family)
    if not any(file.archived for file in files if file.thread_id == thread_id):
        raise UserError(f"session {thread_id} is not archived")
    with _locked(codex_home, files):
        _move((file.path, _day_path(codex_home, file)) for file in files if file.archived)


def delete_thread(codex_home: str, thread_id: str, family: Family) -> None:
    """Remove a thread and its sub-agents for ever.

    Raises:
      RolloutNotFound: there is none.
      ThreadInUse: forks begin with its history.
      ThreadHasWriter: somebody works in it, or in a sub-agent of it.
      MoveRefused: the disk refuses.
    """
    files = _files(codex_home, thread_id, family)
    outside = [builder for builder in family.builders if builder not in family.agents]
    if outside:
        raise ThreadInUse(thread_id, outside)
    with _locked(codex_home, files):
        for file in reversed(files):  # what builds on a file goes before it
            try:
                os.unlink(file.path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise MoveRefused(file.path, error) from error
    for gone in {file.thread_id for file in files} & rollout.read_titles(codex_home).keys():
        rollout.write_title(codex_home, gone, "")


def fork_place(codex_home: str, thread_id: str, *, turn: str | None, before: str | None) -> "rollout.Base":
    """Where a fork leaves a thread: behind a turn, before one, or at its end.

    Raises:
      RolloutNotFound, RolloutUnreadable, TurnNotFound: the thread cannot be read, or has no such turn.
    """
    if turn is None and before is None:
        return rollout.end_of(codex_home, thread_id)
    turns = rollout.stored_turns(codex_home, thread_id)
    if before is not None:
        return rollout.find_turn(turns, before, thread_id).begins
    assert turn is not None
    return rollout.find_turn(turns, turn, thread_id).ends


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _files(codex_home: str, thread_id: str, family: Family) -> list[RolloutFile]:
    """The files of a thread and of those below it, the oldest of each first."""
    files = rollout.thread_segments(codex_home, thread_id)
    for agent in family.agents:
        try:
            files += rollout.thread_segments(codex_home, agent)
        except rollout.RolloutNotFound:
            continue
    return files


def _locked(codex_home: str, files: Sequence[RolloutFile]) -> ExitStack:
    stack = ExitStack()
    try:
        for thread_id in sorted({file.thread_id for file in files}):
            stack.enter_context(rollout.open_writer_lock(codex_home, thread_id))
    except BaseException:
        stack.close()
        raise
    return stack


def _move(moves: Iterable[tuple[str, str]]) -> None:
    for source, target in moves:
        try:
            os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
            os.rename(source, target)
        except OSError as error:
            raise MoveRefused(source, error) from error


def _day_path(codex_home: str, file: RolloutFile) -> str:
    return os.path.join(rollout.day_dir(codex_home, file.started), os.path.basename(file.path))
