"""Which project a directory belongs to, and whether its user trusts it."""

import os
from collections.abc import Iterator, Mapping, Sequence


def find_project_root(cwd: str, markers: Sequence[str] = (".git",)) -> str | None:
    """The nearest directory from `cwd` upwards that holds one of the markers; None when there is none."""
    for directory in _upwards(cwd):
        if any(os.path.lexists(os.path.join(directory, marker)) for marker in markers):
            return directory
    return None


def project_directories(cwd: str, root: str) -> list[str]:
    """From the root down to `cwd`; `cwd` alone where it is not below the root."""
    found: list[str] = []
    for directory in _upwards(cwd):
        found.append(directory)
        if directory == root:
            return found[::-1]
    return [cwd]


def trust_level(cwd: str, projects: Mapping[str, str], markers: Sequence[str] = (".git",)) -> str | None:
    """`trusted`, `untrusted` or None: looked up for `cwd`, its project root, and the repository a worktree is of."""
    if not projects:
        return None
    levels = {_real(path): level for path, level in projects.items()}
    for directory in _candidates(cwd, markers):
        level = projects.get(directory) or levels.get(_real(directory))
        if level is not None:
            return level
    return None


def _candidates(cwd: str, markers: Sequence[str]) -> Iterator[str]:
    yield cwd
    root = find_project_root(cwd, markers)
    if root is not None:
        yield root
    repository = find_project_root(cwd)
    if repository is not None and (main := main_repository(repository)) is not None:
        yield main


def main_repository(root: str) -> str | None:
    """The repository of a linked worktree, whose `.git` is a file that points into `<main>/.git/worktrees/`."""
    try:
        with open(os.path.join(root, ".git"), encoding="utf-8", errors="replace") as file:
            text = file.read(4096)
    except OSError:
        return None
    if not text.startswith("gitdir:"):
        return None
    git_dir = os.path.normpath(os.path.join(root, text.removeprefix("gitdir:").strip()))
    worktrees = os.path.dirname(git_dir)
    if os.path.basename(worktrees) != "worktrees":
        return None
    return os.path.dirname(os.path.dirname(worktrees))


def _upwards(path: str) -> Iterator[str]:
    while True:
        yield path
        parent = os.path.dirname(path)
        if parent == path:
            return
        path = parent


def _real(path: str) -> str:
    return os.path.realpath(path) if "\0" not in path else path
