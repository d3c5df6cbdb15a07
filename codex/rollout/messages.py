"""What the writer of a rollout understands."""

from collections.abc import Sequence
from typing import TypeAlias

from actors import Reply
from codex.base.frozen import frozen
from codex.rollout.lines import Line


@frozen
class Open:
    """Take the thread's lock and, where the file exists, mend its tail; the answer is the next ordinal.

    A resume asks this first, so that nobody writes between its reading and its first line. Without it, the first
    append does the same. Fails with ThreadHasWriter, RolloutWriteError or RolloutUnreadable.
    """

    reply: Reply[int]


@frozen
class Append:
    """Put lines behind the file; answered when the kernel has them, with the next ordinal.

    A refused write (RolloutWriteError) leaves no part of a line in the file. The lines wait in memory, 10,000 at most,
    and are written before all others as soon as a later append or sync finds room.
    A line that ends a turn makes the writer sync the disk after it has answered.
    """

    lines: Sequence[Line]
    reply: Reply[int]


@frozen
class Sync:
    """Answered when the disk itself holds everything appended so far; fails with RolloutWriteError."""

    reply: Reply[None]


Message: TypeAlias = Open | Append | Sync
