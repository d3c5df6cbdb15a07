"""An index of stored threads in SQLite, for lists and searches; the rollouts are the truth, and it is made of them.

`Index` is asked by programs that may block; `run_index` is the same as an actor, with its `messages`. It knows rollouts
only through `codex.ports.store.RolloutSource`, and never touches the SQLite files of Codex.
"""

import os

from codex.state._actor import run_index
from codex.state.index import Index, Progress
from codex.state.messages import Message, ReadFamily, ReadPage
from codex.state.queries import BadCursor

__all__ = ["BadCursor", "Index", "Message", "Progress", "ReadFamily", "ReadPage", "index_path", "run_index"]


def index_path(codex_home: str) -> str:
    """Where the index of a CODEX_HOME lies. It may be removed at any time."""
    return os.path.join(codex_home, "codex_actors_index.sqlite")
