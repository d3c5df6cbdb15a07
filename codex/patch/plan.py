"""From the content of a file and the chunks of a patch to the content it will have, without touching the disk.

Law: chunks are found one after the other, each below the one before; what they replace never overlaps.
Lines that stay keep the file's own text and line end, also where they were found forgivingly. New lines
get the file's first line end. A file that is not empty ends with a line end afterwards.
"""

from collections.abc import Iterator, Sequence

import attrs

from codex.base.errors import ToolFailure
from codex.patch.parse import Chunk
from codex.patch.seek import Haystack
from codex.patch.text import split_file
from codex.patch.unified import Change, format_hunks, line_changes, slide_down, unified_diff


class ContextNotFound(ToolFailure):
    """The line after a chunk's @@ stands nowhere below the chunk before."""

    def __init__(self, context: str, path: str) -> None:
        super().__init__(f"Failed to find context '{context}' in {path}")
        self.context, self.path = context, path


class LinesNotFound(ToolFailure):
    """The lines that a chunk replaces stand nowhere below the chunk before."""

    def __init__(self, lines: Sequence[str], path: str) -> None:
        super().__init__(f"Failed to find expected lines in {path}:\n" + "\n".join(lines))
        self.lines, self.path = tuple(lines), path


@attrs.frozen
class Edit:
    """The file's lines from `start` on, `size` of them, give way to `lines` (each with its end)."""

    start: int
    size: int
    lines: tuple[str, ...]


@attrs.frozen
class FilePlan:
    """What becomes of one file; the changes are the stretches that the patch names, also where nothing differs."""

    old_lines: list[str]
    new_lines: list[str]
    changes: tuple[Change, ...]

    @property
    def content(self) -> str:
        """The new content."""
        return "".join(self.new_lines)

    def unified_diff(self, *, context: int = 1) -> str:
        """What differs, with so many lines around it."""
        if any("\r" in line and not line.endswith("\n") for line in self.old_lines):
            return unified_diff("".join(self.old_lines), self.content, context=context)
        old, new = self.old_lines, self.new_lines
        changes: list[Change] = []
        for a, i, b, j in self.changes:
            changes += [(a + c, a + d, b + e, b + f) for c, d, e, f in line_changes(old[a:i], new[b:j])]
        return format_hunks(old, new, slide_down(changes, old, new), context=context)


def plan_update(content: str, chunks: Sequence[Chunk], path: str) -> FilePlan:
    """Find every chunk in `content`; `path` is only named in errors.

    Raises:
      ContextNotFound, LinesNotFound: for the first chunk that does not fit.
    """
    search = _Search(content, path)
    new = _NewLines(search)
    for edit in sorted((edit for chunk in chunks for edit in search.edits(chunk)), key=lambda edit: edit.start):
        new.keep_until(edit.start)
        new.replace(edit)
    new.keep_until(len(search.lines_before))
    return FilePlan(search.lines_before, new.lines, tuple(new.changes))


class _NewLines:
    """The new content as it grows, and where it differs from the old."""

    def __init__(self, search: "_Search") -> None:
        self._before, self._after = search.lines_before, search.lines_after
        self._cursor = 0
        self.lines: list[str] = []
        self.changes: list[Change] = []

    def keep_until(self, end: int) -> None:
        """Take the old lines as far as that, the last one with a line end."""
        last = len(self._before) - 1
        if self._cursor <= last < end and self._before[last] != self._after[last]:
            self.lines += self._after[self._cursor : last]
            self._cursor = last
            self.replace(Edit(last, 1, (self._after[last],)))
        self.lines += self._after[self._cursor : end]
        self._cursor = end

    def replace(self, edit: Edit) -> None:
        """Take the edit's lines instead of those it covers."""
        a, i = edit.start, edit.start + edit.size
        b, j = len(self.lines), len(self.lines) + len(edit.lines)
        if self.changes and self.changes[-1][1] == a:
            a, _, b, _ = self.changes.pop()
        self.changes.append((a, i, b, j))
        self.lines += edit.lines
        self._cursor = i


class _Search:
    """The chunks found so far in one file; the next is looked for from `_cursor` on."""

    def __init__(self, content: str, path: str) -> None:
        lines, ends = split_file(content)
        self._haystack, self._path, self._size = Haystack(lines), path, len(lines)
        self._new_end: str = ends[0] if ends and ends[0] else "\n"
        self.lines_before = list(map(str.__add__, lines, ends))
        if ends and not ends[-1]:
            ends[-1] = self._new_end
        self.lines_after = list(map(str.__add__, lines, ends))
        self._cursor = 0

    def edits(self, chunk: Chunk) -> Iterator[Edit]:
        """Find the next chunk."""
        if chunk.context is not None:
            place = self._haystack.find([chunk.context], self._cursor)
            if place is None:
                raise ContextNotFound(chunk.context, self._path)
            self._cursor = place + 1
        old, new = chunk.old_lines, chunk.new_lines
        if not old:
            # Without lines to find Codex appends to the file, wherever the context stood.
            return self._runs(chunk, self._size, 0, len(new))
        place = self._haystack.find(old, self._cursor, at_end=chunk.at_end)
        if place is None and not old[-1]:
            # Models end chunks with an empty line that is not in the file.
            del old[-1]
            if new and not new[-1]:
                del new[-1]
            place = self._haystack.find(old, self._cursor, at_end=chunk.at_end)
        if place is None:
            raise LinesNotFound(chunk.old_lines, self._path)
        self._cursor = place + len(old)
        return self._runs(chunk, place, len(old), len(new))

    def _runs(self, chunk: Chunk, place: int, old_size: int, new_size: int) -> Iterator[Edit]:
        """The stretches between lines that stay; only so many of the chunk's old and new lines count."""
        old_at = new_at = start = 0
        added: list[str] = []
        for line in chunk.lines:
            mark = line[0]
            if mark == " " and old_at < old_size and new_at < new_size:
                if added or start < old_at:
                    yield Edit(place + start, old_at - start, tuple(added))
                added = []
                start = old_at + 1
            elif mark != "-" and new_at < new_size:
                added.append(line[1:] + self._new_end)
            old_at += mark != "+"
            new_at += mark != "-"
        old_at = min(old_at, old_size)
        if added or start < old_at:
            yield Edit(place + start, old_at - start, tuple(added))
