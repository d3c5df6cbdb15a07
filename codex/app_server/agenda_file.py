"""What a thread has still to do, kept beside its rollout: its goal and the turns that wait.

One small JSON file a thread, in `agendas` of the home directory; it takes the place of the old one as a whole. Rollouts
are not used for it, since Codex reads those too.
"""

import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress

import attrs

from codex.app_server.api.queue import QueuedSubmission
from codex.app_server.wire import BadParams, decode, encode
from codex.base.jsontext import JsonObject, decode_object, encode_bytes, get_list
from codex.protocol.goal import Goal
from codex.threads.turn_queue import Waiting

FOLDER = "agendas"


def read_agenda(home: str, thread_id: str) -> tuple[Goal | None, list[Waiting[QueuedSubmission]]]:
    """The goal and what waits; nothing where the file is missing or is none of ours. Blocks for a moment."""
    try:
        with open(_path(home, thread_id), "rb") as file:
            kept = decode_object(file.read())
        goal = kept.get("goal")
        waiting = [decode(QueuedSubmission, one) for one in get_list(kept, "queue")]
        return Goal(**goal) if isinstance(goal, dict) else None, [Waiting(one.id, one) for one in waiting]  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError, BadParams):
        return None, []


def write_agenda(home: str, thread_id: str, goal: Goal | None, waiting: Sequence[Waiting[QueuedSubmission]]) -> None:
    """Keep it; without anything to do there is no file. Blocks for a moment.

    Raises:
      OSError: it cannot be written, and is as it was.
    """
    path = _path(home, thread_id)
    if goal is None and not waiting:
        with suppress(FileNotFoundError):
            os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    kept: JsonObject = {
        "goal": None if goal is None else json.loads(json.dumps(attrs.asdict(goal))),
        "queue": [encode(one.what) for one in waiting],
    }
    temporary = f"{path}.{secrets.token_hex(4)}"
    try:
        with open(temporary, "xb") as file:
            file.write(encode_bytes(kept))
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _path(home: str, thread_id: str) -> str:
    return os.path.join(home, FOLDER, f"{thread_id}.json")
