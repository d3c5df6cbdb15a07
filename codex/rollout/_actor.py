"""The writer of one thread's rollout: the disk before the screen."""

import trio

from actors import Mailbox
from codex.base.errors import CodexError
from codex.rollout._file import Appender
from codex.rollout._machine import MAX_WAITING_LINES, Journal
from codex.rollout.errors import RolloutUnreadable, RolloutWriteError, ThreadHasWriter
from codex.rollout.lines import Line
from codex.rollout.messages import Append, Message, Open, Sync
from codex.rollout.names import lock_path, parse_path

_SYNC_WITHIN = 30.0


class _Writer:
    """The file and its numbering."""

    def __init__(self, file: Appender) -> None:
        self._file = file
        self._journal = Journal()
        self._limiter = trio.CapacityLimiter(1)
        self._failed_sync: CodexError | None = None

    def open(self) -> int:
        """Lock the thread, and open its file where there is one; the next ordinal."""
        self._file.lock()
        if not self._file.is_open and self._file.exists():
            self._journal.opened(self._file.open(create=False))
        return self._journal.next_ordinal

    def append(self, lines: tuple[Line, ...]) -> bool:
        """Write the lines, after those that wait; whether a turn ended with them. What the disk refuses waits."""
        if not self._journal.take(lines):
            raise RolloutWriteError(self._file.path, f"{MAX_WAITING_LINES:,} lines wait for it already")
        try:
            self.open()
            return self._write_waiting()
        except (ThreadHasWriter, RolloutUnreadable):
            self._journal.forget()
            raise

    def _write_waiting(self) -> bool:
        ended = False
        while self._journal.waits:
            if self._journal.lacks_beginning:
                raise RolloutUnreadable(self._file.path, "there is no such file to go on with, or it is empty")
            if not self._file.is_open:
                self._journal.opened(self._file.open(create=True))
            batch = self._journal.oldest()
            self._file.append(batch.data)
            self._journal.written(batch)
            ended = ended or batch.ends_turn
        return ended

    @property
    def next_ordinal(self) -> int:
        """The ordinal of the next line."""
        return self._journal.next_ordinal

    async def sync(self) -> None:
        """Wait for the disk, in a thread. Cancelled: the thread goes on by itself, nothing is lost.

        A disk that says nothing for half a minute is an answer too: whoever asked has to go on.
        """
        self._write_waiting()
        # The kernel tells of a failed write-back once only, so whoever asks for certainty must still hear of it.
        failed, self._failed_sync = self._failed_sync, None
        if failed is not None:
            raise failed
        if self._file.needs_sync:
            self.open()
            with trio.move_on_after(_SYNC_WITHIN) as waited:
                await trio.to_thread.run_sync(self._file.sync, abandon_on_cancel=True, limiter=self._limiter)
            if waited.cancelled_caught:
                raise RolloutWriteError(self._file.path, f"the disk has not confirmed it within {_SYNC_WITHIN:.0f} s")
            self._file.synced()

    async def sync_unasked(self) -> None:
        """Like `sync`; a failure is kept for the next who asks."""
        try:
            await self.sync()
        except (RolloutWriteError, ThreadHasWriter, RolloutUnreadable) as error:
            self._failed_sync = error

    def rest(self) -> None:
        """Hold file and lock only while something is written, where a thousand writers would hold too many."""
        if self._file.is_costly:
            self._file.close()

    def close(self) -> None:
        """Give file and lock back."""
        self._file.close()


async def run_writer(mailbox: Mailbox[Message], *, path: str, codex_home: str) -> None:
    """Write one thread's rollout until stopped; then what is left is synced.

    The file is made at the first append, whose first line must be the `session_meta`; an existing file is continued.
    What the disk refuses is an answer to whoever asked, never a crash; the lines wait, and are written before the next
    ones, or when a sync is asked for, or at the end. Cancel-safe: a message is written wholly or not at all.
    """
    named = parse_path(path)
    assert named is not None, f"not the name of a rollout: {path!r}"
    writer = _Writer(Appender(path, named.thread_id, lock_path(codex_home, named.thread_id)))
    try:
        async for message in mailbox:
            try:
                await _serve(writer, message)
            except CodexError as error:
                message.reply.fail(error)
            writer.rest()
    finally:
        with trio.move_on_after(2, shield=True):
            await writer.sync_unasked()
        writer.close()


async def _serve(writer: _Writer, message: Message) -> None:
    match message:
        case Open(reply=reply):
            reply.set(writer.open())
        case Append(lines=lines, reply=reply):
            ended = writer.append(tuple(lines))
            reply.set(writer.next_ordinal)
            if ended:
                await writer.sync_unasked()
        case Sync(reply=reply):
            await writer.sync()
            reply.set(None)


async def run_null_writer(mailbox: Mailbox[Message]) -> None:
    """The writer of an ephemeral thread: answers as the real one and keeps nothing. Cancel-safe: it has no state."""
    next_ordinal = 0
    async for message in mailbox:
        match message:
            case Append(lines=lines, reply=reply):
                next_ordinal += len(lines)
                reply.set(next_ordinal)
            case Open(reply=reply):
                reply.set(next_ordinal)
            case Sync(reply=reply):
                reply.set(None)
