"""What Git says about a directory, read from its files: no process is started for it.

Lists of sessions show the branch; the commit tells later what the agent saw.
"""

import os
import re

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_BYTES = 1_000_000


def git_facts(cwd: str) -> dict[str, str]:
    """`commit_hash`, `branch` and `repository_url` of the repository around a directory, as far as there are any."""
    directory = _git_directory(cwd)
    if directory is None:
        return {}
    shared = _shared_directory(directory)
    facts: dict[str, str] = {}
    head = _read(os.path.join(directory, "HEAD")).strip()
    ref = head.removeprefix("ref: ") if head.startswith("ref: ") else ""
    commit = _commit_of(ref, directory, shared) if ref else head
    if _HASH.fullmatch(commit):
        facts["commit_hash"] = commit
    if ref.startswith("refs/heads/"):
        facts["branch"] = ref.removeprefix("refs/heads/")
    if url := _origin(_read(os.path.join(shared, "config"))):
        facts["repository_url"] = url
    return facts


def _git_directory(cwd: str) -> str | None:
    directory = os.path.abspath(cwd)
    while True:
        place = os.path.join(directory, ".git")
        if os.path.isdir(place):
            return place
        target = _read(place).strip()
        if target.startswith("gitdir: "):  # a worktree or a submodule
            return os.path.join(directory, target.removeprefix("gitdir: "))
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above


def _shared_directory(directory: str) -> str:
    """Where a worktree keeps what it shares with the others."""
    return os.path.normpath(os.path.join(directory, _read(os.path.join(directory, "commondir")).strip()))


def _commit_of(ref: str, directory: str, shared: str) -> str:
    for place in (directory, shared):
        if commit := _read(os.path.join(place, ref)).strip():
            return commit
    for line in _read(os.path.join(shared, "packed-refs")).splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _origin(config: str) -> str | None:
    """The address of the remote `origin`, without a password."""
    inside = False
    for line in config.splitlines():
        text = line.strip()
        if text.startswith("["):
            inside = text == '[remote "origin"]'
        elif inside and text.replace(" ", "").startswith("url="):
            return re.sub(r"(?<=://)[^/@]*@", "", text.partition("=")[2].strip())
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_BYTES)
    except OSError:
        return ""
