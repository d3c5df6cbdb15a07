"""Doing what a patch says, section by section: what was done before a section fails stays done."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import attrs

from codex.base.errors import ToolFailure
from codex.patch.disk import UnreadableFile, make_directories, read_bytes, read_text, remove_file, write_bytes
from codex.patch.parse import AddFile, DeleteFile, Hunk, UpdateFile
from codex.patch.paths import parent, resolve
from codex.patch.plan import FilePlan, plan_update

Letter: TypeAlias = Literal["A", "M", "D"]


class ApplyError(ToolFailure):
    """A section could not be done; the text is Codex's."""


class NothingToDo(ApplyError):
    """The patch has no sections."""

    def __init__(self) -> None:
        super().__init__("No files were modified.")


class UnreadableTarget(ApplyError):
    """The file to update is missing, not a file, not UTF-8 or not allowed."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"Failed to read file to update {path}: {reason}")
        self.path, self.reason = path, reason


@attrs.frozen
class Touched:
    """One file that a patch wrote or removed.

    None as content: there was (is) no file, or it could not be read. `anew`: what was there was not built upon.
    """

    path: str
    before: bytes | None
    after: bytes | None
    moved_from: str | None = None
    anew: bool = False


@attrs.frozen
class Done:
    """A section that was done: the file's absolute path, where it went, and for an update what became of it."""

    hunk: Hunk
    path: str
    move_path: str | None = None
    plan: FilePlan | None = None


class Outcome:
    """What applying a patch has come to: all of it, or what was done before `error`."""

    def __init__(self) -> None:
        self.touched: list[Touched] = []
        self.done: list[Done] = []
        self.error: ToolFailure | None = None

    def summary(self) -> str:
        """The text for the model: added, changed, then deleted files, as the patch names them."""
        listed = sorted((_entry(done.hunk) for done in self.done), key=lambda entry: "AMD".index(entry[0]))
        return "Success. Updated the following files:\n" + "".join(f"{letter} {name}\n" for letter, name in listed)


def _entry(hunk: Hunk) -> tuple[Letter, str]:
    match hunk:
        case AddFile():
            return "A", hunk.path
        case DeleteFile():
            return "D", hunk.path
        case UpdateFile():
            return "M", hunk.move_path or hunk.path


def apply_hunks(hunks: Sequence[Hunk], cwd: str) -> Outcome:
    """Write and remove files until all is done or a section fails; what the disk says never raises."""
    outcome = Outcome()
    try:
        if not hunks:
            raise NothingToDo
        for hunk in hunks:
            outcome.done.append(_apply(hunk, cwd, outcome.touched))
    except ToolFailure as err:
        outcome.error = err
    return outcome


def _apply(hunk: Hunk, cwd: str, touched: list[Touched]) -> Done:
    path = resolve(hunk.path, cwd)
    match hunk:
        case AddFile():
            _write(path, hunk.content, touched, anew=True)
        case DeleteFile():
            _remove(path, f"Failed to delete file {path}", touched)
        case UpdateFile():
            return _update(hunk, path, cwd, touched)
    return Done(hunk, path)


def _update(hunk: UpdateFile, path: str, cwd: str, touched: list[Touched]) -> Done:
    try:
        content = read_text(path)
    except UnreadableFile as err:
        raise UnreadableTarget(path, str(err)) from err
    plan = plan_update(content, hunk.chunks, path)
    if hunk.move_path is None:
        _write(path, plan.content, touched)
        return Done(hunk, path, None, plan)
    destination = resolve(hunk.move_path, cwd)
    _write(destination, plan.content, touched, moved_from=path)
    _remove(path, f"Failed to remove original {path}", touched)
    return Done(hunk, path, destination, plan)


def _write(path: str, text: str, touched: list[Touched], *, moved_from: str | None = None, anew: bool = False) -> None:
    before, content = _content(path), text.encode()
    try:
        try:
            write_bytes(path, content)
        except FileNotFoundError:
            try:
                make_directories(parent(path))
            except OSError as err:
                raise ApplyError(f"Failed to create parent directories for {path}") from err
            write_bytes(path, content)
    except OSError as err:
        left = _content(path)  # where the old file could not be replaced, half of the new one may stand now
        if left != before:
            touched.append(Touched(path, before, left))
        raise ApplyError(f"Failed to write file {path}") from err
    touched.append(Touched(path, before, content, moved_from, anew))


def _remove(path: str, complaint: str, touched: list[Touched]) -> None:
    before = _content(path)
    try:
        remove_file(path)
    except OSError as err:
        raise ApplyError(complaint) from err
    touched.append(Touched(path, before, None))


def _content(path: str) -> bytes | None:
    try:
        return read_bytes(path)
    except UnreadableFile:
        return None
