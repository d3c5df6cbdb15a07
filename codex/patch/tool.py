"""A patch as a tool of the model: all of it is checked before anything is written."""

from collections.abc import Iterable, Mapping

import attrs

from codex.base.errors import ToolFailure
from codex.patch.apply import Done, Touched, UnreadableTarget, apply_hunks
from codex.patch.disk import UnreadableFile, read_text
from codex.patch.parse import AddFile, DeleteFile, Hunk, ParseError, Patch, UpdateFile, parse_patch
from codex.patch.paths import resolve
from codex.patch.places import Place
from codex.patch.plan import plan_update
from codex.protocol.item import FileUpdate


class PatchRejected(ToolFailure):
    """The patch is not applied, and no file was touched; the text is the tool's output, in Codex's words."""


class VerificationFailed(PatchRejected):
    """The patch cannot be read, or does not fit the files."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"apply_patch verification failed: {reason}")
        self.reason = reason


@attrs.frozen
class VerifiedPatch:
    """A patch that fits the files as they are now.

    `changes` are sorted by path; `paths` are all that will be written or removed, for the decision whether it may.
    """

    text: str
    cwd: str
    patch: Patch
    changes: tuple[FileUpdate, ...]
    paths: tuple[str, ...]


@attrs.frozen
class Applied:
    """What applying a patch did; `changes` are of the sections that were done, `touched` is for the turn's diff."""

    stdout: str
    stderr: str
    exit_code: int
    changes: tuple[FileUpdate, ...]
    touched: tuple[Touched, ...]


def verify(patch_text: str, cwd: str) -> VerifiedPatch:
    """Read the patch and the files it names, and plan every change. Reads files, so call it in a thread.

    Raises:
      PatchRejected: the first thing that is wrong.
    """
    try:
        patch = parse_patch(patch_text)
    except ParseError as fault:
        where = "invalid patch: " if fault.line is None else f"invalid hunk at line {fault.line}, "
        raise VerificationFailed(where + fault.reason) from fault
    if patch.environment_id is not None:
        raise PatchRejected("apply_patch environment selection is unavailable for this turn")
    if not patch.hunks:
        raise PatchRejected("patch rejected: empty patch")
    changes: dict[str, FileUpdate] = {}
    for hunk in patch.hunks:
        try:
            path = resolve(hunk.path, cwd)
            if path in changes:
                raise VerificationFailed(f"invalid patch: multiple operations target {path}")
            changes[path] = _planned(hunk, path, cwd)
        except PatchRejected:
            raise
        except ToolFailure as err:
            raise VerificationFailed(str(err)) from err
    targets = {path: None for change in changes.values() for path in (change.path, change.move_path) if path}
    return VerifiedPatch(patch_text, cwd, patch, _sorted(changes.values()), tuple(targets))


def apply_verified(verified: VerifiedPatch, places: Mapping[str, Place] | None = None) -> Applied:
    """Write what was verified, fitting it to the files anew: they may have changed while an approval was awaited.

    Writes files, so call it in a thread. When a section fails, those before it stay done and are reported.

    Args:
      places: where `verified.paths` led when it was decided; a file that has another place now fails.
    """
    outcome = apply_hunks(verified.patch.hunks, verified.cwd, places)
    deleted = {file.path: file.before or b"" for file in outcome.touched if file.after is None}
    done = _sorted(_change(section, deleted) for section in outcome.done)
    if outcome.error is not None:
        return Applied("", f"{outcome.error}\n", 1, done, tuple(outcome.touched))
    return Applied(outcome.summary(), "", 0, done, tuple(outcome.touched))


def _sorted(changes: Iterable[FileUpdate]) -> tuple[FileUpdate, ...]:
    return tuple(sorted(changes, key=lambda change: change.path))


def _planned(hunk: Hunk, path: str, cwd: str) -> FileUpdate:
    match hunk:
        case AddFile():
            return _change(Done(hunk, path), {})
        case DeleteFile():
            try:
                return _change(Done(hunk, path), {path: read_text(path).encode()})
            except UnreadableFile as err:
                raise VerificationFailed(f"Failed to read {path}: {err}") from err
        case UpdateFile():
            move_path = None if hunk.move_path is None else resolve(hunk.move_path, cwd)
            try:
                content = read_text(path)
            except UnreadableFile as err:
                raise UnreadableTarget(path, str(err)) from err
            return _change(Done(hunk, path, move_path, plan_update(content, hunk.chunks, path)), {})


def _change(section: Done, deleted: Mapping[str, bytes]) -> FileUpdate:
    match section.hunk:
        case AddFile(content=content):
            return FileUpdate(section.path, "add", content=content)
        case DeleteFile():
            return FileUpdate(section.path, "delete", content=deleted[section.path].decode(errors="replace"))
        case UpdateFile():
            diff = section.plan.unified_diff() if section.plan is not None else ""
            return FileUpdate(section.path, "update", unified_diff=diff, move_path=section.move_path)
