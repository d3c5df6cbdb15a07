"""Texts become tables: files, `-c` values. Faults are collected, nothing is raised."""

import os
import stat
from typing import cast

from codex.config._faults import Faults, Layer, Path, Table, Toml, is_secret

MAX_FILE_BYTES = 1_048_576
_BAD_VALUE = "not a TOML value"


def read_layer(kind: str, path: str, faults: Faults) -> Layer | None:
    """The layer in a TOML file; None when there is no such file, or it cannot be used (the faults tell)."""
    text = read_text(path, faults, missing_is_fault=False)
    if text is None:
        return None
    table = _parse(text, path, faults)
    return None if table is None else Layer(kind, path, table, os.path.dirname(path), text=text)


def read_text(path: str, faults: Faults, *, missing_is_fault: bool, where: str = "", key: Path = ()) -> str | None:
    """The text of a UTF-8 file; a fault and None when it cannot be read or is unreasonably large.

    `where` and `key` tell whose value the path is; without them the file itself is the place.
    """
    subject = f"{path!r} " if where else ""
    where = where or path
    try:
        info = os.stat(path)
        if stat.S_ISDIR(info.st_mode):
            faults.add_at(where, key, f"{subject}is a directory; a file was expected: move it away, or name a file")
        elif not stat.S_ISREG(info.st_mode):
            faults.add_at(where, key, f"{subject}is no regular file; move it away, or name a file")
        elif info.st_size > MAX_FILE_BYTES:
            size = f"{info.st_size:,} bytes, more than the {MAX_FILE_BYTES:,} allowed"
            faults.add_at(where, key, f"{subject}holds {size}; is it the right file?")
        else:
            with open(path, "rb") as file:
                return _decode(file.read(MAX_FILE_BYTES + 1), path, faults, where=where, key=key, subject=subject)
    except FileNotFoundError:
        if missing_is_fault:
            faults.add_at(where, key, f"{subject}does not exist; make it, or correct the path")
        elif os.path.islink(path):
            faults.add_at(where, key, f"{subject}is a link to {os.readlink(path)!r}, which does not exist; remove it")
    except NotADirectoryError:
        # A CODEX_HOME that is a file is told where it is checked.
        if missing_is_fault:
            faults.add_at(where, key, f"{subject}does not exist: a part of the path is a file; correct the path")
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else str(err)
        faults.add_at(where, key, f"{subject}cannot be read ({reason}); correct its permissions or the path")
    return None


def _decode(data: bytes, path: str, faults: Faults, *, where: str, key: Path, subject: str) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        where = f"{path}:{line}" if where == path else where
        at = f"byte {err.start} on line {line} ({data[err.start]:#04x})"
        faults.add_at(where, key, f"{subject}is not UTF-8: {at}; save it as UTF-8")
        return None


def _parse(text: str, path: str, faults: Faults) -> Table | None:
    import tomllib

    try:
        return cast("Table", tomllib.loads(text))
    except RecursionError:
        faults.add_at(path, (), "arrays or tables are nested too deeply; make it flatter")
    except ValueError as err:
        line, column, problem = _position(str(err), text)
        shown = _excerpt(text, line)
        faults.add_at(f"{path}:{line}:{column}", (), f"not valid TOML: {problem}{shown}; correct this line")
    return None


def _position(message: str, text: str) -> tuple[int, int, str]:
    """Line, column and problem out of `… (at line 3, column 8)` or `… (at end of document)`."""
    problem, _, place = message.rpartition(" (at ")
    numbers = [word.rstrip(",)") for word in place.split()]
    if place.startswith("line ") and len(numbers) == 4:
        return int(numbers[1]), int(numbers[3]), problem
    if place == "end of document)":
        return text.count("\n") + 1, len(text) - text.rfind("\n"), f"{problem} at the end of the file"
    return 1, 1, message


def _excerpt(text: str, line: int) -> str:
    lines = text.split("\n")
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    if not shown:
        return ""
    from codex.base.redact import redact

    # What stands behind the `=` of a broken line may be a secret without its quotes.
    shown = redact(shown)
    return f" in {shown[:80]!r}"


