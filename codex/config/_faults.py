"""Faults are collected while the layers are read, and raised together.

A plain class instead of attrs ones: this is loaded at every start, and faults are rare.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import datetime

Toml: TypeAlias = "bool | int | float | str | datetime.date | datetime.time | list[Toml] | Table"
Table: TypeAlias = dict[str, "Toml"]
Path: TypeAlias = tuple[str, ...]


class Layer:
    """One source of values: a file, one `-c`, one option, one variable.

    `base_dir` is where relative paths start, `note` what to add to a fault, `prefix` the table of the file it is,
    `ignored` the values of keys without a room here.
    """

    __slots__ = ("base_dir", "ignored", "kind", "note", "origin", "prefix", "table", "text")

    def __init__(
        self, kind: str, origin: str, table: Table, base_dir: str, *, text: str = "", note: str = "", prefix: Path = ()
    ) -> None:
        self.kind = kind
        self.origin = origin
        self.table = table
        self.ignored: dict[Path, Toml] = {}
        self.base_dir = base_dir
        self.text = text
        self.note = note
        self.prefix = prefix

    def where(self, path: Path) -> str:
        """The place of a key for a message: the file and line, or the option as it was given."""
        if not self.text:
            return self.origin
        from codex.config._lines import find_line

        return f"{self.origin}:{find_line(self.text, self.prefix + path)}"


class Faults:
    """The faults found so far, in the order of the layers."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Path, str]] = []

    def add(self, layer: Layer, path: Path, problem: str) -> None:
        """A value of a layer is wrong."""
        note = f" ({layer.note})" if layer.note else ""
        self.add_at(layer.where(path), layer.prefix + path, problem + note)

    def add_at(self, where: str, path: Path, problem: str) -> None:
        """Something is wrong at a place that is no layer's value."""
        if where.startswith("-c "):
            from codex.base.redact import redact

            # The text as it was typed may hold a password, in an address for example.
            where = redact(where)
        if (where, path, problem) not in self.found:
            self.found.append((where, path, problem))

    def raise_if_any(self, warnings: Sequence[str] = ()) -> None:
        """End here if anything was wrong; then the warnings are told, too.

        Raises:
          ConfigError: with every fault.
        """
        if self.found:
            from codex.config.errors import ConfigError, Fault

            raise ConfigError([Fault(where, dotted(path), problem) for where, path, problem in self.found], warnings)


def dotted(path: Sequence[str]) -> str:
    """A key path as one writes it in TOML: parts with odd characters are quoted."""
    return ".".join(part if _is_bare(part) else _quoted(part) for part in path)


def is_secret(path: Sequence[str]) -> bool:
    """Whether the value at a key must not be shown."""
    secret = ("token", "secret", "password", "headers", "api_key", "apikey", "authorization")
    return any(word in part.lower() for part in path for word in secret) and path[-1] != "tool_output_token_limit"


def _is_bare(part: str) -> bool:
    return part.isascii() and part.replace("-", "").replace("_", "").isalnum()


def _quoted(part: str) -> str:
    from codex.base.jsontext import encode

    return encode(part)
