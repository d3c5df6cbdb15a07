"""Finds skills on disk. What cannot be read is left out with a warning: a session never fails on it."""

import os
import stat
from collections.abc import Iterator, Sequence

import attrs

from codex.config.folders import SkillScope
from codex.config.schema import SkillSettings
from codex.skills.front_matter import BadFrontMatter, parse_yaml, split_front_matter

FILE_NAME = "SKILL.md"
MAX_NAME, MAX_DESCRIPTION = 64, 1024
MAX_FILE_BYTES = 1_048_576
_MAX_DEPTH, _MAX_DIRECTORIES = 6, 2_000


@attrs.frozen
class Skill:
    """One skill: `path` is its SKILL.md; not `implicit`: only the user's `$name` uses it."""

    name: str
    description: str
    path: str
    scope: SkillScope
    root: str
    short_description: str | None = None
    implicit: bool = True


@attrs.frozen
class Found:
    """The skills that are on, nearest to the working directory first, and what was wrong with others."""

    skills: tuple[Skill, ...] = ()
    warnings: tuple[str, ...] = ()


def find_skills(roots: Sequence[tuple[str, SkillScope]], settings: SkillSettings) -> Found:
    """Read all skills below the roots. Blocks on the disk for a moment."""
    skills, warnings, seen = list[Skill](), list[str](), set[str]()
    for root, scope in roots:
        for path in _files(root, warnings):
            real = os.path.realpath(path)
            if real in seen:
                continue
            seen.add(real)
            try:
                skill = _read(path, root, scope)
            except (BadFrontMatter, OSError) as error:
                reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
                warnings.append(f"skill left out: {path}: {reason}")
                continue
            if _is_on(skill, real, settings):
                skills.append(skill)
    return Found(tuple(skills), tuple(warnings))


def read_body(skill: Skill) -> str:
    """The text of a skill without its head.

    Raises:
      OSError: the file cannot be read any more.
    """
    text = _text(skill.path)
    try:
        return split_front_matter(text)[1].strip("\n")
    except BadFrontMatter:
        return text


def _files(root: str, warnings: list[str]) -> Iterator[str]:
    """The SKILL.md files below a root in the order of their names; nothing below one that is found."""
    todo, looked_at = [(root, 0)], 0
    while todo:
        directory, depth = todo.pop()
        looked_at += 1
        if looked_at > _MAX_DIRECTORIES:
            warnings.append(f"skills: only the first {_MAX_DIRECTORIES:,} directories below {root} were looked at")
            return
        path = os.path.join(directory, FILE_NAME)
        if os.path.isfile(path):
            yield path
            continue
        if depth < _MAX_DEPTH:
            todo += [(inner, depth + 1) for inner in reversed(_directories(directory))]


def _directories(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return []
    return [os.path.join(directory, name) for name in names]


def _read(path: str, root: str, scope: SkillScope) -> Skill:
    head = parse_yaml(split_front_matter(_text(path))[0], first_line=2)
    name = _line(head.get("name")) or os.path.basename(os.path.dirname(path))
    description = _line(head.get("description"))
    if len(name) > MAX_NAME:
        raise BadFrontMatter(f"name: {name[:20]!r}… has {len(name)} characters, at most {MAX_NAME} are allowed")
    if not description:
        raise BadFrontMatter("description: missing; say in a sentence what the skill is for")
    if len(description) > MAX_DESCRIPTION:
        raise BadFrontMatter(f"description: has {len(description)} characters, at most {MAX_DESCRIPTION} are allowed")
    metadata = head.get("metadata")
    short = _line(metadata.get("short-description")) if isinstance(metadata, dict) else ""
    return Skill(name, description, path, scope, root, short or None, _is_implicit(os.path.dirname(path)))


def _is_implicit(directory: str) -> bool:
    """What `agents/openai.yaml` says beside the skill; without a usable one it may be used by itself."""
    try:
        policy = parse_yaml(_text(os.path.join(directory, "agents", "openai.yaml"))).get("policy")
    except (OSError, BadFrontMatter):
        return True
    return not (isinstance(policy, dict) and policy.get("allow_implicit_invocation") == "false")


def _is_on(skill: Skill, real: str, settings: SkillSettings) -> bool:
    on = True
    for which, switched in settings.switches:
        if which == skill.name or os.path.realpath(which) in (real, os.path.dirname(real)):
            on = switched
    return on


def _line(value: object) -> str:
    """A value as one line."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def _text(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(f"{path} is no regular file")
        if info.st_size > MAX_FILE_BYTES:
            raise OSError(f"it has {info.st_size:,} bytes, at most {MAX_FILE_BYTES:,} are read")
        return file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
