"""A turn for a person: text to stderr while it runs, the answer on stdout."""

from codex.cli.exec_human import HumanText
from codex.cli.streams import Out, Screen
from codex.protocol.event import EventMsg


class HumanView:
    """Text for a person. The answer goes to stdout too, unless the person has just read it on the same terminal."""

    def __init__(self, out: Out, screen: Screen, text: HumanText) -> None:
        self._out, self._screen, self._text = out, screen, text

    def show(self, msg: EventMsg) -> None:
        """Add a message's text to the screen."""
        if text := self._text.render(msg):
            self._screen.add(text)

    def tick(self, seconds: float) -> None:
        """Show on the status line what is waited for."""
        self._screen.status(f"{self._text.activity()} ({seconds:.0f} s)" if seconds >= 1 else "")

    def cut_off(self, message: str) -> None:
        """End the open turn on the screen."""
        self._screen.add(self._text.cut_off(message))

    def answer(self, text: str | None) -> None:
        """Print the agent's last message on stdout."""
        self._screen.status("")
        if text and not (self._out.is_terminal and self._screen.is_terminal):
            self._out.write(f"{text}\n".encode("utf-8", "replace"))
