"""An index of stored threads in SQLite, for lists and searches; the rollouts are the truth, and it is made of them.

`Index` is asked by programs that may block; `run_index` is the same as an actor, with its `messages`. It knows rollouts
only through `codex.ports.store.RolloutSource`, and never touches the SQLite files of Codex.
"""

import os
from typing import TYPE_CHECKING

from codex.state.index import Index, Progress
from codex.state.queries import BadCursor

if TYPE_CHECKING:
    from codex.state._actor import run_index
    from codex.state.messages import Message, ReadFamily, ReadPage

# The actor is loaded when it is first used: commands ask the index without one.
_LATER = {"run_index": "_actor", "Message": "messages", "ReadFamily": "messages", "ReadPage": "messages"}

__all__ = ["BadCursor", "Index", "Message", "Progress", "ReadFamily", "ReadPage", "index_path", "run_index"]


def index_path(codex_home: str) -> str:
    """Where the index of a CODEX_HOME lies. It may be removed at any time."""
    return os.path.join(codex_home, "codex_actors_index.sqlite")


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
