"""What a command line does, in the words of the API: reads, lists or searches, as far as that is plain.  Pure."""

import os
from collections.abc import Sequence
from typing import assert_never

from codex.app_server.api.item import CommandAction
from codex.app_server.api.item_parts import ListFilesAction, ReadAction, SearchAction, UnknownAction
from codex.base.parsed_command import ListFiles, Other, ReadFile, Search, Step, parse_command


def actions_of(command: Sequence[str], cwd: str) -> tuple[CommandAction, ...]:
    """The steps of a command line that is run in `cwd`."""
    return tuple(_action(step, cwd) for step in parse_command(command))


def _action(step: Step, cwd: str) -> CommandAction:
    match step:
        case ReadFile(command=command, name=name, path=path):
            return ReadAction(command=command, name=name, path=os.path.normpath(os.path.join(cwd, path)))
        case ListFiles(command=command, path=path):
            return ListFilesAction(command=command, path=path)
        case Search(command=command, query=query, path=path):
            return SearchAction(command=command, query=query, path=path)
        case Other(command=command):
            return UnknownAction(command=command)
        case _ as never:
            assert_never(never)
