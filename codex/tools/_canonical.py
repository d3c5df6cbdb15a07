"""Under what a command is remembered once it was approved for the session.  Pure.

Two spellings of one plain command are the same: what the shell would do with its words is known. Everything else is
the same only where it is letter for letter.
"""

import re
from collections.abc import Sequence

from codex.ports.approvals import ApprovalKey

# Words that no shell changes: no quotes, patterns, variables, redirections, separators, comments or assignments.
_PLAIN = re.compile(r"[ \t]*[\w./:,@%+-]+(?:[ \t]+[\w./:,@%+=-]+)*[ \t]*", re.ASCII)


def plain_words(argv: Sequence[str]) -> tuple[str, ...] | None:
    """The words of the one plain command that a shell is given; None for any other script."""
    if len(argv) == 3 and argv[1] in ("-c", "-lc") and _PLAIN.fullmatch(argv[2]):
        return tuple(argv[2].split())
    return None


def command_key(argv: Sequence[str], cwd: str, *, tty: bool) -> ApprovalKey:
    """The key of a command: how it is started, where, and whether in a terminal."""
    words = plain_words(argv)
    spelled = ("plain", *words) if words is not None else ("script", *argv)
    return ("command", "local", cwd, "tty" if tty else "pipe", *spelled)
