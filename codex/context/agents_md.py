"""AGENTS.md: the user's and the project's instructions to agents, read from disk.

    user level      $CODEX_HOME/AGENTS.override.md, else $CODEX_HOME/AGENTS.md
    project level   every directory from the project root down to the working directory: the first of
                    AGENTS.override.md, AGENTS.md and the fallback names; later ones are more specific

The project root is the configuration's: the nearest ancestor that holds a marker (`.git`); without one, the working
directory alone counts. A project that the user marked as untrusted tells nothing.
All project files together have a budget of bytes; what crosses it is cut off, and a warning says so. A file that is no
regular file, or cannot be read, is left out with a warning: a session never fails on it.
"""

import os
import stat
from collections.abc import Iterator, Sequence

import attrs

from codex.config.schema import Config

_NAMES = ("AGENTS.override.md", "AGENTS.md")
_SEPARATOR = "\n\n--- project-doc ---\n\n"
USER_DOC_MAX_BYTES = 262_144


@attrs.frozen
class AgentsMd:
    """The instructions that were found: `text` is empty where there are none."""

    text: str = ""
    has_project_part: bool = False
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.warnings: list[str] = []


def project_root(cwd: str, markers: Sequence[str]) -> str:
    """The nearest ancestor of `cwd` (or itself) with one of the markers, else `cwd`."""
    for directory in _upwards(cwd):
        if any(os.path.lexists(os.path.join(directory, marker)) for marker in markers):
            return directory
    return cwd


def read_agents_md(config: Config) -> AgentsMd:
    """Read all instructions that hold for the configuration's working directory. Blocks on the disk for a moment."""
    reading = _Reading()
    user = _first_text([os.path.join(config.codex_home, name) for name in _NAMES], USER_DOC_MAX_BYTES, reading)
    project = "\n\n".join(_project_texts(config, reading))
    text = user.strip()
    if project:
        text = f"{text}{_SEPARATOR}{project}" if text else project
    return AgentsMd(text, bool(project), tuple(reading.sources), tuple(reading.warnings))


def _upwards(directory: str) -> Iterator[str]:
    while True:
        yield directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


def _chain(root: str, cwd: str) -> list[str]:
    chain: list[str] = []
    for directory in _upwards(cwd):
        chain.append(directory)
        if directory == root:
            break
    return chain[::-1]


def _project_texts(config: Config, reading: _Reading) -> Iterator[str]:
    budget = left = config.project_doc_max_bytes
    if budget <= 0 or config.trust_level == "untrusted":
        return
    root = config.project_root or project_root(config.cwd, config.project_root_markers)
    for directory in _chain(root, config.cwd):
        names = dict.fromkeys((*_NAMES, *config.project_doc_fallback_filenames))
        path = next((p for p in (os.path.join(directory, name) for name in names) if os.path.lexists(p)), None)
        found, size = _read(path, budget, reading) if path is not None else (b"", 0)
        if path is None or not found.strip():
            continue
        if left <= 0:
            reading.warnings.append(
                f"AGENTS.md: {path} and what follows it were left out: the {budget} bytes of `project_doc_max_bytes` "
                "are used up; shorten the files above it or raise the limit"
            )
            return
        if size > left:
            reading.warnings.append(
                f"AGENTS.md: only the first {left} of {size} bytes of {path} are used: all project files together may "
                f"have {budget}; shorten them or raise `project_doc_max_bytes`"
            )
        reading.sources.append(path)
        yield _decode(found[:left])
        left -= size


def _first_text(paths: Sequence[str], max_bytes: int, reading: _Reading) -> str:
    for path in paths:
        data, size = _read(path, max_bytes, reading) if os.path.lexists(path) else (b"", 0)
        if not data.strip():
            continue
        if size > max_bytes:
            reading.warnings.append(f"AGENTS.md: only the first {max_bytes} of {size} bytes of {path} are used")
        reading.sources.append(path)
        return _decode(data)
    return ""


def _read(path: str, max_bytes: int, reading: _Reading) -> tuple[bytes, int]:
    """The head of a regular file and its whole size.

    Nothing, with a warning, for anything else: a pipe would make us wait for ever.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("not a regular file")
            data = file.read(max_bytes)
            return data, max(os.fstat(descriptor).st_size, len(data))
    except OSError as error:
        reading.warnings.append(f"AGENTS.md: {path} was left out: {error.strerror or error}")
        return b"", 0


def _decode(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    # A character that the budget cut in two would end in the replacement mark; drop it.
    return text[:-1] if text.endswith("�") and not data.endswith("�".encode()) else text
