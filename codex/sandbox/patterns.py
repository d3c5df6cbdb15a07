"""Patterns of paths that may not be read: `*` and `?` stay within a name, `**` stands for any directories.

A pattern that matches a directory denies all that is in it; an end of `/**` therefore adds nothing.
"""

import re
from functools import cache

import attrs

DEFAULT_SCAN_DEPTH = 64
"""How many directories deep a `**` is looked for where the profile does not say."""


@attrs.frozen
class Pattern:
    """An absolute pattern; `max_depth` bounds the search for what it matches (None: the default)."""

    text: str
    max_depth: int | None = None

    @property
    def base(self) -> str:
        """The directory that all matches lie in."""
        return "/" + "/".join(self._parts()[0])

    def moved(self, base: str) -> "Pattern":
        """The same pattern in another directory."""
        return attrs.evolve(self, text="/".join([base.rstrip("/"), *self._parts()[1]]))

    @property
    def expression(self) -> str:
        """A regular expression for the path below the base."""
        return _expression(tuple(self._parts()[1]))

    @property
    def depth(self) -> int:
        """How deep below the base it can match."""
        return len(self._parts()[1]) if self.is_bounded else self.max_depth or DEFAULT_SCAN_DEPTH

    @property
    def is_bounded(self) -> bool:
        """Whether the pattern itself says how deep it matches."""
        return "**" not in self._parts()[1]

    def matches(self, path: str) -> bool:
        """Whether the absolute path is denied: it matches, or a directory above it does."""
        prefix = self.base.rstrip("/") + "/"
        return path.startswith(prefix) and _compiled(self.expression).match(path[len(prefix) :]) is not None

    def _parts(self) -> tuple[list[str], list[str]]:
        parts = [part for part in self.text.split("/") if part]
        while len(parts) > 1 and parts[-1] == "**":
            parts.pop()
        first = next((index for index, part in enumerate(parts) if any(char in part for char in "*?[")), len(parts))
        return parts[:first], parts[first:]


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(f"(?:{expression})(?:/|$)", re.DOTALL)


@cache
def _expression(parts: tuple[str, ...]) -> str:
    text = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            text += "[^/]+" if last else "(?:[^/]+/)*"
        else:
            text += _name(part) + ("" if last else "/")
    return text


def _name(part: str) -> str:
    """One name of a pattern as a regular expression."""
    text, at = "", 0
    while at < len(part):
        char, at = part[at], at + 1
        if char == "*":
            text += "[^/]*"
        elif char == "?":
            text += "[^/]"
        elif char == "[" and (end := _end_of_class(part, at)) > 0:
            text += _class(part[at:end])
            at = end + 1
        else:
            text += re.escape(char)
    return text


def _class(inside: str) -> str:
    """A class of characters; one that makes no sense, such as `[z-a]`, matches what it says."""
    negated = inside[0] in "!^"
    chars = re.sub(r"([\\\[\]^&|~])", r"\\\1", inside[1:] if negated else inside)
    text = f"[^/{chars}]" if negated else f"(?!/)[{chars}]"
    try:
        re.compile(text)
    except re.error:
        return re.escape(f"[{inside}]")
    return text


def _end_of_class(part: str, start: int) -> int:
    """Where the class that opens before `start` is closed; -1 when it is not, and the bracket means itself."""
    first = start + 1 if part[start : start + 1] in ("!", "^") else start
    return part.find("]", first + 1)
