"""Colors for a terminal, or none."""


class Shades:
    """Puts text into a color where colors are wanted; each line is colored by itself."""

    def __init__(self, *, on: bool) -> None:
        self._on = on

    def bold(self, text: str) -> str:
        """Titles and labels."""
        return self._shade("1", text)

    def dim(self, text: str) -> str:
        """What matters less."""
        return self._shade("2", text)

    def red(self, text: str) -> str:
        """Failures and removed lines."""
        return self._shade("31", text)

    def green(self, text: str) -> str:
        """Successes and added lines."""
        return self._shade("32", text)

    def yellow(self, text: str) -> str:
        """Warnings."""
        return self._shade("33", text)

    def magenta(self, text: str) -> str:
        """What the agent does."""
        return self._shade("35", text)

    def cyan(self, text: str) -> str:
        """Who speaks, and places in a diff."""
        return self._shade("36", text)

    def _shade(self, code: str, text: str) -> str:
        if not self._on or not text:
            return text
        return "\n".join(f"\x1b[{code}m{line}\x1b[0m" if line else line for line in text.split("\n"))
