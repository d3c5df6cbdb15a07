"""Where a turn's messages go while it runs; here, JSON lines to stdout."""

from collections.abc import Callable
from typing import Protocol

from codex.cli.exec_jsonl import JsonLines
from codex.cli.streams import Out
from codex.protocol.event import EventMsg, TurnAborted


class View(Protocol):
    """Somebody who watches a turn."""

    def show(self, msg: EventMsg) -> None:
        """Take the next message.

        Raises:
          BrokenPipeError: whoever read the answer is gone, so there is no use in going on.
        """
        ...

    def tick(self, seconds: float) -> None:
        """Nothing has happened for so many seconds."""
        ...

    def cut_off(self, message: str) -> None:
        """The turn's own end will not come: close what is open on the screen, for this reason."""
        ...

    def answer(self, text: str | None) -> None:
        """The turn is over; this is the agent's last message."""
        ...


def _never() -> bool:
    return False


class JsonView:
    """`--json`: every line goes out at once.

    `ends_silently` is asked when a turn was interrupted: True leaves its end out.
    """

    def __init__(self, out: Out, *, ends_silently: Callable[[], bool] = _never) -> None:
        self._out, self._lines, self._ends_silently = out, JsonLines(), ends_silently

    def show(self, msg: EventMsg) -> None:
        """Print the lines of a message."""
        if isinstance(msg, TurnAborted) and self._ends_silently():
            return
        if data := self._lines.render(msg):
            self._out.write(data)

    def tick(self, seconds: float) -> None:
        """Programs need no sign of life."""

    def cut_off(self, message: str) -> None:
        """End the open turn by a line that says why; a line in the middle of being written is left alone."""
        if self._out.busy or self._ends_silently():
            return
        if data := self._lines.cut_off(message):
            self._out.write(data)

    def answer(self, text: str | None) -> None:
        """Programs have it from the lines."""
