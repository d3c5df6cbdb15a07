"""One process, as a pure machine.

    starting --started-----------> running
    starting --failed------------> ended           without a code; `failure` says why
    running  --exited------------> draining        its output may still come for a moment
    running  --guard lost--------> draining        code 137, reason `zygote_lost`
    running  --killed------------> draining        code 137, reason `killed`
    draining --output ended------> ended
    draining --drain is over-----> ended           somebody else holds the pipe; nobody waits for that
    output ended while running: go on, until it exits

Law: the exit code is set once and never changes; after the end nothing is added. Not decided here: who kills, and how.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from codex.base.errors import ToolFailure
from codex.base.head_tail import HeadTail

EndReason: TypeAlias = Literal["exited", "killed", "zygote_lost"]

MAX_CHUNK_BYTES = 8192
MAX_CHUNKS = 10_000
KILLED_CODE = 137


class ProcessState:
    """What is known of one process; fed by its actor, read by its handle."""

    __slots__ = (
        "_fresh",
        "_listener",
        "_shown",
        "code",
        "ended",
        "failure",
        "kept",
        "output_ended",
        "pid",
        "reason",
        "stuck",
        "untold",
    )

    def __init__(self, max_bytes: int) -> None:
        self.kept = HeadTail(max_bytes)
        self._fresh = HeadTail(max_bytes)
        self._listener: Callable[[bytes], None] | None = None
        self._shown = 0
        self.pid = 0
        self.failure: ToolFailure | None = None
        self.code: int | None = None
        self.reason: EndReason | None = None
        self.output_ended = False
        self.ended = False
        self.stuck = False
        """It was killed and did not die in time."""
        self.untold = 0
        """Bytes that the last take left out of the middle."""

    # -- what happened -----------------------------------------------------------------------------------------------

    def started(self, pid: int) -> None:
        """The command runs."""
        self.pid = pid

    def failed(self, failure: ToolFailure) -> None:
        """The command could not be started."""
        self.failure = failure
        self.ended = True

    def output_read(self, data: bytes) -> None:
        """More output came."""
        if self.ended:
            return
        self.kept.append(data)
        self._fresh.append(data)
        if self._listener is not None:
            self._show(data)

    def output_is_over(self) -> bool:
        """No more output will come. True when that ends the process."""
        self.output_ended = True
        return self._try_end()

    def exited(self, code: int, reason: EndReason) -> bool:
        """The command ended; only the first word on it counts. True when that ends the process."""
        if self.code is None:
            self.code = code
            self.reason = reason
        return self._try_end()

    def drained(self) -> None:
        """The time for draining is over."""
        assert self.code is not None
        self.ended = True

    def _try_end(self) -> bool:
        if self.code is not None and self.output_ended:
            self.ended = True
        return self.ended

    # -- what is asked -----------------------------------------------------------------------------------------------

    def take(self) -> bytes:
        """The output since the last take, bounded like all of it."""
        self.untold = self._fresh.omitted
        if not self._fresh.total:
            return b""
        fresh = self._fresh.content()
        self._fresh = HeadTail(self._fresh.max_bytes)
        return fresh

    def listen(self, listener: Callable[[bytes], None] | None) -> None:
        """Show output to `listener` from now on; the first one is shown what came before, too."""
        self._listener = listener
        if listener is not None and self._shown == 0 and self.kept.total:
            self._show(self.kept.content())

    def _show(self, data: bytes) -> None:
        assert self._listener is not None
        for at in range(0, len(data), MAX_CHUNK_BYTES):
            if self._shown >= MAX_CHUNKS:
                return
            self._shown += 1
            self._listener(data[at : at + MAX_CHUNK_BYTES])
