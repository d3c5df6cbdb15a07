"""The record of a thread: a JSONL file in Codex's format, which Codex can resume, as we can resume Codex's.

`run_writer` is the actor that appends to it: `ref.ask(partial(Append, lines))` answers once the kernel has the lines,
`ref.ask(Sync)` once the disk has them. `lines` builds lines, `event_line` decides which events are kept. What is not a
line is loaded when it is first used, so that who only reads stored threads does not load the actors.
"""

from typing import TYPE_CHECKING

from codex.rollout import lines
from codex.rollout.errors import (
    RolloutNotFound,
    RolloutUnreadable,
    RolloutWriteError,
    ThreadArchived,
    ThreadHasWriter,
    TurnNotFound,
)
from codex.rollout.lines import Line, SubAgentSource, TurnIds, Window
from codex.rollout.names import rollout_path

if TYPE_CHECKING:
    from codex.rollout._actor import run_null_writer, run_writer
    from codex.rollout.branch import ForkedBy, fork, revert
    from codex.rollout.git import git_facts
    from codex.rollout.listing import find_rollout, list_rollouts, thread_segments
    from codex.rollout.lock import open_writer_lock
    from codex.rollout.messages import Append, Message, Open, Sync
    from codex.rollout.names import RolloutFile, archived_dir, day_dir
    from codex.rollout.policy import event_line
    from codex.rollout.read import Base, Reading
    from codex.rollout.restore import Restored, forkable, reconstruct
    from codex.rollout.source import Rollouts
    from codex.rollout.stored import load, newest
    from codex.rollout.titles import read_titles, write_title
    from codex.rollout.turns import StoredTurn, end_of, find_turn, stored_turns

_LATER = {
    "run_null_writer": "_actor",
    "run_writer": "_actor",
    "Append": "messages",
    "Message": "messages",
    "Open": "messages",
    "Sync": "messages",
    "event_line": "policy",
    "Rollouts": "source",
    "archived_dir": "names",
    "day_dir": "names",
    "open_writer_lock": "lock",
    "read_titles": "titles",
    "thread_segments": "listing",
    "write_title": "titles",
    "Base": "read",
    "ForkedBy": "branch",
    "StoredTurn": "turns",
    "end_of": "turns",
    "find_turn": "turns",
    "fork": "branch",
    "revert": "branch",
    "stored_turns": "turns",
    "Reading": "read",
    "Restored": "restore",
    "RolloutFile": "names",
    "find_rollout": "listing",
    "forkable": "restore",
    "git_facts": "git",
    "list_rollouts": "listing",
    "load": "stored",
    "newest": "stored",
    "reconstruct": "restore",
}

__all__ = [
    "Append",
    "Base",
    "ForkedBy",
    "Line",
    "Message",
    "Open",
    "Reading",
    "Restored",
    "RolloutFile",
    "RolloutNotFound",
    "RolloutUnreadable",
    "RolloutWriteError",
    "Rollouts",
    "StoredTurn",
    "SubAgentSource",
    "Sync",
    "ThreadArchived",
    "ThreadHasWriter",
    "TurnIds",
    "TurnNotFound",
    "Window",
    "archived_dir",
    "day_dir",
    "end_of",
    "event_line",
    "find_rollout",
    "find_turn",
    "fork",
    "forkable",
    "git_facts",
    "lines",
    "list_rollouts",
    "load",
    "newest",
    "open_writer_lock",
    "read_titles",
    "reconstruct",
    "revert",
    "rollout_path",
    "run_null_writer",
    "run_writer",
    "stored_turns",
    "thread_segments",
    "write_title",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return found
