"""Under what a command is remembered once it was approved for the session.  Pure.

Two spellings of one plain command are the same: what the shell would do with its words is known. Everything else is
the same only where it is letter for letter.
"""

from collections.abc import Sequence

from codex.base.shell_words import split_script
from codex.ports.approvals import ApprovalKey


def plain_words(argv: Sequence[str]) -> tuple[str, ...] | None:
    """The words of the one plain command that a shell is given; None for any other script."""
    commands = split_script(argv) or []
    return commands[0] if len(commands) == 1 else None


def command_key(argv: Sequence[str], cwd: str, *, tty: bool) -> ApprovalKey:
    """The key of a command: how it is started, where, and whether in a terminal."""
    words = plain_words(argv)
    spelled = ("plain", argv[0], *words) if words is not None else ("script", *argv)
    return ("command", "local", cwd, "tty" if tty else "pipe", *spelled)
