"""Doing what a patch says, section by section: what was done before a section fails stays done."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from codex.base.errors import ToolFailure
from codex.patch.disk import UnreadableFile, describe, make_directories, read_bytes, read_text, remove_file, write_bytes
from codex.patch.parse import AddFile, DeleteFile, Hunk, UpdateFile
from codex.patch.paths import parent, resolve
from codex.patch.places import Place, make_parents, reach
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


def apply_hunks(hunks: Sequence[Hunk], cwd: str, places: Mapping[str, Place] | None = None) -> Outcome:
    """Write and remove files until all is done or a section fails; what the disk says never raises.

    Args:
      places: where the files were when it was decided that they may be written; None: wherever their paths lead.
    """
    files = _Files(places)
    try:
        if not hunks:
            raise NothingToDo
        for hunk in hunks:
            files.outcome.done.append(_apply(hunk, cwd, files))
    except ToolFailure as err:
        files.outcome.error = err
    return files.outcome


def _apply(hunk: Hunk, cwd: str, files: "_Files") -> Done:
    path = resolve(hunk.path, cwd)
    match hunk:
        case AddFile():
            files.write(path, hunk.content, anew=True)
        case DeleteFile():
            files.remove(path, f"Failed to delete file {path}")
        case UpdateFile():
            return _update(hunk, path, cwd, files)
    return Done(hunk, path)


def _update(hunk: UpdateFile, path: str, cwd: str, files: "_Files") -> Done:
    plan = plan_update(files.text_of(path), hunk.chunks, path)
    if hunk.move_path is None:
        files.write(path, plan.content)
        return Done(hunk, path, None, plan)
    destination = resolve(hunk.move_path, cwd)
    files.write(destination, plan.content, moved_from=path)
    files.remove(path, f"Failed to remove original {path}")
    return Done(hunk, path, destination, plan)


class _Files:
    """The files of a patch, at their places, and what has become of them."""

    def __init__(self, places: Mapping[str, Place] | None) -> None:
        self._places = places
        self._follow = places is None
        self.outcome = Outcome()

    def text_of(self, path: str) -> str:
        try:
            with reach(path, self._places) as at:
                return read_text(at, follow=self._follow)
        except UnreadableFile as err:
            raise UnreadableTarget(path, str(err)) from err
        except OSError as err:
            raise UnreadableTarget(path, describe(err)) from err

    def write(self, path: str, text: str, *, moved_from: str | None = None, anew: bool = False) -> None:
        before, content = self._content(path), text.encode()
        try:
            try:
                self._put(path, content)
            except FileNotFoundError:
                self._make_parents(path)
                self._put(path, content)
        except OSError as err:
            left = self._content(path)  # where the old file could not be replaced, half of the new one may stand now
            if left != before:
                self.outcome.touched.append(Touched(path, before, left))
            raise ApplyError(f"Failed to write file {path}") from err
        self.outcome.touched.append(Touched(path, before, content, moved_from, anew))

    def remove(self, path: str, complaint: str) -> None:
        before = self._content(path)
        try:
            with reach(path, self._places, entry=True) as at:
                remove_file(at)
        except OSError as err:
            raise ApplyError(complaint) from err
        self.outcome.touched.append(Touched(path, before, None))

    def _put(self, path: str, content: bytes) -> None:
        with reach(path, self._places) as at:
            write_bytes(at, content, follow=self._follow)

    def _make_parents(self, path: str) -> None:
        try:
            if self._places is None:
                make_directories(parent(path))
            else:
                make_parents(self._places[path])
        except OSError as err:
            raise ApplyError(f"Failed to create parent directories for {path}") from err

    def _content(self, path: str) -> bytes | None:
        try:
            with reach(path, self._places) as at:
                return read_bytes(at, follow=self._follow)
        except (UnreadableFile, OSError):
            return None
