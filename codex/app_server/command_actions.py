"""What a command line does, in the words of the API: reads, lists or searches, as far as that is plain.  Pure."""

from collections.abc import Sequence

from codex.app_server.api.item import CommandAction
from codex.app_server.api.item_parts import UnknownAction


def actions_of(command: Sequence[str], cwd: str) -> tuple[CommandAction, ...]:
    """The steps of a command line."""
    return (UnknownAction(command=script_of(command)),)


def script_of(command: Sequence[str]) -> str:
    """What a shell is told to do, or the command line itself where there is no shell."""
    import shlex

    if len(command) == 3 and command[1] in ("-c", "-lc"):
        return command[2]
    return shlex.join(command)