def parse_override(text: str, cwd: str, faults: Faults) -> Layer | None:
    """One `-c key=value`: a dotted path with quotable parts, and a TOML value or else a plain string."""
    origin = f"-c {text if len(text) <= 120 else text[:117] + '...'}"
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        faults.add_at(origin.encode("utf-8", "replace").decode(), (), "is not UTF-8")
        return None
    path, rest = _split_key(text)
    if rest is None:
        faults.add_at(origin, (), "has no '='; write -c key=value, for example -c model=\"gpt-5.5\"")
        return None
    if not all(path):
        faults.add_at(origin, (), "the key has an empty part; write it as a.b.c, with quotes around parts with dots")
        return None
    value, note = parse_value(rest.strip())
    table: Table = {path[-1]: value}
    for part in reversed(path[:-1]):
        table = {part: table}
    if is_secret(path):
        origin, note = f"-c {text[: len(text) - len(rest)]}…", ""
    return Layer("override", origin, table, cwd, note=note)


def parse_key(text: str) -> Path:
    """The parts of a dotted key with quotable parts; nothing where it holds a `=` or an open quote."""
    path, rest = _split_key(f"{text}=")
    return path if rest == "" else ()


def _split_key(text: str) -> tuple[Path, str | None]:
    """The parts of the key, and what stands behind the first `=` outside quotes (None: there is none)."""
    parts, part, quoted, at = list[str](), "", "", 0
    while at < len(text):
        char = text[at]
        if char in "\"'" and not part.strip() and (end := _end_of_quote(text, at)) is not None:
            quoted, part = text[at : end + 1], ""
            at = end
        elif char in ".=":
            parts.append(_unquote(quoted) if quoted else part.strip())
            part, quoted = "", ""
            if char == "=":
                return tuple(parts), text[at + 1 :]
        elif not (quoted and char.isspace()):
            # Anything behind a quoted part but a dot makes it a plain one.
            part, quoted = quoted + part + char, ""
        at += 1
    return (), None


def _unquote(text: str) -> str:
    if "\\" not in text:
        return text[1:-1]
    from codex.config._lines import unquote

    return unquote(text)


def _end_of_quote(text: str, start: int) -> int | None:
    """Where the string that begins at `start` ends; None when it does not."""
    at = start + 1
    while at < len(text) and text[at] != text[start]:
        at += 2 if text[at] == "\\" and text[start] == '"' else 1
    return at if at < len(text) else None


def parse_value(text: str) -> tuple[Toml, str]:
    """The TOML value of a text, or else the text itself, and then a note if it looked like TOML.

    The usual values are read here, since loading a TOML parser costs more than all the rest of a start's options.
    """
    first = text[:1]
    if text in ("true", "false"):
        return text == "true", ""
    if first in ("'", '"') and len(text) >= 2 and text[-1] == first and _is_plain(text[1:-1]):
        return text[1:-1], ""
    if text.isascii() and text.isdigit() and len(text) < 19 and (first != "0" or text == "0"):
        return int(text), ""
    # Only `true`, `false`, `inf` and `nan` begin with a letter in TOML, and they may be followed by a comment.
    if (
        not first.isdigit()
        and first not in ('"', "'", "[", "{", "+", "-")
        and text not in ("inf", "nan")
        and "#" not in text
    ):
        return text, ""
    return _parse_value_slowly(text)


def _is_plain(text: str) -> bool:
    return text.isprintable() and not any(char in text for char in "\"'\\")


def _parse_value_slowly(text: str) -> tuple[Toml, str]:
    import tomllib

    try:
        table = cast("Table", tomllib.loads(f"value = {text}"))
    except (ValueError, RecursionError) as err:
        looked_like_toml = text[:1] in "\"'[{"
        return _without_quotes(
            text
        ), f"read as a plain string, since it is {_BAD_VALUE}: {err}" if looked_like_toml else ""
    if len(table) > 1:
        return text, ""
    return table["value"], ""


def _without_quotes(text: str) -> str:
    return text.strip("\"'") if text[0] in "\"'" else text
