"""Edits of a config.toml that keep its comments, its order and its mode; the file is never seen half-written.

    ConfigEditError (a UserError)
    ├── VersionConflict     somebody else has changed the file since it was read
    ├── UnknownKey          no such key, with a close match
    └── EditRefused         the file would not load afterwards, or cannot be read or written

The whole of it happens under a lock on the file's directory. A symlinked file is followed. Blocks on the disk.
"""

import fcntl
import hashlib
import os
import stat
import tempfile
import time
import tomllib
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import cast

import attrs

import codex.config._sources as sources
from codex.base.errors import UserError
from codex.config._check import Checker
from codex.config._document import Edit, apply_to_table, apply_to_text
from codex.config._faults import Faults, Layer, Path, Table, Toml, dotted
from codex.config._projects import may_set

__all__ = [
    "Edit",
    "EditRefused",
    "UnknownKey",
    "VersionConflict",
    "Written",
    "edit_config",
    "file_version",
    "key_path",
    "parse_value",
    "project_may_set",
    "switch_feature",
]
_LOCK_SECONDS, _LOCK_PAUSE = 5.0, 0.02


@attrs.frozen
class Written:
    """The file as it is now."""

    path: str
    version: str
    changed: bool


class ConfigEditError(UserError):
    """A configuration file was not changed."""


class VersionConflict(ConfigEditError):
    """The file is not the one that was read."""

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(f"{path}: has been changed by somebody else since it was read; read it again")
        self.path, self.expected, self.found = path, expected, found


class EditRefused(ConfigEditError):
    """The edit cannot be made."""


class UnknownKey(EditRefused):
    """No such key."""


def key_path(text: str) -> Path:
    """The parts of a dotted key; a part with a dot in it is quoted.

    Raises:
      EditRefused: it is empty, or has an empty part.
    """
    path = sources.parse_key(text)
    if not path or not all(path):
        raise EditRefused(f"{text!r} is no key; write it as a.b.c, with quotes around parts with dots")
    return path


def parse_value(text: str) -> Toml:
    """A value as it is typed: TOML, or else the text itself."""
    return sources.parse_value(text)[0]


def project_may_set(key: Path) -> bool:
    """Whether the config.toml of a project may set the key."""
    return may_set(key)


def file_version(path: str) -> str:
    """What `expected_version` is compared with: it changes with every byte of the file."""
    try:
        with open(path, "rb") as file:
            return _version(file.read())
    except OSError:
        return _version(b"")


def edit_config(path: str, edits: Sequence[Edit], *, home: str, expected_version: str | None = None) -> Written:
    """Make all the edits, or none.

    Args:
      home: the user's home directory, for `~` in paths.

    Raises:
      ConfigEditError: and the file is as it was.
    """
    real = os.path.realpath(path)
    with _lock(os.path.dirname(real), path):
        before = _read(real, path)
        version = _version(before.encode())
        if expected_version not in (None, version):
            raise VersionConflict(path, str(expected_version), version)
        after = edited_text(before, edits, path)
        if after == before:
            return Written(path, version, changed=False)
        _check(path, before, after, home)
        _replace(real, after, path)
        return Written(path, _version(after.encode()), changed=True)


def switch_feature(path: str, feature: str, *, on: bool, home: str) -> Written:
    """Switch a feature on or off; one with settings of its own keeps them.

    Raises:
      ConfigEditError: and the file is as it was.
    """
    key, version = ("features", feature), file_version(path)
    features = _parse(_read(os.path.realpath(path), path), path).get("features")
    has_settings = isinstance(features, dict) and isinstance(features.get(feature), dict)
    edit = Edit((*key, "enabled") if has_settings else key, on)
    return edit_config(path, [edit], home=home, expected_version=version)


def edited_text(text: str, edits: Sequence[Edit], path: str) -> str:
    """The text with all edits made; `path` is for messages.

    Raises:
      EditRefused: the text is no TOML, or of a layout that cannot be edited without rewriting it.
    """
    wanted = _parse(text, path)
    for edit in edits:
        apply_to_table(wanted, edit)
    after = apply_to_text(text, edits)
    # The editor of texts is checked against the plain truth: some layouts are beyond it.
    if after is None or _parse(after, path) != wanted:
        keys = ", ".join(dotted(edit.key) for edit in edits)
        raise EditRefused(f"{path}: {keys} cannot be changed without rewriting the file; change it by hand")
    return after if after.endswith("\n") or not after else f"{after}\n"


def _parse(text: str, path: str) -> Table:
    try:
        return cast("Table", tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        raise EditRefused(f"{path}: not valid TOML: {error}; correct it first") from error


def _check(path: str, before: str, after: str, home: str) -> None:
    """Refuse faults that were not there before; a file with other faults can still be mended."""
    old = {(key, problem) for _, key, problem in _faults(path, before, home)}
    new = [fault for fault in _faults(path, after, home) if fault[1:] not in old]
    if new:
        _, key, problem = new[0]
        kind = UnknownKey if problem.startswith("unknown key") else EditRefused
        problem = problem.partition("; correct or remove it")[0]
        raise kind(f"{path}: {dotted(key)}: {problem}; nothing was changed")


def _faults(path: str, text: str, home: str) -> list[tuple[str, Path, str]]:
    faults = Faults()
    layer = Layer("user", path, _parse(text, path), os.path.dirname(path), text=text)
    Checker(faults, strict=True, home=home).check(layer)
    return faults.found


def _read(real: str, path: str) -> str:
    faults = Faults()
    text = sources.read_text(real, faults, missing_is_fault=False)
    if faults.found:
        raise EditRefused(f"{path}: {faults.found[0][2]}")
    return text or ""


def _replace(real: str, text: str, path: str) -> None:
    temporary = None
    try:
        try:
            info = os.stat(real)
        except FileNotFoundError:
            info = None
        descriptor, temporary = tempfile.mkstemp(prefix=".config-", suffix=".toml", dir=os.path.dirname(real))
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            if info is not None:
                os.fchmod(descriptor, stat.S_IMODE(info.st_mode))
                with suppress(OSError):
                    os.fchown(descriptor, info.st_uid, info.st_gid)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, real)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise EditRefused(f"{path}: cannot be written ({error.strerror}); correct its permissions") from error


@contextmanager
def _lock(directory: str, path: str) -> Generator[None]:
    """Keep other writers out; a lock on the directory leaves no file behind."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise EditRefused(f"{path}: its directory cannot be opened ({error.strerror})") from error
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EditRefused(f"{path}: another program is changing it; try again") from None
                time.sleep(_LOCK_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _version(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
