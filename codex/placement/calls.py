"""Questions to the other side of a link, and what becomes of them."""

from collections.abc import Callable
from typing import Any

import trio

from actors import Reply
from codex.base.errors import CodexError
from codex.placement.frames import Answer, Call, Frame, Returned, Withdrawn, error_of


class Calls:
    """The questions of one side that are under way. `send` hands a frame to the link; it must not wait."""

    def __init__(self, send: Callable[[Frame], None]) -> None:
        self._send = send
        self._open: dict[int, Reply[Any]] = {}
        self._last = 0
        self._lost: CodexError | None = None

    @property
    def next_number(self) -> int:
        """The number of the call that is made next."""
        return self._last + 1

    def ask_nowait(self, reply: Reply[Any], word: str, *arguments: object) -> int:
        """Ask; the reply gets the answer. The call's number."""
        self._last += 1
        if self._lost is not None:
            reply.fail(self._lost)
            return self._last
        self._open[self._last] = reply
        self._send(Call(self._last, word, arguments))
        return self._last

    async def ask(self, word: str, *arguments: object) -> Any:  # Any: as the word says
        """Ask and wait for the answer. Cancelled: the other side is told that nobody waits any more."""
        reply: Reply[Any] = Reply()
        number = self.ask_nowait(reply, word, *arguments)
        try:
            return await reply.wait()
        except trio.Cancelled:
            if self._open.pop(number, None) is not None:
                self._send(Withdrawn(number))
            raise

    def answered(self, answer: Answer) -> None:
        """An answer has come; one that nobody waits for is dropped."""
        reply = self._open.pop(answer.id, None)
        if reply is None or reply.is_set:
            return
        if isinstance(answer, Returned):
            reply.set(answer.value)
        else:
            reply.fail(error_of(answer))

    def lose(self, error: CodexError) -> None:
        """The other side is gone: nothing is answered any more."""
        self._lost = error
        open_calls, self._open = self._open, {}
        for reply in open_calls.values():
            if not reply.is_set:
                reply.fail(error)
