"""From the text of a patch to its sections, without looking at any file.

    *** Begin Patch
    *** Add File: PATH         then lines with +
    *** Delete File: PATH
    *** Update File: PATH      then maybe  *** Move to: PATH,  then chunks
    @@ CONTEXT                 then lines with a blank, - or +, then maybe  *** End of File
    *** End Patch

    outside --header--> adding | deleting | updating --header--> ... --*** End Patch--> closed
Law: a text gives a patch or the first fault with its line. Not decided here: whether the files exist and match.
"""

from typing import TypeAlias

import attrs

from codex.base.errors import ToolFailure
from codex.patch.text import BLANK

BEGIN = "*** Begin Patch"
END = "*** End Patch"
_ADD = "*** Add File: "
_DELETE = "*** Delete File: "
_UPDATE = "*** Update File: "
_MOVE = "*** Move to: "
_ENVIRONMENT = "*** Environment ID:"
_END_OF_FILE = "*** End of File"
_HEREDOC_OPENINGS = ("<<EOF", "<<'EOF'", '<<"EOF"')


class ParseError(ToolFailure):
    """The text is not a patch; `line` counts from 1, or is None where the whole text is meant."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        where = "patch" if line is None else f"patch hunk on line {line}"
        super().__init__(f"Invalid {where}: {reason}")
        self.reason, self.line = reason, line


@attrs.frozen
class Chunk:
    """One place of a file to change: `lines` keep their mark (blank: stays, `-`: goes, `+`: comes)."""

    context: str | None
    lines: tuple[str, ...]
    at_end: bool = False

    @property
    def old_lines(self) -> list[str]:
        """What must stand in the file."""
        return [line[1:] for line in self.lines if line[0] != "+"]

    @property
    def new_lines(self) -> list[str]:
        """What stands there afterwards."""
        return [line[1:] for line in self.lines if line[0] != "-"]


@attrs.frozen
class AddFile:
    """Write this file, whether or not there is one."""

    path: str
    content: str


@attrs.frozen
class DeleteFile:
    """Remove this file."""

    path: str


@attrs.frozen
class UpdateFile:
    """Change this file, and move it when `move_path` is given."""

    path: str
    move_path: str | None
    chunks: tuple[Chunk, ...]


Hunk: TypeAlias = AddFile | DeleteFile | UpdateFile


@attrs.frozen
class Patch:
    """The sections in the order of the text; `environment_id` names the machine where several are offered."""

    hunks: tuple[Hunk, ...]
    environment_id: str | None = None


def parse_patch(text: str) -> Patch:
    """Read a patch; blanks around it and a shell's heredoc wrapper are forgiven.

    Raises:
      ParseError: naming the first fault.
    """
    lines = [line.removesuffix("\r") for line in text.strip(BLANK).split("\n")]
    return _Reader(_without_heredoc(lines)).patch()


def _without_heredoc(lines: list[str]) -> list[str]:
    try:
        _check_markers(lines)
    except ParseError:
        if len(lines) < 4 or lines[0] not in _HEREDOC_OPENINGS or not lines[-1].endswith("EOF"):
            raise
        lines = lines[1:-1]
        _check_markers(lines)
    return lines


def _check_markers(lines: list[str]) -> None:
    # Codex finds no first line in an empty text and complains about the last.
    if lines != [""] and lines[0].strip(BLANK) != BEGIN:
        raise ParseError(f"The first line of the patch must be '{BEGIN}'")
    if lines[-1].strip(BLANK) != END:
        raise ParseError(f"The last line of the patch must be '{END}'")


class _Reader:
    """A place in the lines of a patch whose markers were checked; each method reads one thing and moves on."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = [line.removesuffix("\r") for line in lines]
        # An indented last line would be a line of the file to an update section.
        self._lines[-1] = END
        self._at = 1

    def patch(self) -> Patch:
        environment_id = self._environment_id()
        hunks: list[Hunk] = []
        while (header := self._lines[self._at].strip(BLANK)) != END:
            hunks.append(self._hunk(header))
        if any(line.strip(BLANK) for line in self._lines[self._at + 1 : -1]):
            raise ParseError(f"The last line of the patch must be '{END}'")
        return Patch(tuple(hunks), environment_id)

    def _fault(self, reason: str, *, line: int | None = None) -> ParseError:
        return ParseError(reason, self._at + 1 if line is None else line)

    def _environment_id(self) -> str | None:
        found: str | None = None
        while (line := self._lines[self._at].strip(BLANK)).startswith(_ENVIRONMENT):
            if found is not None:
                raise ParseError("apply_patch environment_id cannot be specified more than once")
            found = line.removeprefix(_ENVIRONMENT).strip(BLANK)
            if not found:
                raise ParseError("apply_patch environment_id cannot be empty")
            self._at += 1
        return found

    def _hunk(self, header: str) -> Hunk:
        if header.startswith(_ADD):
            return self._add_file(header.removeprefix(_ADD))
        if header.startswith(_DELETE):
            self._at += 1
            return DeleteFile(header.removeprefix(_DELETE))
        if header.startswith(_UPDATE):
            return self._update_file(header.removeprefix(_UPDATE))
        raise self._fault(
            f"'{header}' is not a valid hunk header. Valid hunk headers: "
            f"'{_ADD}{{path}}', '{_DELETE}{{path}}', '{_UPDATE}{{path}}'"
        )

    def _add_file(self, path: str) -> AddFile:
        start = self._at = self._at + 1
        while self._lines[self._at].startswith("+"):
            self._at += 1
        return AddFile(path, "".join(f"{line[1:]}\n" for line in self._lines[start : self._at]))

    def _update_file(self, path: str) -> UpdateFile:
        section_line = self._at + 1
        self._at += 1
        move_path = self._move_path()
        chunks: list[Chunk] = []
        while not _ends_section(line := self._lines[self._at].rstrip(BLANK)):
            if chunks and chunks[-1].at_end and not line:
                self._at += 1
            else:
                chunks.append(self._chunk(first=not chunks))
        if not chunks:
            raise self._fault(f"Update file hunk for path '{path}' is empty", line=section_line)
        return UpdateFile(path, move_path, tuple(chunks))

    def _move_path(self) -> str | None:
        move_path: str | None = None
        while True:
            line = self._lines[self._at].rstrip(BLANK)
            if line.startswith(_MOVE) and move_path is None:
                move_path = line.removeprefix(_MOVE)
            elif line != _END_OF_FILE:  # before the first chunk that marker says nothing
                return move_path
            self._at += 1

    def _chunk(self, *, first: bool) -> Chunk:
        opened, context = self._chunk_opening()
        if not (opened or first):
            line = self._lines[self._at]
            raise self._fault(f"Expected update hunk to start with a @@ context marker, got: '{line}'")
        start = self._at
        while not self._lines[self._at] or self._lines[self._at][0] in " +-":
            self._at += 1
        lines = tuple(line or " " for line in self._lines[start : self._at])
        end_line = self._lines[self._at].rstrip(BLANK)
        if not lines:
            raise self._no_lines(end_line)
        at_end = end_line == _END_OF_FILE
        self._at += at_end
        return Chunk(context, lines, at_end=at_end)

    def _chunk_opening(self) -> tuple[bool, str | None]:
        line = self._lines[self._at].rstrip(BLANK)
        if line != "@@" and not line.startswith("@@ "):
            return False, None
        self._at += 1
        return True, line[3:] or None

    def _no_lines(self, end_line: str) -> ParseError:
        if end_line in (_END_OF_FILE, END):
            return self._fault("Update hunk does not contain any lines")
        line = end_line if _ends_section(end_line) else self._lines[self._at]
        return self._fault(
            f"Unexpected line found in update hunk: '{line}'. Every line should start with "
            "' ' (context line), '+' (added line), or '-' (removed line)"
        )


def _ends_section(line: str) -> bool:
    return line == END or line.startswith((_ADD, _DELETE, _UPDATE))
