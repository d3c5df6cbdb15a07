"""Commands that destroy something for good, which the policy `permissive` asks about.  Pure.

Wider than `dangerous`: every removal, what throws away work that git keeps nowhere, what overwrites disks, what takes a
machine or a service down. Looked for wherever a shell would run it, and behind `xargs`, `timeout` and `find -exec`.
"""

import os
from collections.abc import Mapping, Sequence

from codex.execpolicy.dangerous import runs

_ALWAYS = frozenset(
    "rm rmdir unlink shred wipe truncate dd wipefs fdisk sfdisk parted blkdiscard mkswap "
    "shutdown reboot poweroff halt userdel groupdel crontab dropdb dropuser".split()
)
# A program, and the words of which one among its arguments destroys.
_WITH: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "docker": "rm rmi prune kill",
        "podman": "rm rmi prune kill",
        "kubectl": "delete drain",
        "helm": "uninstall delete",
        "terraform": "destroy",
        "tofu": "destroy",
        "aws": "rm rb delete terminate-instances",
        "gcloud": "delete",
        "systemctl": "stop disable mask kill poweroff reboot halt",
        "find": "-delete",
        "rsync": "--delete --delete-before --delete-during --delete-after --delete-excluded --remove-source-files",
        "redis-cli": "FLUSHALL FLUSHDB flushall flushdb",
        "npm": "unpublish",
    }.items()
}
_GIT: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "reset": "--hard --merge --keep",
        "clean": "-f --force",
        "checkout": "-f --force . --",
        "switch": "-f --force --discard-changes -C",
        "branch": "-d -D --delete",
        "tag": "-d --delete",
        "stash": "drop clear",
        "push": "-f --force --force-with-lease --delete -d --mirror --prune",
        "reflog": "expire delete",
        "worktree": "remove prune",
        "remote": "remove rm prune",
        "update-ref": "-d",
    }.items()
}
_GIT_ALWAYS = frozenset(("rm", "gc", "prune", "filter-branch", "filter-repo"))
_GIT_OPTIONS_WITH_VALUE = ("-C", "-c", "--git-dir", "--work-tree", "--namespace")
_RUNNERS = frozenset(("xargs", "timeout", "nice", "ionice", "stdbuf", "setsid", "parallel", "watch", "flock"))
_FIND_RUNS = ("-exec", "-execdir", "-ok", "-okdir")


def is_destructive(argv: Sequence[str]) -> bool:
    """Whether running `argv` would destroy something for good, as far as its words tell."""
    return runs(argv, _destroys)


def _destroys(name: str, rest: Sequence[str]) -> bool:
    if name in _ALWAYS or name.startswith("mkfs"):
        return True
    if name == "git":
        return _git_destroys(rest)
    if name == "find" and any(_behind(rest, word) for word in _FIND_RUNS):
        return True
    if name in _RUNNERS:
        return any(runs(rest[index:], _destroys, 1) for index in range(len(rest)) if not rest[index].startswith("-"))
    return bool(_WITH.get(name, frozenset[str]()).intersection(rest))


def _behind(rest: Sequence[str], word: str) -> bool:
    return any(runs(rest[index + 1 :], _destroys, 1) for index, found in enumerate(rest) if found == word)


def _git_destroys(rest: Sequence[str]) -> bool:
    index = 0
    while index < len(rest) and rest[index].startswith("-"):
        index += 2 if rest[index] in _GIT_OPTIONS_WITH_VALUE else 1
    if index == len(rest):
        return False
    command, arguments = os.path.basename(rest[index]), rest[index + 1 :]
    if command in _GIT_ALWAYS:
        return True
    if command == "restore":
        return "--worktree" in arguments or not {"--staged", "-S"}.intersection(arguments)
    wanted = _GIT.get(command, frozenset[str]())
    letters = {word[1] for word in wanted if len(word) == 2 and word != "--"}
    together = (word for word in arguments if word.startswith("-") and not word.startswith("--"))
    return bool(wanted.intersection(arguments)) or any(letters.intersection(word[1:]) for word in together)
