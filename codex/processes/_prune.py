"""Which process makes room when a thread has too many."""

from collections.abc import Sequence

import attrs

MAX_PROCESSES = 64
_PROTECTED = 8


@attrs.frozen
class Candidate:
    """A process of a thread. `used`: larger is later; `locked`: somebody is talking to it now."""

    session_id: int
    used: int
    exited: bool = False
    locked: bool = False


def choose_victim(candidates: Sequence[Candidate], *, limit: int = MAX_PROCESSES) -> int | None:
    """The session that goes before another one is started; None where none has to, or none may.

    The eight used last stay. First goes the exited one that was used longest ago; a locked exited one will be gone
    soon, so then nothing living has to go; else the living one used longest ago.
    """
    if len(candidates) < limit:
        return None
    oldest_first = sorted(candidates, key=lambda candidate: candidate.used)
    open_to_it = oldest_first[: max(len(oldest_first) - _PROTECTED, 0)]
    exited = [candidate for candidate in open_to_it if candidate.exited]
    for candidate in exited:
        if not candidate.locked:
            return candidate.session_id
    if exited:
        return None
    return next((candidate.session_id for candidate in open_to_it if not candidate.locked), None)
