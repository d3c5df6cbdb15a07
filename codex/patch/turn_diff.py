"""All that the patches of one turn changed, as one diff in git's form.

Law: a file is shown once, from its content when a patch first touched it to its content now; a file that is as it
was is not shown. Only what patches did is known here: the files themselves are not looked at.
"""

from collections.abc import Iterable

import attrs

from codex.patch.apply import Touched
from codex.patch.unified import unified_diff

_MAX_BYTES = 4 * 1024 * 1024  # of one content; of a larger one only its hash is kept
_NO_FILE = "0" * 40


@attrs.frozen
class _Blob:
    """A content as git names it; `text` is None where it is binary or too large to be shown."""

    name: str
    text: str | None


class TurnDiff:
    """What was before and what is now, for each path a patch touched.

    Args:
      root: paths below it are shown relative to it: the git repository's top, or the working directory.
    """

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/") + "/"
        self._before: dict[str, _Blob | None] = {}
        self._now: dict[str, _Blob | None] = {}
        self._origin: dict[str, str] = {}

    def add(self, touched: Iterable[Touched]) -> None:
        """Take what a patch did, in its order."""
        for file in touched:
            self._before.setdefault(file.path, _blob(file.before))
            self._now[file.path] = _blob(file.after)
            if file.moved_from is not None and file.moved_from != file.path:
                self._origin[file.path] = self._origin.pop(file.moved_from, file.moved_from)
            elif file.anew or file.after is None:
                self._origin.pop(file.path, None)

    def unified_diff(self) -> str:
        """The diff up to now; empty when nothing differs."""
        moved = {now: origin for now, origin in self._origin.items() if self._is_rename(origin, now)}
        gone = set(moved.values())
        sections: list[tuple[str, str]] = []
        for path, blob in self._now.items():
            if path not in gone:
                origin = moved.get(path, path)
                sections.append((self._shown(path), self._section(origin, path, self._before[origin], blob)))
        return "".join(text for _, text in sorted(sections))

    def _is_rename(self, origin: str, now: str) -> bool:
        was_there, is_there = self._before.get(origin), self._now.get(origin)
        return was_there is not None and is_there is None and self._before[now] is None

    def _shown(self, path: str) -> str:
        return path.removeprefix(self._root).replace("\\", "/")

    def _section(self, origin: str, path: str, before: _Blob | None, now: _Blob | None) -> str:
        if (before and before.name) == (now and now.name):
            return ""
        old, new = self._shown(origin), self._shown(path)
        head = f"diff --git a/{old} b/{new}\n"
        if before is None:
            head += "new file mode 100644\n"
        elif now is None:
            head += "deleted file mode 100644\n"
        head += f"index {before.name if before else _NO_FILE}..{now.name if now else _NO_FILE}\n"
        old, new = f"a/{old}" if before else "/dev/null", f"b/{new}" if now else "/dev/null"
        old_text, new_text = before.text if before else "", now.text if now else ""
        if old_text is None or new_text is None:
            return f"{head}Binary files {old} and {new} differ\n"
        hunks = unified_diff(old_text, new_text, context=3)
        return f"{head}--- {old}\n+++ {new}\n{hunks}" if hunks else head


def _blob(content: bytes | None) -> _Blob | None:
    if content is None:
        return None
    from hashlib import sha1

    name = sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if len(content) > _MAX_BYTES or b"\0" in content:
        return _Blob(name, None)
    try:
        return _Blob(name, content.decode())
    except UnicodeDecodeError:
        return _Blob(name, None)
